// SPDX-License-Identifier: MIT
/* Every way to reset a function, with lessees of every kind on it. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bind.h"
#include "config.h"
#include "crowd.h"
#include "device.h"
#include "harness.h"
#include "nvme.h"
#include "pair.h"
#include "reset.h"
#include "touch.h"

static void by_af_flr(struct barlease_device *dev)
{
	config_write8(dev, config_capability(dev, PCI_CAP_ID_AF) + PCI_AF_CTRL,
		      PCI_AF_CTRL_FLR);
}

/* The controller is ready before and not any more after. */
static void reset_reaches_all(void (*reset)(struct barlease_device *dev))
{
	struct barlease_device *dev = device_open(NVME);
	struct crowd crowd;
	uint32_t found;
	int i;

	crowd_gather(&crowd, barlease_device_fd(dev), &NVME_PLACE);
	for (i = 0; i < 3; i++) {
		nvme_enable(crowd.own[CROWD_RW]);
		reset(dev);
		ASSERT_OK(barlease_device_set_memory(dev, true));
		crowd_assert_zapped(&crowd);
		ASSERT_READS(nvme_register(crowd.own[CROWD_RO], NVME_CSTS), 0);
		ASSERT_TOUCH(lessee_read(&crowd.lessee[CROWD_RO],
					 nvme_register(crowd.theirs[CROWD_RO],
						       NVME_CSTS), &found),
			     TOUCH_OK);
		ASSERT_EQ(found, 0);
		crowd_assert_works(&crowd);
	}

	ASSERT_OK(barlease_device_set_memory(dev, false));
	reset(dev);
	crowd_assert_away(&crowd);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	crowd_assert_works(&crowd);
}

static void reset_while_all_work(void (*reset)(struct barlease_device *dev))
{
	struct barlease_device *dev = device_open(NVME);
	struct crowd crowd;
	int i;

	crowd_gather(&crowd, barlease_device_fd(dev), &NVME_PLACE);
	crowd_work_start(&crowd);
	for (i = 0; i < 5; i++) {
		reset(dev);
		ASSERT_OK(barlease_device_set_memory(dev, true));
		crowd_work_assert_works(&crowd);
	}
	crowd_work_stop(&crowd);
	crowd_assert_works(&crowd);
}

CROWD_TEST(reset_by_ioctl_reaches_every_lessee)
{
	reset_reaches_all(reset_by_ioctl);
}

CROWD_TEST(reset_by_ioctl_while_lessees_work_gives_them_access_again)
{
	reset_while_all_work(reset_by_ioctl);
}

CROWD_TEST(reset_by_flr_reaches_every_lessee)
{
	reset_reaches_all(reset_by_flr);
}

CROWD_TEST(reset_by_flr_while_lessees_work_gives_them_access_again)
{
	reset_while_all_work(reset_by_flr);
}

/* Keeps what is put in as long as the edu device does no DMA. */
#define EDU_DMA_SOURCE 0x80

static const struct crowd_place edu_place = {
	.bar = 0,
	.length = PAGE,
	.word = EDU_DMA_SOURCE,
};

CROWD_TEST(hot_reset_by_another_function_reaches_every_lessee)
{
	struct crowd crowd;
	struct pair pair;
	int i;

	pair_open(&pair);
	crowd_gather(&crowd, pair.device[0], &edu_place);
	for (i = 0; i < 3; i++) {
		ASSERT_OK(pair_hot_reset(&pair, 1));
		crowd_assert_zapped(&crowd);
		crowd_assert_works(&crowd);
	}
	crowd_leave(&crowd);
	pair_close(&pair);
}

CROWD_TEST(hot_reset_by_another_function_while_lessees_work_gives_access_again)
{
	struct crowd crowd;
	struct pair pair;
	int i;

	pair_open(&pair);
	crowd_gather(&crowd, pair.device[0], &edu_place);
	crowd_work_start(&crowd);
	for (i = 0; i < 5; i++) {
		ASSERT_OK(pair_hot_reset(&pair, i % 2));
		crowd_work_assert_works(&crowd);
	}
	crowd_work_stop(&crowd);
	crowd_assert_works(&crowd);
	crowd_leave(&crowd);
	pair_close(&pair);
}

/*
 * No device of the emulator has Advanced Features, so a test module puts the
 * capability into the configuration space of one, counts what is written to
 * its control register and resets nothing.
 */
#define AF_FILE "/sys/kernel/debug/barlease-test/af"

static unsigned int af_resets(void)
{
	FILE *file = fopen(AF_FILE, "r");
	unsigned int count;

	ASSERT(file);
	ASSERT_EQ(fscanf(file, "%u", &count), 1);
	fclose(file);
	return count;
}

static struct barlease_device *af_open(void)
{
	const char *bdf = device_bdf(NVME);

	if (module_load("barlease-test"))
		test_skip("no module barlease-test");
	/* The driver looks for it when it is bound. */
	ASSERT_OK(device_unbind(bdf));
	ASSERT_OK(sysfs_write(AF_FILE, bdf));
	ASSERT_OK(device_sysfs_write(bdf, "reset_method", "af_flr"));
	ASSERT_OK(device_bind(bdf));
	return device_open(NVME);
}

static void af_close(struct barlease_device *dev)
{
	const char *bdf = device_bdf(NVME);

	barlease_device_close(dev);
	ASSERT_OK(device_unbind(bdf));
	ASSERT_OK(sysfs_write(AF_FILE, "none"));
	ASSERT_OK(device_sysfs_write(bdf, "reset_method", "default"));
	ASSERT_OK(device_bind(bdf));
}

CROWD_TEST(reset_by_af_flr_reaches_every_lessee)
{
	struct barlease_device *dev = af_open();
	unsigned int resets;
	struct crowd crowd;
	int i;

	crowd_gather(&crowd, barlease_device_fd(dev), &NVME_PLACE);
	for (i = 0; i < 3; i++) {
		resets = af_resets();
		by_af_flr(dev);
		ASSERT_EQ(af_resets(), resets + 1);
		crowd_assert_zapped(&crowd);
		crowd_assert_works(&crowd);
	}

	ASSERT_OK(barlease_device_set_memory(dev, false));
	by_af_flr(dev);
	crowd_assert_away(&crowd);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	crowd_assert_works(&crowd);
	af_close(dev);
}

CROWD_TEST(reset_by_af_flr_while_lessees_work_gives_them_access_again)
{
	struct barlease_device *dev = af_open();
	struct crowd crowd;
	int i;

	crowd_gather(&crowd, barlease_device_fd(dev), &NVME_PLACE);
	crowd_work_start(&crowd);
	for (i = 0; i < 5; i++) {
		by_af_flr(dev);
		crowd_work_assert_works(&crowd);
	}
	crowd_work_stop(&crowd);
	crowd_assert_works(&crowd);
	af_close(dev);
}
