// SPDX-License-Identifier: MIT
/* Leases of several ranges. */
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "touch.h"

/* Pages of the BAR, as they follow one another in the lease. */
#define ORDER_PAGES 9
static const unsigned int order[ORDER_PAGES] = { 6, 7, 8, 1, 7, 8, 3, 0, 1 };

/* The same as ranges: out of order, overlapping, adjacent. */
static const struct barlease_range ranges[] = {
	{ .offset = 6 * PAGE, .length = 3 * PAGE },
	{ .offset = 1 * PAGE, .length = 1 * PAGE },
	{ .offset = 7 * PAGE, .length = 2 * PAGE },
	{ .offset = 3 * PAGE, .length = 1 * PAGE },
	{ .offset = 0 * PAGE, .length = 2 * PAGE },
};

static void lend_ranges(struct lent *lent)
{
	lent->dev = device_open(IVSHMEM);
	ram_tag_pages(lent->dev);
	lent->fd = lease_export_ranges(lent->dev, RAM_BAR, ranges, 5);
	lent->length = ORDER_PAGES * PAGE;
	lent->map = lease_map_rw(lent->fd, 0, lent->length);
}

TEST(ranges_appear_in_the_order_given)
{
	struct lent lent;
	unsigned int i;

	lend_ranges(&lent);
	for (i = 0; i < ORDER_PAGES; i++)
		ASSERT_READS(page_word(lent.map, i), page_tag(order[i]));
}

TEST(ranges_appear_in_the_order_given_when_touched_backwards)
{
	struct lent lent;
	unsigned int i;

	lend_ranges(&lent);
	for (i = ORDER_PAGES; i-- > 0;)
		ASSERT_READS(page_word(lent.map, i), page_tag(order[i]));
}

TEST(ranges_can_be_mapped_from_any_page_to_any_other)
{
	unsigned int first, last, i;
	struct lent lent;
	uint32_t *map;

	lend_ranges(&lent);
	for (first = 0; first < ORDER_PAGES; first++) {
		for (last = first; last < ORDER_PAGES; last++) {
			size_t length = (last - first + 1) * PAGE;

			map = lease_map_rw(lent.fd, first * PAGE, length);
			for (i = first; i <= last; i++)
				ASSERT_READS(page_word(map, i - first),
					     page_tag(order[i]));
			munmap(map, length);
		}
	}
}

TEST(ranges_that_overlap_are_the_same_memory)
{
	struct lent lent;

	lend_ranges(&lent);
	/* Page 7 is lent twice: as the second and as the fifth page. */
	ASSERT_WRITES(page_word(lent.map, 1) + 5, 0xabcdef01);
	ASSERT_READS(page_word(lent.map, 4) + 5, 0xabcdef01);
	ASSERT_EQ(ram_read(lent.dev, 7 * PAGE + 20), 0xabcdef01);
}

TEST(ranges_end_where_the_lease_ends)
{
	struct lent lent;

	lend_ranges(&lent);
	ASSERT_ERRNO(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, lent.fd,
			  (ORDER_PAGES - 1) * PAGE), EINVAL);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, lent.fd,
			  ORDER_PAGES * PAGE), EINVAL);
}

TEST(ranges_are_all_gone_after_revoke)
{
	struct lent lent;
	unsigned int i;

	lend_ranges(&lent);
	for (i = 0; i < ORDER_PAGES; i++)
		ASSERT_READS(page_word(lent.map, i), page_tag(order[i]));
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	for (i = 0; i < ORDER_PAGES; i++)
		ASSERT_GONE(page_word(lent.map, i));
}

TEST(ranges_are_all_gone_while_memory_is_off)
{
	struct lent lent;
	unsigned int i;

	lend_ranges(&lent);
	for (i = 0; i < ORDER_PAGES; i++)
		ASSERT_READS(page_word(lent.map, i), page_tag(order[i]));
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	for (i = 0; i < ORDER_PAGES; i++)
		ASSERT_GONE(page_word(lent.map, i));
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	for (i = 0; i < ORDER_PAGES; i++)
		ASSERT_READS(page_word(lent.map, i), page_tag(order[i]));
}

