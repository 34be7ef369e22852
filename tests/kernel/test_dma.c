// SPDX-License-Identifier: MIT
/*
 * The lessor lets the device do DMA, in either way that VFIO has, and lends
 * the registers that start it: the edu device copies from and to memory.
 */
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "vfio/iommufd.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

/* Registers of edu (QEMU's docs/specs/edu). It reaches 28 bits of address. */
#define EDU_BAR 0
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_TARGET 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_RUN 1u
#define EDU_DMA_TO_MEMORY 2u
#define EDU_BUFFER 0x40000		/* its own memory, as DMA sees it */

#define IOVA 0x100000
#define HALF (PAGE / 2)

static void bus_master_on(struct barlease_device *dev)
{
	uint16_t command;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX,
				       &command, sizeof(command), PCI_COMMAND));
	command |= PCI_COMMAND_MASTER;
	ASSERT_OK(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					&command, sizeof(command),
					PCI_COMMAND));
}

static int ioas_map(struct barlease_device *dev, void *memory, uint64_t iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = barlease_device_ioas(dev),
		.user_va = (uintptr_t)memory,
		.length = PAGE,
		.iova = iova,
	};

	return ioctl(barlease_device_iommu_fd(dev), IOMMU_IOAS_MAP, &map);
}

static void ioas_unmap(struct barlease_device *dev, uint64_t iova)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = barlease_device_ioas(dev),
		.iova = iova,
		.length = PAGE,
	};

	ASSERT_SYS(ioctl(barlease_device_iommu_fd(dev), IOMMU_IOAS_UNMAP,
			 &unmap));
}

static int container_map(struct barlease_device *dev, void *memory,
			 uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = PAGE,
	};

	return ioctl(barlease_device_iommu_fd(dev), VFIO_IOMMU_MAP_DMA, &map);
}

static int dma_map(struct barlease_device *dev, void *memory, uint64_t iova)
{
	if (barlease_device_way(dev) == BARLEASE_BY_IOMMUFD)
		return ioas_map(dev, memory, iova);
	return container_map(dev, memory, iova);
}

static uint8_t *page_make(void)
{
	return (void *)ASSERT_SYS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* A lessee that has the registers, and nothing else of the device. */
struct user {
	struct lessee lessee;
	uint8_t *registers;
	int fd;
};

static void user_start(struct user *user, struct barlease_device *dev)
{
	user->fd = lease_export(dev, EDU_BAR, 0, PAGE);
	user->registers = lessee_start_mapped(&user->lessee, user->fd, PAGE);
}

static void user_write(struct user *user, unsigned int offset, uint32_t value)
{
	ASSERT_TOUCH(lessee_write(&user->lessee, user->registers + offset,
				  value), TOUCH_OK);
}

static void user_copy(struct user *user, uint32_t source, uint32_t target,
		      uint32_t command)
{
	uint32_t state;

	user_write(user, EDU_DMA_SOURCE, source);
	user_write(user, EDU_DMA_TARGET, target);
	user_write(user, EDU_DMA_COUNT, HALF);
	user_write(user, EDU_DMA_COMMAND, command | EDU_DMA_RUN);
	do {
		sleep_ms(10);
		ASSERT_TOUCH(lessee_read(&user->lessee,
					 user->registers + EDU_DMA_COMMAND,
					 &state), TOUCH_OK);
	} while (state & EDU_DMA_RUN);
}

/* From one half of the page into the device and back to the other half. */
static void user_copies(struct user *user, uint8_t *page, uint64_t iova,
			uint8_t seed)
{
	size_t i;

	for (i = 0; i < HALF; i++) {
		page[i] = (uint8_t)(seed + i * 7);
		page[HALF + i] = (uint8_t)~page[i];
	}
	user_copy(user, (uint32_t)iova, EDU_BUFFER, 0);
	user_copy(user, EDU_BUFFER, (uint32_t)(iova + HALF),
		  EDU_DMA_TO_MEMORY);
	ASSERT_EQ(memcmp(page, page + HALF, HALF), 0);
	ASSERT_EQ(page[1], (uint8_t)(seed + 7));
}

static void dma_works_by(enum barlease_way way)
{
	struct barlease_device *dev = device_open_by(EDU, way);
	uint8_t *page = page_make();
	struct user user;

	ASSERT_EQ(barlease_device_way(dev), way);
	bus_master_on(dev);
	ASSERT_SYS(dma_map(dev, page, IOVA));
	user_start(&user, dev);
	user_copies(&user, page, IOVA, 1);

	/* The lease is gone, the device is the lessor's own again. */
	ASSERT_SYS(lease_revoke(dev, user.fd));
	ASSERT_TOUCH(lessee_write(&user.lessee, user.registers, 1),
		     TOUCH_SIGBUS);
	lessee_end(&user.lessee);
	barlease_device_close(dev);
}

TEST(dma_started_by_a_lessee_works_by_group)
{
	dma_works_by(BARLEASE_BY_GROUP);
}

TEST(dma_started_by_a_lessee_works_by_iommufd)
{
	dma_works_by(BARLEASE_BY_IOMMUFD);
}

TEST(dma_and_lease_outlast_a_change_of_the_address_space)
{
	struct barlease_device *dev = device_open_by(EDU, BARLEASE_BY_IOMMUFD);
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = barlease_device_ioas(dev),
	};
	uint8_t *page = page_make();
	struct user user;

	bus_master_on(dev);
	user_start(&user, dev);
	ASSERT_SYS(dma_map(dev, page, IOVA));
	user_copies(&user, page, IOVA, 1);

	ASSERT_SYS(ioctl(barlease_device_fd(dev),
			 VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach));
	ASSERT_TOUCH(lessee_read(&user.lessee, user.registers, NULL),
		     TOUCH_OK);
	ioas_unmap(dev, IOVA);
	ASSERT_SYS(dma_map(dev, page, 2 * IOVA));
	ASSERT_SYS(ioctl(barlease_device_fd(dev),
			 VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	user_copies(&user, page, 2 * IOVA, 100);
	lessee_end(&user.lessee);
	barlease_device_close(dev);
}

/* A lessee that owns another device cannot let that device at its lease. */
TEST(dma_of_another_device_to_a_lease_is_refused_by_iommufd)
{
	struct barlease_device *other =
		device_open_by(NVME, BARLEASE_BY_IOMMUFD);
	uint8_t *page = page_make();
	struct lent lent;

	lend(&lent, 0, 2 * PAGE);
	/* Whether there is an entry or not. */
	ASSERT_WRITES(lent.map, 1);
	ASSERT_ERRNO(dma_map(other, lent.map, IOVA), EFAULT);
	ASSERT_ERRNO(dma_map(other, (uint8_t *)lent.map + PAGE, IOVA), EFAULT);
	/* It is the lease that is in the way. */
	ASSERT_SYS(dma_map(other, page, IOVA));
	barlease_device_close(other);
}
