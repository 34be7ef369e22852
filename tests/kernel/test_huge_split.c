// SPDX-License-Identifier: MIT
/*
 * Huge pages that a mapping's new border cuts in two. Any lessee can do that
 * with munmap(), mprotect(), mremap() or madvise() of a part of its mapping,
 * and a kernel that does not expect it of a 1 GiB page crashes.
 */
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

#define BIG (8 * SIZE_1G)

/* A mapped lease of the empty BAR. */
struct big {
	struct barlease_device *dev;
	int fd;
	uint8_t *map;
};

static void lend_big(struct big *big, uint64_t offset, size_t length)
{
	unsigned int bar;

	big->dev = device_open(TESTDEV);
	bar = device_bar_of_size(big->dev, BIG);
	big->fd = lease_export(big->dev, bar, offset, length);
	big->map = lease_map_aligned(big->fd, length, offset);
}

static void split_middle(uint8_t *map, size_t length, size_t hole)
{
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_SYS(munmap(map + length / 2, hole));
	ASSERT_TOUCH(touch_read(map + length / 2, NULL), TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_read(map + length / 2 + hole - 4, NULL),
		     TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_write(map + length / 2 - 4, 0), TOUCH_OK);
	ASSERT_TOUCH(touch_write(map + length / 2 + hole, 0), TOUCH_OK);
	ASSERT_TOUCH(touch_read(map + length - 4, NULL), TOUCH_OK);
}

TEST(split_of_a_2_mib_page_by_munmap_works)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, SIZE_2M, SIZE_2M);
	uint32_t *map = lease_map_aligned(fd, SIZE_2M, SIZE_2M);

	ram_tag_pages(dev);
	split_middle((uint8_t *)map, SIZE_2M, PAGE);
	ASSERT_READS(page_word(map, 1), page_tag(513));
	ASSERT_READS(page_word(map, 511), page_tag(1023));
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_GONE(map);
	ASSERT_GONE(page_word(map, 511));
}

TEST(split_of_a_1_gib_page_by_munmap_works)
{
	struct big big;

	lend_big(&big, SIZE_1G, SIZE_1G);
	split_middle(big.map, SIZE_1G, PAGE);
	ASSERT_SYS(lease_revoke(big.dev, big.fd));
	ASSERT_GONE(big.map);
	ASSERT_GONE(big.map + SIZE_1G - 4);
}

TEST(split_of_a_1_gib_page_between_2_mib_pages_works)
{
	struct big big;

	lend_big(&big, SIZE_1G, SIZE_1G);
	split_middle(big.map, SIZE_1G, SIZE_2M);
	ASSERT_SYS(lease_revoke(big.dev, big.fd));
	ASSERT_GONE(big.map);
	ASSERT_GONE(big.map + SIZE_1G - 4);
}

TEST(split_of_a_1_gib_page_by_mprotect_works)
{
	struct big big;

	lend_big(&big, SIZE_1G, SIZE_1G);
	ASSERT_TOUCH(touch_write(big.map, 1), TOUCH_OK);
	ASSERT_SYS(mprotect(big.map + SIZE_2M, SIZE_2M + PAGE, PROT_READ));
	ASSERT_TOUCH(touch_write(big.map, 1), TOUCH_OK);
	ASSERT_TOUCH(touch_read(big.map + SIZE_2M, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_write(big.map + SIZE_2M, 1), TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_write(big.map + 2 * SIZE_2M, 1), TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_write(big.map + 2 * SIZE_2M + PAGE, 1), TOUCH_OK);
}

TEST(split_of_a_1_gib_page_by_mremap_works)
{
	struct big big;
	uint8_t *moved;

	lend_big(&big, 0, 2 * SIZE_1G);
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(big.map + SIZE_1G, NULL), TOUCH_OK);
	moved = lease_map_aligned(big.fd, SIZE_1G, 0);
	ASSERT_SYS(mremap(big.map + SIZE_1G / 2, SIZE_1G, SIZE_1G,
			  MREMAP_MAYMOVE | MREMAP_FIXED, moved));
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(big.map + SIZE_1G / 2, NULL), TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_read(big.map + 2 * SIZE_1G - 4, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(moved, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(moved + SIZE_1G - 4, NULL), TOUCH_OK);
	ASSERT_SYS(lease_revoke(big.dev, big.fd));
	ASSERT_GONE(big.map);
	ASSERT_GONE(moved);
	ASSERT_GONE(moved + SIZE_1G - 4);
}

TEST(split_of_a_1_gib_page_by_shrinking_works)
{
	struct big big;

	lend_big(&big, 0, SIZE_1G);
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_SYS(mremap(big.map, SIZE_1G, SIZE_1G / 2 - PAGE, 0));
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(big.map + SIZE_1G / 2 - PAGE, NULL),
		     TOUCH_SIGSEGV);
}

TEST(split_of_a_1_gib_page_by_madvise_works)
{
	struct lessee child;
	struct big big;

	lend_big(&big, 0, SIZE_1G);
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_SYS(madvise(big.map + SIZE_2M, PAGE, MADV_DONTFORK));
	lessee_start(&child);
	ASSERT_TOUCH(lessee_read(&child, big.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(lessee_read(&child, big.map + SIZE_2M, NULL),
		     TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_read(big.map + SIZE_2M, NULL), TOUCH_OK);
}

TEST(split_of_a_1_gib_page_by_another_mapping_works)
{
	struct big big;

	lend_big(&big, 0, SIZE_1G);
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_SYS(mmap(big.map + SIZE_2M + PAGE, PAGE, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_READS(big.map + SIZE_2M + PAGE, 0);
	ASSERT_TOUCH(touch_read(big.map + SIZE_2M + 2 * PAGE, NULL), TOUCH_OK);
}

/* The whole mapping, to an address where no 1 GiB page can be. */
static void move_by(size_t misalignment)
{
	struct big big;
	uint8_t *place;

	lend_big(&big, 0, 2 * SIZE_1G);
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(big.map + SIZE_1G, NULL), TOUCH_OK);
	place = (uint8_t *)ASSERT_SYS(
		mmap(NULL, 4 * SIZE_1G, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	place += SIZE_1G - (uintptr_t)place % SIZE_1G + misalignment;
	ASSERT_SYS(mremap(big.map, 2 * SIZE_1G, 2 * SIZE_1G,
			  MREMAP_MAYMOVE | MREMAP_FIXED, place));
	ASSERT_TOUCH(touch_read(big.map, NULL), TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_read(place, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_write(place + 2 * SIZE_1G - 4, 0), TOUCH_OK);
	ASSERT_SYS(lease_revoke(big.dev, big.fd));
	ASSERT_GONE(place);
	ASSERT_GONE(place + 2 * SIZE_1G - 4);
}

TEST(split_of_1_gib_pages_by_a_move_of_2_mib_works)
{
	move_by(SIZE_2M);
}

TEST(split_of_1_gib_pages_by_a_move_of_4_kib_works)
{
	move_by(PAGE);
}

TEST(move_of_1_gib_pages_by_1_gib_works)
{
	move_by(0);
}
