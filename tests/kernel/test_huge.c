// SPDX-License-Identifier: MIT
/* Huge pages: how many faults there are, and that nothing is lost by them. */
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

#define BIG (8 * SIZE_1G)

struct big {
	struct barlease_device *dev;
	unsigned int bar;
	int fd;
	uint8_t *map;
};

/* A lease of the empty BAR, mapped as the library does it. */
static void lend_big(struct big *big, uint64_t offset, size_t length)
{
	big->dev = device_open(TESTDEV);
	big->bar = device_bar_of_size(big->dev, BIG);
	big->fd = lease_export(big->dev, big->bar, offset, length);
	big->map = lease_map_aligned(big->fd, length, offset);
}

/* Faults of an access to every @step bytes. */
static long count_faults(const uint8_t *map, size_t length, size_t step)
{
	long faults = 0;
	size_t i;

	for (i = 0; i < length; i += step)
		faults += touch_faults(map + i);
	return faults;
}

/*
 * No more than one fault for each 2 MiB. 1 GiB pages would be 8 faults, but
 * see test_huge_split.c for what kernels do to those.
 */
TEST(huge_8_gib_are_mapped_by_huge_pages)
{
	struct big big;
	long faults;

	lend_big(&big, 0, BIG);
	faults = count_faults(big.map, BIG, SIZE_2M);
	test_note("8 GiB are mapped by %ld faults", faults);
	ASSERT_COMPARE(faults, <=, BIG / SIZE_2M);
	ASSERT_EQ(count_faults(big.map + SIZE_2M / 2, BIG, SIZE_2M), 0);
	ASSERT_EQ(touch_faults(big.map + BIG - 4), 0);
}

#define PARAMETER "/sys/module/barlease_vfio_pci/parameters/allow_1g"

TEST(huge_pages_of_1_gib_can_be_forbidden_by_a_module_parameter)
{
	struct big big;
	long with, without;

	lend_big(&big, 0, 2 * SIZE_1G);
	with = count_faults(big.map, 2 * SIZE_1G, SIZE_2M);
	ASSERT_SYS(munmap(big.map, 2 * SIZE_1G));
	ASSERT_OK(sysfs_write(PARAMETER, "N"));
	big.map = lease_map_aligned(big.fd, 2 * SIZE_1G, 0);
	without = count_faults(big.map, 2 * SIZE_1G, SIZE_2M);
	ASSERT_OK(sysfs_write(PARAMETER, "Y"));
	test_note("2 GiB take %ld faults, or %ld", with, without);
	ASSERT_EQ(without, 2 * SIZE_1G / SIZE_2M);
	if (with == without)
		test_skip("the kernel has no entries of 1 GiB");
	ASSERT_EQ(with, 2);
}

TEST(huge_lease_of_2_mib_pages_takes_one_fault_each)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, SIZE_2M, 3 * SIZE_2M);
	uint8_t *map = lease_map_aligned(fd, 3 * SIZE_2M, SIZE_2M);

	ASSERT_EQ(count_faults(map, 3 * SIZE_2M, PAGE), 3);
}

TEST(huge_lease_with_odd_ends_has_small_pages_there_only)
{
	uint64_t offset = SIZE_2M - PAGE;
	size_t length = 2 * SIZE_2M + 2 * PAGE;
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, offset, length);
	uint8_t *map = lease_map_aligned(fd, length, offset);

	ram_tag_pages(dev);
	ASSERT_READS(map, page_tag(511));
	ASSERT_EQ(count_faults(map, PAGE, PAGE), 0);
	ASSERT_EQ(count_faults(map + PAGE, 2 * SIZE_2M, PAGE), 2);
	ASSERT_EQ(count_faults(map + PAGE + 2 * SIZE_2M, PAGE, PAGE), 1);
	ASSERT_READS(map + PAGE, page_tag(512));
	ASSERT_READS(map + PAGE + 2 * SIZE_2M, page_tag(3 * 512));
}

