// SPDX-License-Identifier: MIT
/*
 * Each allocation and each copy of the ioctls fails in turn: the right errno,
 * nothing left behind, and the same call works right after it. docs/faults.md
 * lists which call of the driver fails where.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "footprint.h"
#include "harness.h"
#include "inject.h"
#include "override.h"
#include "touch.h"
#include "vma.h"

/* Enough leases for the driver's book on windows to have several pages. */
#define CROWD 40

/* An ioctl with nothing of the harness's in between. */
struct call {
	struct vfio_device_feature feature;
	uint8_t data[4096 * 4];
};

static void *call_init(struct call *call, uint32_t flags)
{
	memset(call, 0, sizeof(*call));
	call->feature.argsz = sizeof(*call);
	call->feature.flags = flags;
	return call->data;
}

static void call_init_export(struct call *call, uint32_t nr_ranges)
{
	struct vfio_device_feature_dma_buf *export;
	uint32_t i;

	export = call_init(call, VFIO_DEVICE_FEATURE_GET |
					 VFIO_DEVICE_FEATURE_DMA_BUF);
	export->region_index = RAM_BAR;
	export->open_flags = O_RDWR | O_CLOEXEC;
	export->nr_ranges = nr_ranges;
	for (i = 0; i < nr_ranges; i++)
		export->dma_ranges[i] =
			(struct vfio_region_dma_range){ i * PAGE, PAGE };
}

static void call_init_revoke(struct call *call, int fd)
{
	struct barlease_revoke *revoke;

	revoke = call_init(call, VFIO_DEVICE_FEATURE_SET |
					 BARLEASE_FEATURE_REVOKE);
	revoke->dmabuf_fd = fd;
}

static void call_init_wc(struct call *call, int fd)
{
	struct barlease_memattr *memattr;

	memattr = call_init(call, VFIO_DEVICE_FEATURE_SET |
					  BARLEASE_FEATURE_MEMATTR);
	memattr->dmabuf_fd = fd;
	memattr->memattr = BARLEASE_MEMATTR_WC;
}

static struct barlease_lease_info *call_init_info(struct call *call, int fd,
						  uint32_t room)
{
	struct barlease_lease_info *info;

	info = call_init(call, VFIO_DEVICE_FEATURE_GET |
				       BARLEASE_FEATURE_INFO);
	info->dmabuf_fd = fd;
	info->nr_ranges = room;
	return info;
}

static int call_do(struct barlease_device *dev, struct call *call)
{
	return ioctl(barlease_device_fd(dev), VFIO_DEVICE_FEATURE, call);
}

/* The same with a fault. */
static int call_with_fault(struct inject *inject, struct barlease_device *dev,
			   struct call *call)
{
	int ret;

	inject_arm(inject);
	ret = call_do(dev, call);
	inject_disarm(inject);
	return ret;
}

/*
 * A new lease, put where one fits first. The driver does that when it finds no
 * place behind the last lease, so that there must have been one.
 */
static int lease_export_first_fit(struct barlease_device *dev, uint64_t length)
{
	int override, fd;

	ASSERT_SYS(close(lease_export(dev, RAM_BAR, 0, PAGE)));
	override = override_begin_ours("mtree_alloc_range", -EBUSY, 0);
	fd = lease_export(dev, RAM_BAR, 0, length);
	ASSERT(override_end(override));
	return fd;
}

/* Have the next leases lie near the first place, where they are missed. */
static void windows_rewind(struct barlease_device *dev)
{
	ASSERT_SYS(close(lease_export_first_fit(dev, PAGE)));
}

/*
 * The first place where a new lease fits: the one before, unless a lease of the
 * crowd has left its own taken. Checks by the way that leases can be lent and
 * work.
 */
static unsigned long next_place(struct barlease_device *dev)
{
	int fd = lease_export_first_fit(dev, CROWD * PAGE);
	uint32_t *map = lease_map_rw(fd, 0, PAGE);
	uint32_t value = ram_fresh(dev, 0);
	unsigned long place;
	char line[1024];

	ASSERT_WRITES(map, value);
	ASSERT_EQ(ram_read(dev, 0), value);
	vma_line(map, line, sizeof(line));
	ASSERT_EQ(sscanf(line, "%*x-%*x %*s %lx", &place), 1);
	ASSERT_SYS(munmap(map, PAGE));
	ASSERT_SYS(close(fd));
	return place;
}