TEST(ranges_512_of_one_page_in_reverse)
{
	struct barlease_range pages[BARLEASE_MAX_RANGES];
	struct barlease_device *dev = device_open(IVSHMEM);
	unsigned int i;
	uint32_t *map;
	int fd;

	ram_tag_pages(dev);
	for (i = 0; i < BARLEASE_MAX_RANGES; i++) {
		pages[i].offset = (BARLEASE_MAX_RANGES - 1 - i) * PAGE;
		pages[i].length = PAGE;
	}
	fd = lease_export_ranges(dev, RAM_BAR, pages, BARLEASE_MAX_RANGES);
	map = lease_map_aligned(fd, BARLEASE_MAX_RANGES * PAGE, 0);
	for (i = 0; i < BARLEASE_MAX_RANGES; i++)
		ASSERT_READS(page_word(map, i),
			     page_tag(BARLEASE_MAX_RANGES - 1 - i));
}

/* Huge pages must not reach over the end of a range. */
TEST(ranges_beside_huge_pages_are_right)
{
	struct barlease_range mixed[] = {
		{ .offset = 2 * SIZE_2M, .length = SIZE_2M + PAGE },
		{ .offset = SIZE_2M, .length = SIZE_2M - PAGE },
		{ .offset = 6 * SIZE_2M, .length = 2 * SIZE_2M },
		{ .offset = 0, .length = PAGE },
	};
	struct barlease_device *dev = device_open(IVSHMEM);
	size_t page, in_range, total = 0;
	unsigned int i;
	uint32_t *map;
	int fd;

	ram_tag_pages(dev);
	for (i = 0; i < 4; i++)
		total += mixed[i].length;
	fd = lease_export_ranges(dev, RAM_BAR, mixed, 4);
	map = lease_map_aligned(fd, total, 0);
	page = 0;
	for (i = 0; i < 4; i++)
		for (in_range = 0; in_range < mixed[i].length / PAGE;
		     in_range++)
			ASSERT_READS(page_word(map, page++),
				     page_tag(mixed[i].offset / PAGE +
					      in_range));
}

/* There are 6 TiB of offsets for the leases of a device. */
TEST(ranges_of_more_than_all_offsets_are_enomem)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	struct barlease_range whole[128];
	int fds[16], count = 0, fd, i;

	for (i = 0; i < 128; i++) {
		whole[i].offset = 0;
		whole[i].length = 8 * SIZE_1G;
	}
	for (;;) {
		fd = barlease_lease_export(dev, bar, whole, 128,
					   BARLEASE_READ_WRITE);
		if (fd < 0)
			break;
		ASSERT_COMPARE(count, <, 16);
		fds[count++] = fd;
	}
	ASSERT_ERROR(fd, ENOMEM);
	ASSERT_COMPARE(count, >, 0);
	/* A small one, and after the end of one a large one, still work. */
	lease_map_rw(lease_export(dev, bar, 0, PAGE), 0, PAGE);
	close(fds[0]);
	lease_export_ranges(dev, bar, whole, 128);
}

/* A lease can be longer than the BAR; every zap must reach its end. */
TEST(ranges_longer_than_the_bar_are_zapped_to_the_end)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	struct barlease_range whole[128];
	size_t total = 128 * 8 * SIZE_1G;
	unsigned int i;
	uint8_t *map;
	int fd;

	ASSERT_EQ(total, BARLEASE_MAX_LENGTH);
	for (i = 0; i < 128; i++) {
		whole[i].offset = 0;
		whole[i].length = 8 * SIZE_1G;
	}
	fd = lease_export_ranges(dev, bar, whole, 128);
	map = lease_map_aligned(fd, total, 0);
	for (i = 0; i < 128; i++)
		ASSERT_TOUCH(touch_read(map + i * 8 * SIZE_1G, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(map + total - 4, NULL), TOUCH_OK);

	ASSERT_OK(barlease_device_set_memory(dev, false));
	for (i = 0; i < 128; i++)
		ASSERT_GONE(map + i * 8 * SIZE_1G);
	ASSERT_GONE(map + total - 4);

	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_TOUCH(touch_read(map + total - 4, NULL), TOUCH_OK);
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_GONE(map);
	ASSERT_GONE(map + total - 4);
}
