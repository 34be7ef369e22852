// SPDX-License-Identifier: MIT
/*
 * Each allocation of binding a function, of opening it and of looking at its
 * leases fails in turn.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "cdev.h"
#include "device.h"
#include "footprint.h"
#include "harness.h"
#include "inject.h"
#include "touch.h"

/* The function can be opened, lent and accessed. */
static void assert_lends(void)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_READS(lent.map, ram_read(lent.dev, 0));
	ASSERT_SYS(munmap(lent.map, PAGE));
	ASSERT_SYS(close(lent.fd));
	barlease_device_close(lent.dev);
}

static void write_with_fault(struct inject *inject, const char *path,
			     const char *text, int *error)
{
	int fd = (int)ASSERT_SYS(open(path, O_WRONLY | O_CLOEXEC));
	ssize_t written;

	inject_arm(inject);
	written = write(fd, text, strlen(text));
	inject_disarm(inject);
	*error = written < 0 ? errno : 0;
	close(fd);
}

TEST_LONG(bind_leaves_nothing_when_an_allocation_fails, 60)
{
	const char *bdf = device_bdf(IVSHMEM);
	unsigned int failed = 0;
	struct inject inject;
	struct footprint before;
	int error;

	/* It complains of its own failures, and loses an IOMMU group (6.12). */
	inject_spare_function("vfio_register_group_dev");
	inject_start_in_driver(&inject, INJECT_MEMORY);
	ASSERT_OK(device_unbind(bdf));
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		write_with_fault(&inject,
				 "/sys/bus/pci/drivers/" DRIVER_NAME "/bind",
				 bdf, &error);
		if (error) {
			ASSERT(inject.injected);
			ASSERT_EQ(error, ENOMEM);
			failed++;
			footprint_assert_same(&before);
			ASSERT_OK(device_bind(bdf));
		}
		assert_lends();
		ASSERT_OK(device_unbind(bdf));
		footprint_assert_same(&before);
	}
	ASSERT_COMPARE(failed, >, 0);
	ASSERT_OK(device_bind(bdf));
}

static int device_of_iommufd(int iommufd)
{
	int device = cdev_open(device_bdf(IVSHMEM));

	if (!cdev_bind(device, iommufd))
		return device;
	close(device);
	return -1;
}

/* The bind of a device file is what opens a device. */
TEST_LONG(open_leaves_nothing_when_an_allocation_fails, 60)
{
	int iommufd = iommufd_open();
	unsigned int failed = 0;
	struct footprint before;
	struct inject inject;
	int device, ret;

	inject_start_in_driver(&inject, INJECT_MEMORY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		device = cdev_open(device_bdf(IVSHMEM));
		inject_arm(&inject);
		ret = cdev_bind(device, iommufd);
		inject_disarm(&inject);
		if (ret) {
			ASSERT(inject.injected);
			ASSERT_EQ(errno, ENOMEM);
			failed++;
		}
		ASSERT_SYS(close(device));
		footprint_assert_same(&before);
		device = (int)ASSERT_SYS(device_of_iommufd(iommufd));
		ASSERT_SYS(close(device));
		footprint_assert_same(&before);
	}
	ASSERT_COMPARE(failed, >, 0);
	close(iommufd);
	assert_lends();
}

static void list_with_faults(enum inject_kind kind, int error)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	char path[PATH_MAX], text[4096];
	struct footprint before;
	struct inject inject;
	int fd, wrong;
	ssize_t length;

	lease_export(dev, RAM_BAR, 0, PAGE);
	snprintf(path, sizeof(path), "/sys/kernel/debug/barlease/%s/leases",
		 device_bdf(IVSHMEM));
	inject_start(&inject, kind);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		inject_arm(&inject);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		length = fd < 0 ? -1 : read(fd, text, sizeof(text));
		wrong = errno;
		inject_disarm(&inject);
		if (length < 0) {
			ASSERT(inject.injected);
			ASSERT_EQ(wrong, error);
		}
		if (fd >= 0)
			close(fd);
		footprint_assert_same(&before);
	}
}

TEST(list_of_leases_leaves_nothing_when_an_allocation_fails)
{
	list_with_faults(INJECT_MEMORY, ENOMEM);
}

TEST(list_of_leases_leaves_nothing_when_a_copy_fails)
{
	list_with_faults(INJECT_COPY, EFAULT);
}