/*
 * An export can do without some of what it asks for (a name, contiguous
 * memory). Either it works or it has failed for the right reason.
 */
static void export_with_faults(enum inject_kind kind, uint32_t nr_ranges,
			       int error)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	unsigned long place = next_place(dev);
	struct footprint before;
	unsigned int failed = 0;
	struct inject inject;
	struct call call;
	int fd;

	inject_start(&inject, kind);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		windows_rewind(dev);
		call_init_export(&call, nr_ranges);
		fd = call_with_fault(&inject, dev, &call);
		if (fd < 0) {
			ASSERT(inject.injected);
			ASSERT_EQ(errno, error);
			failed++;
		} else {
			uint32_t *map = lease_map_rw(fd, 0, PAGE);

			ASSERT_READS(map, ram_read(dev, 0));
			ASSERT_SYS(munmap(map, PAGE));
			ASSERT_SYS(close(fd));
		}
		footprint_assert_same(&before);
		ASSERT_EQ(next_place(dev), place);
	}
	ASSERT_COMPARE(failed, >, 0);
}

TEST_LONG(export_leaves_nothing_when_an_allocation_fails, 60)
{
	export_with_faults(INJECT_MEMORY, 1, ENOMEM);
}

TEST_LONG(export_of_512_ranges_leaves_nothing_when_an_allocation_fails, 60)
{
	export_with_faults(INJECT_MEMORY, BARLEASE_MAX_RANGES, ENOMEM);
}

TEST(export_leaves_nothing_when_a_copy_fails)
{
	export_with_faults(INJECT_COPY, 3, EFAULT);
}

static uint32_t state_of(struct barlease_device *dev, int fd)
{
	struct barlease_lease_info *info;
	struct call call;

	info = call_init_info(&call, fd, 0);
	ASSERT_SYS(call_do(dev, &call));
	return info->state;
}

/* A crowd of leases that are ended one after the other, and then released. */

static void crowd_lend(struct barlease_device *dev, int *fd)
{
	int i;

	windows_rewind(dev);
	for (i = 0; i < CROWD; i++)
		fd[i] = lease_export(dev, RAM_BAR, 0, PAGE);
}

static void crowd_release(const int *fd)
{
	int i;

	for (i = 0; i < CROWD; i++)
		ASSERT_SYS(close(fd[i]));
}

/*
 * Taking back must not need memory: a lessor who is short of it could not end
 * a lease. Nor may an ended lease keep its place.
 */
TEST_LONG(revoke_works_and_frees_the_window_when_an_allocation_fails, 60)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	unsigned long place = next_place(dev);
	struct inject inject;
	struct call call;
	int fd[CROWD];
	int i;

	inject_start(&inject, INJECT_MEMORY);
	inject.may_be_none = true;
	while (inject_next(&inject)) {
		bool injected = false;

		crowd_lend(dev, fd);
		for (i = 0; i < CROWD; i++) {
			call_init_revoke(&call, fd[i]);
			ASSERT_SYS(call_with_fault(&inject, dev, &call));
			injected |= inject.injected;
			ASSERT_EQ(state_of(dev, fd[i]),
				  BARLEASE_STATE_REVOKED);
		}
		inject.injected = injected;
		ASSERT_EQ(next_place(dev), place);
		crowd_release(fd);
	}
}

TEST_LONG(release_frees_the_window_when_an_allocation_fails, 60)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	unsigned long place = next_place(dev);
	struct footprint before;
	struct inject inject;
	int fd[CROWD];
	int i, ret;

	inject_start(&inject, INJECT_MEMORY);
	inject.may_be_none = true;
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		bool injected = false;

		crowd_lend(dev, fd);
		for (i = 0; i < CROWD; i++) {
			inject_arm(&inject);
			ret = close(fd[i]);
			inject_disarm(&inject);
			ASSERT_EQ(ret, 0);
			injected |= inject.injected;
		}
		inject.injected = injected;
		footprint_assert_same(&before);
		ASSERT_EQ(next_place(dev), place);
	}
}

