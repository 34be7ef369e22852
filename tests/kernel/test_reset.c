// SPDX-License-Identifier: MIT
/* Resets of the function: a lease goes away and comes back by itself. */
#include <linux/pci_regs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

/* Registers (NVMe base specification, section "Controller Properties") */
#define NVME_CC 0x14		/* configuration */
#define NVME_CSTS 0x1c		/* status; bit 0: ready */
#define NVME_AQA 0x24		/* sizes of the admin queues */
#define NVME_ASQ 0x28		/* address of the submission queue */
#define NVME_ACQ 0x30		/* ... and of the completion queue */

#define NVME_PAGES 2

static void lend_nvme(struct lent *lent)
{
	lent->dev = device_open(NVME);
	lent->length = NVME_PAGES * PAGE;
	lent->fd = lease_export(lent->dev, 0, 0, lent->length);
	lent->map = lease_map_rw(lent->fd, 0, lent->length);
}

#define nvme_register(map, offset) (&(map)[(offset) / sizeof(uint32_t)])

/*
 * Make the controller ready, through the lease: a reset ends that. Nothing
 * is ever put into its queues, so it never looks at them.
 */
static void nvme_enable(uint32_t *map)
{
	long long end = now_ms() + patience_ms(5000);
	uint32_t status = 0;

	ASSERT_WRITES(nvme_register(map, NVME_CC), 0);
	ASSERT_WRITES(nvme_register(map, NVME_AQA), 0x001f001f);
	ASSERT_WRITES(nvme_register(map, NVME_ASQ), 0x1000);
	ASSERT_WRITES(nvme_register(map, NVME_ASQ + 4), 0);
	ASSERT_WRITES(nvme_register(map, NVME_ACQ), 0x2000);
	ASSERT_WRITES(nvme_register(map, NVME_ACQ + 4), 0);
	/* Entries of 64 and 16 bytes, enable */
	ASSERT_WRITES(nvme_register(map, NVME_CC), 0x00460001);
	while (!(status & 1)) {
		ASSERT_TOUCH(touch_read(nvme_register(map, NVME_CSTS), &status),
			     TOUCH_OK);
		ASSERT_COMPARE(now_ms(), <, end);
	}
}

static uint16_t config_read16(struct barlease_device *dev, unsigned int offset)
{
	uint16_t value;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX,
				       &value, sizeof(value), offset));
	return value;
}

/* Where the PCI Express capability is. */
static unsigned int express_capability(struct barlease_device *dev)
{
	unsigned int position, i;

	position = config_read16(dev, PCI_CAPABILITY_LIST) & 0xfc;
	for (i = 0; i < 48 && position; i++) {
		uint16_t header = config_read16(dev, position);

		if ((header & 0xff) == PCI_CAP_ID_EXP)
			return position;
		position = header >> 8 & 0xfc;
	}
	test_skip("%s has no PCI Express capability",
		  barlease_device_bdf(dev));
}

/* Function level reset as a guest's driver does it. */
static void by_flr(struct barlease_device *dev)
{
	unsigned int control = express_capability(dev) + PCI_EXP_DEVCTL;
	uint16_t value = config_read16(dev, control) | PCI_EXP_DEVCTL_BCR_FLR;

	ASSERT_OK(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					&value, sizeof(value), control));
}

static void by_ioctl(struct barlease_device *dev)
{
	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_RESET));
}

/*
 * The mapping is taken away, which shows as a fault of the next access, and
 * comes back; the status register shows that the reset took place.
 */
static void reset_zaps(void (*reset)(struct barlease_device *dev))
{
	struct lessee child;
	struct lent lent;
	uint32_t found;

	lend_nvme(&lent);
	nvme_enable(lent.map);
	ASSERT_EQ(touch_faults(lent.map), 0);
	lessee_start(&child);
	ASSERT_TOUCH(lessee_read(&child, nvme_register(lent.map, NVME_CSTS),
				 &found), TOUCH_OK);
	ASSERT_EQ(found, 1);

	reset(lent.dev);

	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_EQ(touch_faults(lent.map), 1);
	ASSERT_READS(nvme_register(lent.map, NVME_CSTS), 0);
	ASSERT_TOUCH(lessee_read(&child, nvme_register(lent.map, NVME_CSTS),
				 &found), TOUCH_OK);
	ASSERT_EQ(found, 0);
	nvme_enable(lent.map);
}

TEST(reset_by_ioctl_zaps_and_the_lease_comes_back)
{
	reset_zaps(by_ioctl);
}

TEST(reset_by_flr_zaps_and_the_lease_comes_back)
{
	reset_zaps(by_flr);
}

TEST(reset_with_memory_off_leaves_the_lease_away)
{
	struct lent lent;

	lend_nvme(&lent);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	by_ioctl(lent.dev);
	ASSERT_GONE(lent.map);
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
}

TEST(reset_does_not_bring_back_a_revoked_lease)
{
	struct lent lent;

	lend_nvme(&lent);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	by_ioctl(lent.dev);
	by_flr(lent.dev);
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_GONE(lent.map);
}

struct racing_reader {
	uint32_t *map;
	volatile bool stop;
	unsigned long ok, sigbus;
};

static void *read_on(void *arg)
{
	struct racing_reader *reader = arg;

	while (!reader->stop) {
		switch (touch_read(&reader->map[0], NULL)) {
		case TOUCH_OK:
			reader->ok++;
			break;
		case TOUCH_SIGBUS:
			reader->sigbus++;
			break;
		case TOUCH_SIGSEGV:
			FAIL("SIGSEGV from a mapping");
		}
	}
	return NULL;
}

TEST(reset_racing_with_a_reader_is_seen_as_ok_or_sigbus)
{
	struct racing_reader reader = { 0 };
	struct lent lent;
	pthread_t thread;
	unsigned int i;

	lend_nvme(&lent);
	reader.map = lent.map;
	ASSERT_EQ(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (i = 0; i < 10; i++) {
		by_ioctl(lent.dev);
		by_flr(lent.dev);
		ASSERT_OK(barlease_device_set_memory(lent.dev, false));
		sleep_ms(5);
		ASSERT_OK(barlease_device_set_memory(lent.dev, true));
		sleep_ms(5);
	}
	reader.stop = true;
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	test_note("%lu reads, %lu SIGBUS during 20 resets", reader.ok,
		  reader.sigbus);
	ASSERT_COMPARE(reader.ok, >, 0);
	ASSERT_COMPARE(reader.sigbus, >, 0);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
}
