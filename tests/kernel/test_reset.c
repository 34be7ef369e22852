// SPDX-License-Identifier: MIT
/* Resets of the function: a lease goes away and comes back by itself. */
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config.h"
#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "nvme.h"
#include "reset.h"
#include "touch.h"

static void lend_nvme(struct lent *lent)
{
	lent->dev = device_open(NVME);
	lent->length = NVME_PAGES * PAGE;
	lent->fd = lease_export(lent->dev, 0, 0, lent->length);
	lent->map = lease_map_rw(lent->fd, 0, lent->length);
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
	reset_zaps(reset_by_ioctl);
}

TEST(reset_by_flr_zaps_and_the_lease_comes_back)
{
	reset_zaps(reset_by_flr);
}

TEST(reset_with_memory_off_leaves_the_lease_away)
{
	struct lent lent;

	lend_nvme(&lent);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	reset_by_ioctl(lent.dev);
	ASSERT_GONE(lent.map);
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
}

TEST(reset_does_not_bring_back_a_revoked_lease)
{
	struct lent lent;

	lend_nvme(&lent);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	reset_by_ioctl(lent.dev);
	reset_by_flr(lent.dev);
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_GONE(lent.map);
}

struct racing_reader {
	uint32_t *map;
	volatile bool stop;
	atomic_ulong ok, sigbus;
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
	/* The reader may have been held up all that time. */
	for (i = 0; i < 10 || !atomic_load(&reader.ok) ||
	     !atomic_load(&reader.sigbus); i++) {
		reset_by_ioctl(lent.dev);
		reset_by_flr(lent.dev);
		ASSERT_OK(barlease_device_set_memory(lent.dev, false));
		sleep_ms(5);
		ASSERT_OK(barlease_device_set_memory(lent.dev, true));
		sleep_ms(5);
	}
	reader.stop = true;
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	test_note("%lu reads, %lu SIGBUS during %u resets",
		  atomic_load(&reader.ok), atomic_load(&reader.sigbus), 2 * i);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
}
