// SPDX-License-Identifier: MIT
/*
 * The device is taken out of the machine, with and without a word to the guest,
 * and another one is put in.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "crowd.h"
#include "device.h"
#include "harness.h"
#include "host.h"
#include "hotplug.h"
#include "importer.h"
#include "touch.h"

/* Room for entries of 2 MiB. */
#define LENGTH (2 * SIZE_2M)

static const struct crowd_place place = {
	.bar = RAM_BAR,
	.length = LENGTH,
	.ram = true,
};

/*
 * Lockdep finds that pciehp takes its own locks in two orders (6.12), whoever's
 * the device is, and checks nothing any more after that. Have it look away.
 */
static const char *unplug_begin(void)
{
	sysfs_write("/proc/sys/kernel/prove_locking", "0");
	return device_bdf(HOTPLUG);
}

static void unplug_end(void)
{
	sysfs_write("/proc/sys/kernel/prove_locking", "1");
}

/* When the kernel has noticed, and long before it is done with it. */
static void wait_until_orphaned(struct barlease_device *dev, int fd)
{
	struct barlease_lease_info info;

	do {
		info = (struct barlease_lease_info){ .dmabuf_fd = fd };
		ASSERT_SYS(device_feature(dev,
					  VFIO_DEVICE_FEATURE_GET |
						  BARLEASE_FEATURE_INFO,
					  &info, sizeof(info)));
	} while (info.state != BARLEASE_STATE_ORPHANED);
}

/* A device that is plugged in knows nothing of the leases of another. */
static void assert_new_one_works(struct crowd *old)
{
	struct barlease_device *dev = device_open(HOTPLUG);
	struct crowd crowd;

	ASSERT_EQ(ram_read(dev, 0), 0);
	crowd_gather(&crowd, barlease_device_fd(dev), &place);
	crowd_assert_away(old);
	ASSERT_ERRNO(lease_revoke(dev, old->fd[CROWD_RW]), ENODEV);
	crowd_leave(old);
	crowd_assert_works(&crowd);
	crowd_leave(&crowd);
	barlease_device_close(dev);
}

/*
 * The kernel waits for the lessor to close the device. Lessees do not: from the
 * moment when the kernel knows, they get SIGBUS and not the ones that a place
 * without a device reads as.
 */
CROWD_TEST(surprise_unplug_ends_leases_before_the_lessor_closes)
{
	const char *bdf = unplug_begin();
	struct barlease_device *dev = device_open(HOTPLUG);
	struct crowd crowd;
	int fd;

	crowd_gather(&crowd, barlease_device_fd(dev), &place);
	host_do("yank");
	wait_until_orphaned(dev, crowd.fd[CROWD_RW]);
	crowd_assert_away(&crowd);
	/* The kernel waits for us. */
	ASSERT(hotplug_has_file(bdf, "config"));

	/* What the lessor may still try. */
	ASSERT(ioctl(barlease_device_fd(dev), VFIO_DEVICE_RESET));
	ASSERT_ERRNO(lease_revoke(dev, crowd.fd[CROWD_RW]), EBADFD);
	fd = lease_export(dev, RAM_BAR, 0, PAGE);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	ASSERT_SYS(lease_revoke(dev, fd));
	close(fd);

	barlease_device_close(dev);
	hotplug_wait_until_gone(bdf);
	crowd_assert_away(&crowd);
	hotplug_plug(bdf);
	assert_new_one_works(&crowd);
	unplug_end();
}

CROWD_TEST(surprise_unplug_while_lessees_work_ends_their_access)
{
	const char *bdf = unplug_begin();
	struct barlease_device *dev = device_open(HOTPLUG);
	struct crowd crowd;

	crowd_gather(&crowd, barlease_device_fd(dev), &place);
	crowd_work_start(&crowd);
	host_do("yank");
	wait_until_orphaned(dev, crowd.fd[CROWD_RW]);
	crowd_work_assert_away(&crowd);
	barlease_device_close(dev);
	hotplug_wait_until_gone(bdf);
	crowd_work_assert_away(&crowd);
	hotplug_plug(bdf);
	crowd_work_assert_away(&crowd);
	crowd_work_stop(&crowd);
	assert_new_one_works(&crowd);
	unplug_end();
}

CROWD_TEST(surprise_unplug_does_not_wait_for_lessees)
{
	const char *bdf = unplug_begin();
	struct barlease_device *dev = device_open(HOTPLUG);
	struct crowd crowd;

	crowd_gather(&crowd, barlease_device_fd(dev), &place);
	barlease_device_close(dev);
	host_do("yank");
	hotplug_wait_until_gone(bdf);
	crowd_assert_away(&crowd);
	hotplug_plug(bdf);
	assert_new_one_works(&crowd);
	unplug_end();
}

