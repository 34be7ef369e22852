// SPDX-License-Identifier: MIT
/* A lease is the device's memory: the same bytes at the right place. */
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "host.h"
#include "touch.h"

/* Odd on purpose: neither the start of the BAR nor of a huge page. */
#define OFFSET (0x305000ULL)
#define LENGTH (4 * PAGE)
#define WORD 0x1238		/* where in the lease the tests look */

TEST(data_written_through_a_lease_is_read_from_the_region)
{
	struct lent lent;
	uint32_t value;

	lend(&lent, OFFSET, LENGTH);
	value = ram_fresh(lent.dev, OFFSET + WORD);
	ASSERT_WRITES(&lent.map[WORD / 4], value);
	ASSERT_EQ(ram_read(lent.dev, OFFSET + WORD), value);
}

TEST(data_written_to_the_region_is_read_through_a_lease)
{
	struct lent lent;
	uint32_t value;

	lend(&lent, OFFSET, LENGTH);
	value = ram_fresh(lent.dev, OFFSET + WORD);
	ram_write(lent.dev, OFFSET + WORD, value);
	ASSERT_READS(&lent.map[WORD / 4], value);
}

TEST(data_is_shared_with_the_lessors_bar_mapping)
{
	uint32_t *bar, value;
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	bar = ram_map(lent.dev, 0, RAM_SIZE);
	value = ram_fresh(lent.dev, OFFSET + WORD);
	ASSERT_WRITES(&lent.map[WORD / 4], value);
	ASSERT_READS(&bar[(OFFSET + WORD) / 4], value);
	ASSERT_WRITES(&bar[(OFFSET + WORD) / 4], ~value);
	ASSERT_READS(&lent.map[WORD / 4], ~value);
}

TEST(data_written_through_a_lease_reaches_the_host_and_no_other_byte)
{
	uint32_t value, found;
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	value = ram_fresh(lent.dev, OFFSET + WORD);
	host_snapshot();
	ASSERT_WRITES(&lent.map[WORD / 4], value);
	host_read(OFFSET + WORD, &found, sizeof(found));
	ASSERT_EQ(found, value);
	host_assert_changed(OFFSET + WORD, sizeof(value));
}

TEST(data_written_by_the_host_is_read_through_a_lease)
{
	struct lent lent;
	uint32_t value;

	lend(&lent, OFFSET, LENGTH);
	value = ram_fresh(lent.dev, OFFSET + WORD);
	host_write(OFFSET + WORD, &value, sizeof(value));
	ASSERT_READS(&lent.map[WORD / 4], value);
}

TEST(data_of_a_whole_lease_lies_where_the_host_expects_it)
{
	struct lent lent;
	uint32_t i;

	lend(&lent, OFFSET, LENGTH);
	for (i = 0; i < LENGTH / 4; i++)
		lent.map[i] = 0;
	host_snapshot();
	/* No byte is 0, and no two words are the same. */
	for (i = 0; i < LENGTH / 4; i++)
		lent.map[i] = 0x80808080u | (i & 0x7f) | (i >> 7 << 8);
	host_assert_changed(OFFSET, LENGTH);
}

TEST(data_of_the_last_page_lies_at_the_end)
{
	uint64_t offset = RAM_SIZE - PAGE;
	struct lent lent;
	uint32_t value;

	lend(&lent, offset, PAGE);
	value = ram_fresh(lent.dev, RAM_SIZE - 4);
	host_snapshot();
	ASSERT_WRITES(&lent.map[PAGE / 4 - 1], value);
	host_assert_changed(RAM_SIZE - 4, 4);
}

TEST(data_of_two_leases_lies_apart)
{
	uint32_t *map, value;
	struct lent lent;
	int fd;

	lend(&lent, OFFSET, PAGE);
	fd = lease_export(lent.dev, RAM_BAR, OFFSET + PAGE, PAGE);
	map = lease_map_rw(fd, 0, PAGE);
	ASSERT_WRITES(map, 0x11111111);
	value = ram_fresh(lent.dev, OFFSET);
	host_snapshot();
	ASSERT_WRITES(lent.map, value);
	ASSERT_READS(map, 0x11111111);
	host_assert_changed(OFFSET, 4);
}

TEST(data_at_an_mmap_offset_lies_that_far_into_the_lease)
{
	uint32_t *map, value;
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	map = lease_map_rw(lent.fd, 2 * PAGE, PAGE);
	value = ram_fresh(lent.dev, OFFSET + 2 * PAGE);
	host_snapshot();
	ASSERT_WRITES(map, value);
	host_assert_changed(OFFSET + 2 * PAGE, 4);
	ASSERT_READS(page_word(lent.map, 2), value);
}

TEST(data_is_accessible_in_every_width)
{
	volatile uint8_t *bytes;
	struct lent lent;
	uint64_t found = 0;

	lend(&lent, OFFSET, LENGTH);
	bytes = (volatile uint8_t *)lent.map;
	*(volatile uint64_t *)bytes = 0;
	bytes[0] = 0x01;
	*(volatile uint16_t *)(bytes + 2) = 0x0302;
	*(volatile uint32_t *)(bytes + 4) = 0x07060504;
	ASSERT_OK(barlease_region_read(lent.dev, RAM_BAR, &found, 8, OFFSET));
	ASSERT_EQ(found, 0x0706050403020001);
	ASSERT_EQ(*(volatile uint64_t *)bytes, 0x0706050403020001);
}

TEST(data_reading_changes_nothing)
{
	struct lent lent;
	size_t i;

	lend(&lent, OFFSET, LENGTH);
	host_snapshot();
	for (i = 0; i < LENGTH / 4; i++)
		ASSERT_TOUCH(touch_read(&lent.map[i], NULL), TOUCH_OK);
	host_assert_unchanged();
}