/* The same with no memory at all, where a second try does not help either. */

TEST(revoke_works_and_frees_the_window_when_every_allocation_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	unsigned long place = next_place(dev);
	struct call call;
	int fd[CROWD];
	int i;

	crowd_lend(dev, fd);
	inject_all_begin();
	for (i = 0; i < CROWD; i++) {
		call_init_revoke(&call, fd[i]);
		ASSERT_SYS(call_do(dev, &call));
	}
	inject_all_end();
	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(state_of(dev, fd[i]), BARLEASE_STATE_REVOKED);
	ASSERT_EQ(next_place(dev), place);
	crowd_release(fd);
}

TEST(release_frees_the_window_when_every_allocation_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	unsigned long place = next_place(dev);
	struct footprint before;
	int fd[CROWD];

	footprint_take(&before, IVSHMEM);
	crowd_lend(dev, fd);
	inject_all_begin();
	crowd_release(fd);
	inject_all_end();
	footprint_assert_same(&before);
	ASSERT_EQ(next_place(dev), place);
}

TEST(close_of_the_device_ends_leases_when_every_allocation_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	unsigned long place = next_place(dev);
	int fd[CROWD];
	int i;

	crowd_lend(dev, fd);
	inject_all_begin();
	barlease_device_close(dev);
	inject_all_end();
	dev = device_open(IVSHMEM);
	for (i = 0; i < CROWD; i++)
		ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd[i], 0),
			     ENODEV);
	ASSERT_EQ(next_place(dev), place);
	crowd_release(fd);
}

TEST(export_is_enomem_when_every_allocation_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct footprint before;
	struct call call;
	int ret, error;

	footprint_take(&before, IVSHMEM);
	call_init_export(&call, BARLEASE_MAX_RANGES);
	inject_all_begin();
	ret = call_do(dev, &call);
	error = errno;
	inject_all_end();
	ASSERT_EQ(ret, -1);
	ASSERT_EQ(error, ENOMEM);
	footprint_assert_same(&before);
	next_place(dev);
}

/* Copies: nothing has changed where they have failed. */

TEST(revoke_changes_nothing_when_a_copy_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	struct footprint before;
	struct inject inject;
	struct call call;
	int ret;

	inject_start(&inject, INJECT_COPY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		call_init_revoke(&call, fd);
		ret = call_with_fault(&inject, dev, &call);
		ASSERT_EQ(ret, inject.injected ? -1 : 0);
		if (ret)
			ASSERT_EQ(errno, EFAULT);
		ASSERT_EQ(state_of(dev, fd), ret ? BARLEASE_STATE_LIVE :
						   BARLEASE_STATE_REVOKED);
		footprint_assert_same(&before);
	}
}

TEST(attribute_changes_nothing_when_a_copy_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	struct barlease_lease_info *info;
	struct footprint before;
	struct inject inject;
	struct call call;
	int ret;

	inject_start(&inject, INJECT_COPY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		call_init_wc(&call, fd);
		ret = call_with_fault(&inject, dev, &call);
		ASSERT_EQ(ret, inject.injected ? -1 : 0);
		if (ret)
			ASSERT_EQ(errno, EFAULT);
		info = call_init_info(&call, fd, 0);
		ASSERT_SYS(call_do(dev, &call));
		ASSERT_EQ(info->memattr, ret ? BARLEASE_MEMATTR_NC :
					       BARLEASE_MEMATTR_WC);
		footprint_assert_same(&before);
	}
}

TEST(info_is_efault_when_a_copy_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct footprint before;
	struct inject inject;
	struct call call;
	int fd, ret;

	call_init_export(&call, 3);
	fd = (int)ASSERT_SYS(call_do(dev, &call));
	inject_start(&inject, INJECT_COPY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		call_init_info(&call, fd, 3);
		ret = call_with_fault(&inject, dev, &call);
		ASSERT_EQ(ret, inject.injected ? -1 : 0);
		if (ret)
			ASSERT_EQ(errno, EFAULT);
		footprint_assert_same(&before);
	}
	/* The header, what is asked, three ranges, and the answer. */
	ASSERT_COMPARE(inject.nth, >, 6);
}