/* Huge entries, and a process that dies with its mapping. */
CROWD_TEST(surprise_unplug_reaches_huge_pages)
{
	const char *bdf = unplug_begin();
	struct barlease_device *dev = device_open(HOTPLUG);
	int fd = lease_export(dev, RAM_BAR, 0, LENGTH);
	uint32_t *map = lease_map_aligned(fd, LENGTH, 0);

	ASSERT_WRITES(map, 1);
	ASSERT_EQ(touch_faults(page_word(map, SIZE_2M / PAGE - 1)), 0);
	host_do("yank");
	wait_until_orphaned(dev, fd);
	ASSERT_GONE(map);
	ASSERT_GONE(page_word(map, LENGTH / PAGE - 1));
	barlease_device_close(dev);
	hotplug_wait_until_gone(bdf);
	ASSERT_GONE(map);
	hotplug_plug(bdf);
	ASSERT_GONE(map);
	unplug_end();
}

/*
 * Nothing that makes a BAR come and go: beside it the emulator can lose an
 * interrupt of the line to the host, see emulated.h.
 */
static pid_t start_lending(struct barlease_device *dev)
{
	pid_t pid = (pid_t)ASSERT_SYS(fork());

	while (!pid) {
		int fd = lease_export(dev, RAM_BAR, 0, PAGE);
		uint32_t *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, 0);

		if (map != MAP_FAILED) {
			touch_write(map, 1);
			munmap(map, PAGE);
		}
		if (lease_revoke(dev, fd) && errno != EBADFD)
			FAIL("revoke: %s", errno_name(errno));
		close(fd);
	}
	return pid;
}

CROWD_TEST(surprise_unplug_under_a_busy_lessor_hangs_nobody)
{
	const char *bdf = unplug_begin();
	struct barlease_device *dev = device_open(HOTPLUG);
	struct crowd crowd;
	pid_t lessor;

	crowd_gather(&crowd, barlease_device_fd(dev), &place);
	lessor = start_lending(dev);
	sleep_ms(50);
	host_do("yank");
	wait_until_orphaned(dev, crowd.fd[CROWD_RW]);
	crowd_assert_away(&crowd);
	sleep_ms(50);
	ASSERT_EQ(ASSERT_SYS(waitpid(lessor, NULL, WNOHANG)), 0);
	ASSERT_SYS(kill(lessor, SIGKILL));
	ASSERT_SYS(waitpid(lessor, NULL, 0));
	barlease_device_close(dev);
	hotplug_wait_until_gone(bdf);
	crowd_assert_away(&crowd);
	hotplug_plug(bdf);
	assert_new_one_works(&crowd);
	unplug_end();
}

/* A device that imports it hears of it, and is out, as early as lessees. */
CROWD_TEST(surprise_unplug_is_told_to_a_peer_before_the_lessor_closes)
{
	struct barlease_device *dev;
	int fd, importer;
	const char *bdf;

	importer_needs_peers();
	bdf = unplug_begin();
	dev = device_open(HOTPLUG);
	fd = lease_export(dev, RAM_BAR, 0, LENGTH);
	importer = importer_start(fd, IMPORTER_AT_ONCE);
	ASSERT_OK(importer_write(importer, 0, 0x1234));
	ASSERT_EQ(ram_read(dev, 0), 0x1234);
	host_do("yank");
	while (importer_mapped(importer))
		sleep_ms(1);
	ASSERT_EQ(importer_notified(importer), 1);
	ASSERT_ERROR(importer_map(importer, NULL), ENODEV);
	ASSERT(hotplug_has_file(bdf, "config"));
	barlease_device_close(dev);
	hotplug_wait_until_gone(bdf);
	ASSERT_ERROR(importer_map(importer, NULL), ENODEV);
	hotplug_plug(bdf);
	unplug_end();
}

/* Until the kernel asks for the device. */
static void wait_for_request(struct barlease_device *dev)
{
	struct pollfd asked = { .fd = barlease_device_watch(dev),
				.events = POLLIN };

	ASSERT(asked.fd >= 0);
	ASSERT_SYS(poll(&asked, 1, -1));
}

/*
 * The guest is asked first, which takes it five seconds. Leases go on working
 * for as long as the lessor has the device open.
 */
CROWD_TEST(unplug_waits_for_the_lessor_and_never_for_lessees)
{
	const char *bdf = unplug_begin();
	struct barlease_device *dev = device_open(HOTPLUG);
	struct crowd crowd;

	crowd_gather(&crowd, barlease_device_fd(dev), &place);
	host_do("unplug");
	wait_for_request(dev);
	crowd_assert_works(&crowd);
	barlease_device_close(dev);
	hotplug_wait_until_gone(bdf);
	crowd_assert_away(&crowd);
	hotplug_plug(bdf);
	assert_new_one_works(&crowd);
	unplug_end();
}