TEST(huge_lease_at_a_misaligned_address_has_small_pages)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, SIZE_2M, SIZE_2M);
	uint8_t *place = (uint8_t *)ASSERT_SYS(
		mmap(NULL, 3 * SIZE_2M, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0));
	uint8_t *aligned = place + SIZE_2M - (uintptr_t)place % SIZE_2M;
	uint8_t *map = (uint8_t *)ASSERT_SYS(
		mmap(aligned + PAGE, SIZE_2M, PROT_READ,
		     MAP_SHARED | MAP_FIXED, fd, 0));

	ASSERT_EQ(count_faults(map, SIZE_2M, PAGE), 512);
}

TEST(huge_lease_at_half_a_gib_has_2_mib_pages)
{
	struct big big;

	/* Aligned to each other, but no 1 GiB page fits into it. */
	lend_big(&big, SIZE_1G / 2, SIZE_1G);
	ASSERT_EQ(count_faults(big.map, SIZE_1G, SIZE_2M), 512);
	ASSERT_EQ(count_faults(big.map, SIZE_1G, SIZE_2M / 2), 0);
}

/* Only the part that the mapping covers may be in the page table. */
TEST(huge_page_does_not_reach_beyond_the_mapping)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, 2 * SIZE_2M);
	uint8_t *place = (uint8_t *)ASSERT_SYS(
		mmap(NULL, 3 * SIZE_2M, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0));
	uint8_t *aligned = place + SIZE_2M - (uintptr_t)place % SIZE_2M;

	/* All but the last page of a huge page, then all but the first. */
	ASSERT_SYS(mmap(aligned, SIZE_2M - PAGE, PROT_READ,
			MAP_SHARED | MAP_FIXED, fd, 0));
	ASSERT_TOUCH(touch_read(aligned, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(aligned + SIZE_2M - PAGE, NULL), TOUCH_SIGSEGV);
	ASSERT_EQ(touch_faults(aligned + PAGE), 1);

	ASSERT_SYS(munmap(aligned, SIZE_2M));
	ASSERT_SYS(mmap(aligned + PAGE, SIZE_2M - PAGE, PROT_READ,
			MAP_SHARED | MAP_FIXED, fd, PAGE));
	ASSERT_TOUCH(touch_read(aligned + PAGE, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(aligned, NULL), TOUCH_SIGSEGV);
	ASSERT_EQ(touch_faults(aligned + 2 * PAGE), 1);
}

TEST(huge_pages_have_the_right_data)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, SIZE_2M, RAM_SIZE - SIZE_2M);
	uint32_t *map = lease_map_aligned(fd, RAM_SIZE - SIZE_2M, SIZE_2M);
	size_t page;

	ram_tag_pages(dev);
	for (page = 0; page < (RAM_SIZE - SIZE_2M) / PAGE; page++)
		ASSERT_READS(page_word(map, page), page_tag(512 + page));
	ASSERT_WRITES(page_word(map, 512) + 1, 0x1bad);
	ASSERT_EQ(ram_read(dev, 2 * SIZE_2M + 4), 0x1bad);
}

TEST(huge_write_comes_first)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, SIZE_2M, SIZE_2M);
	uint32_t *map = lease_map_aligned(fd, SIZE_2M, SIZE_2M);

	ASSERT_WRITES(page_word(map, 100), 0xf1);
	ASSERT_EQ(touch_faults(map), 0);
	ASSERT_EQ(ram_read(dev, SIZE_2M + 100 * PAGE), 0xf1);
}

TEST(huge_pages_are_revoked)
{
	struct big big;
	size_t i;

	lend_big(&big, 0, BIG);
	for (i = 0; i < BIG; i += SIZE_1G)
		ASSERT_TOUCH(touch_read(big.map + i, NULL), TOUCH_OK);
	ASSERT_SYS(lease_revoke(big.dev, big.fd));
	for (i = 0; i < BIG; i += SIZE_1G) {
		ASSERT_GONE(big.map + i);
		ASSERT_GONE(big.map + i + SIZE_1G - 4);
	}
}

