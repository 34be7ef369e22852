// SPDX-License-Identifier: MIT
/* What vfio-pci does still works: a light smoke test of each operation. */
#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "touch.h"

TEST(stock_device_info_has_the_pci_regions)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct vfio_device_info info = { .argsz = sizeof(info) };

	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_GET_INFO, &info));
	ASSERT(info.flags & VFIO_DEVICE_FLAGS_PCI);
	ASSERT_COMPARE(info.num_regions, >=, VFIO_PCI_NUM_REGIONS);
	ASSERT_COMPARE(info.num_irqs, >=, VFIO_PCI_NUM_IRQS);
}

TEST(stock_region_info_has_the_bars)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR2_REGION_INDEX,
	};

	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_GET_REGION_INFO,
			 &info));
	ASSERT_EQ(info.size, 16 << 20);
	ASSERT_EQ(info.offset, 2ULL << 40);
	ASSERT(info.flags & VFIO_REGION_INFO_FLAG_MMAP);
}

TEST(stock_config_space_can_be_read)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	uint32_t id;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, &id,
				       sizeof(id), PCI_VENDOR_ID));
	ASSERT_EQ(id, 0x11101af4);
}

/* tests/vm/rig/machine.py has the image. */
TEST(stock_rom_can_be_read)
{
	struct barlease_device *dev = device_open(NIC);
	uint8_t image[2048];
	size_t i;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_ROM_REGION_INDEX, image,
				       sizeof(image), 0));
	ASSERT_EQ(image[0], 0x55);
	ASSERT_EQ(image[1], 0xaa);
	for (i = 0x34; i < sizeof(image); i++)
		ASSERT_EQ(image[i], (uint8_t)(i * 7));
}

TEST(stock_io_ports_can_be_read_and_written)
{
	struct barlease_device *dev = device_open(NIC);
	uint16_t command, io = 2;
	uint32_t value = 0x5400;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX,
				       &command, 2, PCI_COMMAND));
	command |= PCI_COMMAND_IO;
	ASSERT_OK(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					&command, 2, PCI_COMMAND));
	/* The number of a register, and a window to it: the MAC address. */
	ASSERT_OK(barlease_region_write(dev, io, &value, 4, 0));
	value = 0;
	ASSERT_OK(barlease_region_read(dev, io, &value, 4, 4));
	ASSERT_EQ(value, 0x12005452);
}

TEST(stock_bar_can_be_mapped)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct barlease_map map;

	ASSERT_OK(barlease_region_map(dev, RAM_BAR, 0, PAGE,
				      PROT_READ | PROT_WRITE, &map));
	ASSERT_WRITES(map.address, 0x12345678);
	ASSERT_READS(map.address, 0x12345678);
}

TEST(stock_irq_info_counts_msix_vectors)
{
	struct barlease_device *dev = device_open(NVME);
	struct vfio_irq_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_GET_IRQ_INFO,
			 &info));
	ASSERT_COMPARE(info.count, >, 0);
	ASSERT(info.flags & VFIO_IRQ_INFO_EVENTFD);
}

TEST(stock_irq_can_be_wired_to_an_eventfd)
{
	struct barlease_device *dev = device_open(NVME);
	int event = (int)ASSERT_SYS(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} wire = {
		.set = {
			.argsz = sizeof(wire),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		},
		.fd = event,
	};
	struct vfio_irq_set trigger = {
		.argsz = sizeof(trigger),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = 1,
	};
	uint64_t count;

	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_SET_IRQS, &wire));
	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_SET_IRQS,
			 &trigger));
	ASSERT_EQ(ASSERT_SYS(read(event, &count, sizeof(count))),
		  sizeof(count));
	ASSERT_EQ(count, 1);
}

TEST(stock_low_power_feature_answers_its_probe)
{
	struct barlease_device *dev = device_open(NVME);

	ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_PROBE |
				  VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
				  NULL, 0));
}

TEST(stock_unknown_feature_is_enotty)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	ASSERT_ERRNO(device_feature(dev, VFIO_DEVICE_FEATURE_PROBE |
				    VFIO_DEVICE_FEATURE_SET | 0x7fff, NULL, 0),
		     ENOTTY);
	ASSERT_ERRNO(device_feature(dev, VFIO_DEVICE_FEATURE_PROBE |
				    VFIO_DEVICE_FEATURE_SET |
				    BARLEASE_FEATURE_BASE, NULL, 0), ENOTTY);
}

TEST(stock_device_is_open_once)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct barlease_device *again;

	ASSERT_ERROR(barlease_device_open(barlease_device_bdf(dev), &again),
		     EBUSY);
}
