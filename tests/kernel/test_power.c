// SPDX-License-Identifier: MIT
/* Power states of the function: leases go away and come back. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bind.h"
#include "config.h"
#include "crowd.h"
#include "device.h"
#include "harness.h"
#include "nvme.h"
#include "touch.h"

enum { D0 = 0, D3HOT = 3 };

/* As a guest's driver does it: by the power management capability. */
static void set_power(struct barlease_device *dev, uint16_t state)
{
	config_write16(dev, config_capability(dev, PCI_CAP_ID_PM) + PCI_PM_CTRL,
		       state);
}

static struct barlease_device *gather_nvme(struct crowd *crowd)
{
	struct barlease_device *dev = device_open(NVME);

	crowd_gather(crowd, barlease_device_fd(dev), &NVME_PLACE);
	return dev;
}

CROWD_TEST(d3hot_is_sigbus_for_every_lessee_and_d0_works_again)
{
	struct barlease_device *dev;
	struct crowd crowd;
	int i;

	dev = gather_nvme(&crowd);
	for (i = 0; i < 3; i++) {
		set_power(dev, D3HOT);
		crowd_assert_away(&crowd);
		set_power(dev, D0);
		ASSERT_OK(barlease_device_set_memory(dev, true));
		crowd_assert_zapped(&crowd);
		crowd_assert_works(&crowd);
	}
}

CROWD_TEST(d3hot_while_lessees_work_refuses_them_until_d0)
{
	struct barlease_device *dev;
	struct crowd crowd;
	int i;

	dev = gather_nvme(&crowd);
	crowd_work_start(&crowd);
	for (i = 0; i < 5; i++) {
		set_power(dev, D3HOT);
		crowd_work_assert_away(&crowd);
		set_power(dev, D0);
		ASSERT_OK(barlease_device_set_memory(dev, true));
		crowd_work_assert_works(&crowd);
	}
	crowd_work_stop(&crowd);
	crowd_assert_works(&crowd);
}

CROWD_TEST(d0_does_not_bring_back_a_lease_revoked_in_d3hot)
{
	struct barlease_device *dev;
	struct crowd crowd;
	int i;

	dev = gather_nvme(&crowd);
	set_power(dev, D3HOT);
	for (i = 0; i < CROWD_LEASES; i++)
		ASSERT_SYS(lease_revoke(dev, crowd.fd[i]));
	set_power(dev, D0);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	crowd_assert_away(&crowd);
}

CROWD_TEST(d3hot_lease_can_be_exported_and_works_from_d0_on)
{
	struct barlease_device *dev = device_open(NVME);
	uint32_t *map;
	int fd;

	set_power(dev, D3HOT);
	fd = lease_export(dev, 0, 0, PAGE);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	set_power(dev, D0);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	map = lease_map_rw(fd, 0, PAGE);
	ASSERT_WRITES(nvme_register(map, NVME_AQA), 0x77);
	ASSERT_READS(nvme_register(map, NVME_AQA), 0x77);
}

CROWD_TEST(close_in_d3hot_ends_leases_and_the_device_opens_again)
{
	struct barlease_device *dev;
	struct crowd crowd;

	dev = gather_nvme(&crowd);
	set_power(dev, D3HOT);
	barlease_device_close(dev);
	crowd_assert_away(&crowd);
	dev = device_open(NVME);
	crowd_assert_away(&crowd);
	barlease_device_close(dev);
}

/*
 * Low power by VFIO's features. Any ioctl on the device fd resumes the function
 * for a moment (and for good after an entry with wake-up), so what is asked for
 * below goes elsewhere.
 */
static int low_power_enter(struct barlease_device *dev)
{
	return device_feature(dev,
			      VFIO_DEVICE_FEATURE_SET |
				      VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
			      NULL, 0);
}

static int low_power_enter_wakeup(struct barlease_device *dev, int wakeup)
{
	struct vfio_device_low_power_entry_with_wakeup entry = {
		.wakeup_eventfd = wakeup,
	};

	return device_feature(
		dev,
		VFIO_DEVICE_FEATURE_SET |
			VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
		&entry, sizeof(entry));
}

static int low_power_exit(struct barlease_device *dev)
{
	return device_feature(dev,
			      VFIO_DEVICE_FEATURE_SET |
				      VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
			      NULL, 0);
}

/* Until the kernel says so; the time limit of the test ends it. */
static void wait_for_power(const char *bdf, const char *file, const char *wanted)
{
	char path[100], text[32];
	FILE *stream;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, file);
	for (;;) {
		stream = fopen(path, "r");
		ASSERT(stream);
		ASSERT(fgets(text, sizeof(text), stream));
		fclose(stream);
		text[strcspn(text, "\n")] = '\0';
		if (!strcmp(text, wanted))
			return;
		sleep_ms(1);
	}
}

static void wait_for_suspended(struct barlease_device *dev)
{
	const char *bdf = barlease_device_bdf(dev);

	wait_for_power(bdf, "power/runtime_status", "suspended");
	wait_for_power(bdf, "power_state", "D3hot");
}

