// SPDX-License-Identifier: MIT
/* Plain accesses: the bytes that are meant, and no others. */
#include "support.h"

#include <string.h>

#include <barlease/mmio.h>

#define ASSERT_READS(width, read)                                         \
	do {                                                              \
		uint##width##_t value_;                                   \
		memcpy(&value_, bytes + 8, sizeof(value_));               \
		assert_true(read(bytes + 8) == value_);                   \
		assert_true(read(bytes + 16) != value_);                  \
	} while (0)

#define ASSERT_WRITES(width, write)                                       \
	do {                                                              \
		uint##width##_t value_ = (uint##width##_t)0xf1e2d3c4b5a69788; \
		unsigned char expected_[24];                              \
		memcpy(expected_, bytes, sizeof(expected_));              \
		memcpy(expected_ + 8, &value_, sizeof(value_));           \
		write(bytes + 8, value_);                                 \
		assert_memory_equal(bytes, expected_, sizeof(expected_)); \
		memset(bytes + 8, 0, 8);                                  \
	} while (0)

static void fill(unsigned char *bytes)
{
	int i;

	for (i = 0; i < 24; i++)
		bytes[i] = (unsigned char)(0x81 + i * 5);
}

static void reads_take_exactly_their_width(void **state)
{
	_Alignas(8) unsigned char bytes[24];

	(void)state;
	fill(bytes);
	ASSERT_READS(8, barlease_read8);
	ASSERT_READS(16, barlease_read16);
	ASSERT_READS(32, barlease_read32);
	ASSERT_READS(64, barlease_read64);
	ASSERT_READS(8, barlease_read8_relaxed);
	ASSERT_READS(16, barlease_read16_relaxed);
	ASSERT_READS(32, barlease_read32_relaxed);
	ASSERT_READS(64, barlease_read64_relaxed);
}

static void writes_change_exactly_their_width(void **state)
{
	_Alignas(8) unsigned char bytes[24];

	(void)state;
	fill(bytes);
	ASSERT_WRITES(8, barlease_write8);
	ASSERT_WRITES(16, barlease_write16);
	ASSERT_WRITES(32, barlease_write32);
	ASSERT_WRITES(64, barlease_write64);
	ASSERT_WRITES(8, barlease_write8_relaxed);
	ASSERT_WRITES(16, barlease_write16_relaxed);
	ASSERT_WRITES(32, barlease_write32_relaxed);
	ASSERT_WRITES(64, barlease_write64_relaxed);
	barlease_wc_flush();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_take_exactly_their_width),
		cmocka_unit_test(writes_change_exactly_their_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
