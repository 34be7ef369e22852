// SPDX-License-Identifier: MIT
/*
 * Each allocation of mmap(), of what becomes of the mapping, and of its page
 * faults fails in turn. What an access asks for it gets in the end: a fault
 * that finds no memory is repeated.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "device.h"
#include "footprint.h"
#include "harness.h"
#include "inject.h"
#include "touch.h"

#define OFFSET (32 * PAGE)
#define PAGES 4
#define LENGTH (PAGES * PAGE)

/* Below a page table of the highest level that is nobody else's. */
#define FAR ((char *)0x200000000000)

/* Every mapping of the lease works, and after it there is none. */
static void assert_works(struct barlease_device *dev, int fd)
{
	uint32_t value = ram_fresh(dev, OFFSET);
	uint32_t *map = lease_map_rw(fd, 0, LENGTH);

	ASSERT_WRITES(map, value);
	ASSERT_EQ(ram_read(dev, OFFSET), value);
	ASSERT_SYS(munmap(map, LENGTH));
}

static void mmap_with_faults(bool wc)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, OFFSET, LENGTH);
	struct footprint before;
	struct inject inject;
	void *map;

	if (wc)
		lease_set_wc_of(barlease_device_fd(dev), fd);
	inject_start(&inject, INJECT_MEMORY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		inject_arm(&inject);
		map = mmap(FAR, LENGTH, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
		inject_disarm(&inject);
		if (map == MAP_FAILED) {
			ASSERT(inject.injected);
			ASSERT_EQ(errno, ENOMEM);
		} else {
			ASSERT_SYS(munmap(map, LENGTH));
		}
		footprint_assert_same(&before);
		assert_works(dev, fd);
	}
}

TEST(mmap_leaves_nothing_when_an_allocation_fails)
{
	mmap_with_faults(false);
}

TEST(mmap_of_write_combining_leaves_nothing_when_an_allocation_fails)
{
	mmap_with_faults(true);
}

/* What happens to mappings: nothing is lost or left when it fails. */

static int unmap_the_middle(char *map)
{
	return munmap(map + PAGE, PAGE);
}

static int move_a_part(char *map)
{
	return mremap(map + 2 * PAGE, PAGE, PAGE,
		      MREMAP_MAYMOVE | MREMAP_FIXED, map + SIZE_2M) ==
	       MAP_FAILED ? -1 : 0;
}

static int move_all(char *map)
{
	return mremap(map, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED,
		      map + SIZE_2M) == MAP_FAILED ? -1 : 0;
}

static int protect_the_middle(char *map)
{
	return mprotect(map + PAGE, PAGE, PROT_READ);
}

static void change_with_faults(int (*change)(char *map))
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, OFFSET, LENGTH);
	struct footprint before;
	struct inject inject;
	int ret, page;

	ram_tag_pages(dev);
	inject_start(&inject, INJECT_MEMORY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		uint32_t *map = (uint32_t *)ASSERT_SYS(mmap(
			FAR, LENGTH, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0));

		for (page = 0; page < PAGES; page++)
			ASSERT_READS(page_word(map, page),
				     page_tag(OFFSET / PAGE + page));
		inject_arm(&inject);
		ret = change((char *)map);
		inject_disarm(&inject);
		if (ret) {
			ASSERT(inject.injected);
			ASSERT_EQ(errno, ENOMEM);
			for (page = 0; page < PAGES; page++)
				ASSERT_READS(page_word(map, page),
					     page_tag(OFFSET / PAGE + page));
		}
		/* What is left of it, at either place. */
		ASSERT_SYS(munmap(FAR, 2 * SIZE_2M));
		footprint_assert_same(&before);
	}
}

TEST(mapping_is_whole_when_an_allocation_of_its_split_fails)
{
	change_with_faults(unmap_the_middle);
}

TEST(mapping_is_whole_when_an_allocation_of_mprotect_fails)
{
	change_with_faults(protect_the_middle);
}

TEST(mapping_is_whole_when_an_allocation_of_mremap_fails)
{
	change_with_faults(move_all);
}

TEST(mapping_is_whole_when_an_allocation_of_a_partial_mremap_fails)
{
	change_with_faults(move_a_part);
}

/* Page faults */

struct faulting {
	struct barlease_device *dev;
	int fd;
	int events;	/* takes 8 bytes from wherever they are */
	size_t length;
};

static void start(struct faulting *faulting, size_t length)
{
	/* An eventfd adds up what it takes, and waits when it is full. */
	const uint64_t little = 1;

	faulting->dev = device_open(IVSHMEM);
	ASSERT_OK(barlease_region_write(faulting->dev, RAM_BAR, &little,
					sizeof(little), 0));
	faulting->fd = lease_export(faulting->dev, RAM_BAR, 0, length);
	faulting->length = length;
	faulting->events = (int)ASSERT_SYS(eventfd(0, EFD_CLOEXEC));
}

/* One access with a fault in it: as system calls answer. */
static long access_with_fault(struct faulting *faulting,
			      struct inject *inject, bool by_kernel)
{
	uint32_t *map = (uint32_t *)ASSERT_SYS(mmap(
		FAR, faulting->length, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED_NOREPLACE, faulting->fd, 0));
	int error;
	long ret;

	inject_arm(inject);
	if (by_kernel)
		ret = write(faulting->events, map, sizeof(uint64_t));
	else
		ret = touch_read(map, NULL) == TOUCH_OK ? 0 : -1;
	inject_disarm(inject);
	error = errno;
	/* Whatever came of it, it works now. */
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_SYS(munmap(map, faulting->length));
	errno = error;
	return ret;
}

/* How many accesses have failed. */
static unsigned int access_with_faults(struct faulting *faulting,
				       bool by_kernel)
{
	struct footprint before;
	unsigned int failed = 0;
	struct inject inject;

	inject_start(&inject, INJECT_MEMORY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		if (access_with_fault(faulting, &inject, by_kernel) < 0) {
			ASSERT(inject.injected);
			ASSERT_EQ(errno, EFAULT);
			failed++;
		}
		footprint_assert_same(&before);
	}
	return failed;
}

/*
 * An access of the kernel cannot be repeated and is EFAULT. One of the process
 * is repeated until it goes through.
 */
static void fault_with_faults(struct faulting *faulting)
{
	ASSERT_EQ(access_with_faults(faulting, false), 0);
	ASSERT_COMPARE(access_with_faults(faulting, true), >, 0);
}

TEST(page_fault_is_repeated_when_an_allocation_fails)
{
	struct faulting faulting;

	start(&faulting, PAGE);
	fault_with_faults(&faulting);
}

TEST(page_fault_of_write_combining_is_repeated_when_an_allocation_fails)
{
	struct faulting faulting;

	start(&faulting, 16 * PAGE);
	lease_set_wc_of(barlease_device_fd(faulting.dev), faulting.fd);
	fault_with_faults(&faulting);
}

TEST(page_fault_of_2m_is_repeated_when_an_allocation_fails)
{
	struct faulting faulting;

	start(&faulting, SIZE_2M);
	fault_with_faults(&faulting);
}