/* What a tool of the host may do at any time: the function must be on. */
static void wake_by_host(struct barlease_device *dev)
{
	const char *bdf = barlease_device_bdf(dev);

	ASSERT_OK(device_sysfs_write(bdf, "power/control", "on"));
	wait_for_power(bdf, "power/runtime_status", "active");
	ASSERT_OK(device_sysfs_write(bdf, "power/control", "auto"));
}

static bool is_signalled(int eventfd)
{
	struct pollfd poll_fd = { .fd = eventfd, .events = POLLIN };

	return ASSERT_SYS(poll(&poll_fd, 1, 0)) == 1;
}

CROWD_TEST(low_power_is_sigbus_for_every_lessee_and_exit_works_again)
{
	struct barlease_device *dev;
	struct crowd crowd;
	int i;

	dev = gather_nvme(&crowd);
	for (i = 0; i < 3; i++) {
		ASSERT_SYS(low_power_enter(dev));
		crowd_assert_away(&crowd);
		wait_for_suspended(dev);
		/* A fault does not wake the function. */
		crowd_assert_away(&crowd);
		wait_for_suspended(dev);
		ASSERT_SYS(low_power_exit(dev));
		crowd_assert_zapped(&crowd);
		crowd_assert_works(&crowd);
	}
}

CROWD_TEST(low_power_while_lessees_work_refuses_them_until_exit)
{
	struct barlease_device *dev;
	struct crowd crowd;
	int i;

	dev = gather_nvme(&crowd);
	crowd_work_start(&crowd);
	for (i = 0; i < 5; i++) {
		ASSERT_SYS(low_power_enter(dev));
		crowd_work_assert_away(&crowd);
		wait_for_suspended(dev);
		crowd_work_assert_away(&crowd);
		ASSERT_SYS(low_power_exit(dev));
		crowd_work_assert_works(&crowd);
	}
	crowd_work_stop(&crowd);
	crowd_assert_works(&crowd);
}

CROWD_TEST(low_power_of_a_function_without_d3_is_sigbus_too)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_WRITES(lent.map, 0xe7);
	ASSERT_SYS(low_power_enter(lent.dev));
	ASSERT_GONE(lent.map);
	ASSERT_SYS(low_power_exit(lent.dev));
	ASSERT_READS(lent.map, 0xe7);
}

/* Without a wake-up eventfd only the lessor ends it. */
CROWD_TEST(low_power_stays_when_the_host_wakes_the_function)
{
	struct barlease_device *dev;
	struct crowd crowd;

	dev = gather_nvme(&crowd);
	ASSERT_SYS(low_power_enter(dev));
	wait_for_suspended(dev);
	wake_by_host(dev);
	crowd_assert_away(&crowd);
	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_RESET));
	crowd_assert_away(&crowd);
	ASSERT_SYS(low_power_exit(dev));
	ASSERT_OK(barlease_device_set_memory(dev, true));
	crowd_assert_works(&crowd);
}

CROWD_TEST(low_power_with_wakeup_gives_access_back_when_the_function_wakes)
{
	int wakeup = (int)ASSERT_SYS(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	struct barlease_device *dev;
	struct crowd crowd;

	dev = gather_nvme(&crowd);
	ASSERT_SYS(low_power_enter_wakeup(dev, wakeup));
	wait_for_suspended(dev);
	crowd_assert_away(&crowd);
	ASSERT(!is_signalled(wakeup));
	wake_by_host(dev);
	ASSERT(is_signalled(wakeup));
	crowd_assert_zapped(&crowd);
	crowd_assert_works(&crowd);
}

CROWD_TEST(low_power_with_wakeup_while_lessees_work_refuses_them_until_exit)
{
	int wakeup = (int)ASSERT_SYS(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	struct barlease_device *dev;
	struct crowd crowd;

	dev = gather_nvme(&crowd);
	crowd_work_start(&crowd);
	ASSERT_SYS(low_power_enter_wakeup(dev, wakeup));
	crowd_work_assert_away(&crowd);
	wait_for_suspended(dev);
	ASSERT_SYS(low_power_exit(dev));
	crowd_work_assert_works(&crowd);
	crowd_work_stop(&crowd);
	crowd_assert_works(&crowd);
}

CROWD_TEST(low_power_exit_does_not_bring_back_a_revoked_lease)
{
	struct barlease_device *dev;
	struct crowd crowd;
	int i;

	dev = gather_nvme(&crowd);
	ASSERT_SYS(low_power_enter(dev));
	wait_for_suspended(dev);
	for (i = 0; i < CROWD_LEASES; i++)
		ASSERT_SYS(lease_revoke(dev, crowd.fd[i]));
	ASSERT_SYS(low_power_exit(dev));
	crowd_assert_away(&crowd);
}

CROWD_TEST(close_in_low_power_ends_leases_and_the_device_opens_again)
{
	struct barlease_device *dev;
	struct crowd crowd;

	dev = gather_nvme(&crowd);
	ASSERT_SYS(low_power_enter(dev));
	wait_for_suspended(dev);
	barlease_device_close(dev);
	crowd_assert_away(&crowd);
	dev = gather_nvme(&(struct crowd){ 0 });
	crowd_assert_away(&crowd);
	barlease_device_close(dev);
}