TEST(huge_pages_that_only_touch_the_lease_are_revoked)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int inner = lease_export(dev, RAM_BAR, SIZE_2M + PAGE, PAGE);
	int outer = lease_export(dev, RAM_BAR, SIZE_2M, SIZE_2M);
	uint32_t *inner_map = lease_map_rw(inner, 0, PAGE);
	uint32_t *outer_map = lease_map_aligned(outer, SIZE_2M, SIZE_2M);

	ASSERT_WRITES(outer_map, 1);
	ASSERT_WRITES(inner_map, 2);
	ASSERT_SYS(lease_revoke(dev, inner));
	ASSERT_GONE(inner_map);
	/* The other lease's huge page was split or taken, and comes back. */
	ASSERT_READS(outer_map, 1);
	ASSERT_READS(page_word(outer_map, 1), 2);
	ASSERT_WRITES(page_word(outer_map, 2), 3);
}

TEST(huge_pages_survive_fork)
{
	struct lessee child;
	struct big big;

	lend_big(&big, 0, 2 * SIZE_1G);
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	lessee_start(&child);
	ASSERT_TOUCH(lessee_read(&child, big.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(lessee_write(&child, big.map + SIZE_2M, 1), TOUCH_OK);
	ASSERT_TOUCH(lessee_read(&child, big.map + SIZE_1G, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(big.map + SIZE_1G, NULL), TOUCH_OK);
	ASSERT_SYS(lease_revoke(big.dev, big.fd));
	ASSERT_GONE(big.map);
	ASSERT_TOUCH(lessee_read(&child, big.map, NULL), TOUCH_SIGBUS);
	ASSERT_TOUCH(lessee_read(&child, big.map + SIZE_1G, NULL),
		     TOUCH_SIGBUS);
}

TEST(huge_pages_move_by_mremap)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, SIZE_2M, 2 * SIZE_2M);
	uint32_t *map = lease_map_aligned(fd, 2 * SIZE_2M, SIZE_2M);
	uint32_t *other = lease_map_aligned(fd, 2 * SIZE_2M, SIZE_2M);

	ram_tag_pages(dev);
	ASSERT_READS(map, page_tag(512));
	ASSERT_SYS(mremap(map, 2 * SIZE_2M, 2 * SIZE_2M,
			  MREMAP_MAYMOVE | MREMAP_FIXED, other));
	ASSERT_READS(other, page_tag(512));
	ASSERT_READS(page_word(other, 600), page_tag(1112));
	/* To where no huge page can be. */
	munmap(map, 2 * SIZE_2M);
	map = (uint32_t *)ASSERT_SYS(
		mmap(NULL, 4 * SIZE_2M, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0));
	map = page_word(map, 1);
	ASSERT_SYS(mremap(other, 2 * SIZE_2M, 2 * SIZE_2M,
			  MREMAP_MAYMOVE | MREMAP_FIXED, map));
	ASSERT_READS(map, page_tag(512));
	ASSERT_READS(page_word(map, 600), page_tag(1112));
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_GONE(map);
	ASSERT_GONE(page_word(map, 600));
}

/* Clearing soft-dirty bits makes the protection of the mapping read-only. */
TEST(huge_page_can_be_written_after_soft_dirty_is_cleared)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, SIZE_2M, SIZE_2M);
	uint32_t *map = lease_map_aligned(fd, SIZE_2M, SIZE_2M);
	int refs = (int)ASSERT_SYS(open("/proc/self/clear_refs",
					O_WRONLY | O_CLOEXEC));

	ASSERT_WRITES(map, 1);
	ASSERT_SYS(write(refs, "4", 1));
	close(refs);
	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_READS(map, 1);
	ASSERT_WRITES(map, 2);
	ASSERT_READS(map, 2);
}

/* The BAR is empty: what counts is that a write comes to an end. */
TEST(huge_page_of_1_gib_can_be_written_after_soft_dirty_is_cleared)
{
	struct big big;
	int refs = (int)ASSERT_SYS(open("/proc/self/clear_refs",
					O_WRONLY | O_CLOEXEC));

	lend_big(&big, 0, SIZE_1G);
	ASSERT_SYS(write(refs, "4", 1));
	close(refs);
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_write(big.map, 1), TOUCH_OK);
	ASSERT_TOUCH(touch_write(big.map + SIZE_2M, 2), TOUCH_OK);
	ASSERT_EQ(touch_faults(big.map), 0);
	ASSERT_OK(barlease_lease_revoke(big.dev, big.fd));
	ASSERT_GONE((uint32_t *)big.map);
}
