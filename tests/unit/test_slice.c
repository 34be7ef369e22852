// SPDX-License-Identifier: MIT
#include "support.h"

#include <errno.h>
#include <string.h>

#include "barlease.h"

static struct barlease_slice parsed(const char *text)
{
	struct barlease_slice slice;
	const char *reason = "";

	if (barlease_slice_parse(text, &slice, &reason))
		print_error("%s: %s\n", text, reason);
	assert_int_equal(barlease_slice_parse(text, &slice, NULL), 0);
	return slice;
}

static void assert_refused(const char *text, int err, const char *why)
{
	struct barlease_slice slice = { .bar = 99 };
	const char *reason = NULL;

	assert_int_equal(barlease_slice_parse(text, &slice, &reason), err);
	assert_non_null(reason);
	assert_contains(reason, why);
	assert_int_equal(slice.bar, 99);
}

static void assert_format(const char *text, const char *expected)
{
	struct barlease_slice slice = parsed(text);
	char buf[96];

	assert_int_equal(barlease_slice_format(&slice, buf, sizeof(buf)),
			 strlen(expected));
	assert_string_equal(buf, expected);
}

static void all_parts_are_read(void **state)
{
	struct barlease_slice slice = parsed("00:04.0:2[0x200000+2M],ro");

	(void)state;
	assert_string_equal(slice.bdf, "0000:00:04.0");
	assert_int_equal(slice.bar, 2);
	assert_int_equal(slice.range.offset, 0x200000);
	assert_int_equal(slice.range.length, 0x200000);
	assert_int_equal(slice.access, BARLEASE_READ_ONLY);
}

static void without_a_range_it_is_the_whole_bar(void **state)
{
	struct barlease_slice slice = parsed("0000:00:04.0:5");

	(void)state;
	assert_int_equal(slice.bar, 5);
	assert_int_equal(slice.range.offset, 0);
	assert_int_equal(slice.range.length, 0);
}

static void without_an_access_it_is_read_write(void **state)
{
	(void)state;
	assert_int_equal(parsed("00:04.0:0[0+4K]").access, BARLEASE_READ_WRITE);
	assert_int_equal(parsed("00:04.0:0,rw").access, BARLEASE_READ_WRITE);
}

static void suffixes_are_powers_of_1024(void **state)
{
	(void)state;
	assert_int_equal(parsed("00:04.0:0[0+3K]").range.length, 3ULL << 10);
	assert_int_equal(parsed("00:04.0:0[0+3M]").range.length, 3ULL << 20);
	assert_int_equal(parsed("00:04.0:0[0+3G]").range.length, 3ULL << 30);
	assert_int_equal(parsed("00:04.0:0[0+3T]").range.length, 3ULL << 40);
	assert_int_equal(parsed("00:04.0:0[0x10K+1]").range.offset, 0x4000);
}

static void decimal_is_decimal_even_with_a_leading_0(void **state)
{
	(void)state;
	assert_int_equal(parsed("00:04.0:0[010+4096]").range.offset, 10);
}

static void formatting_is_undone_by_parsing(void **state)
{
	(void)state;
	assert_format("00:04.0:2[2M+2M],ro",
		      "0000:00:04.0:2[0x200000+0x200000],ro");
	assert_format("0000:00:04.0:2[0x200000+0x200000],ro",
		      "0000:00:04.0:2[0x200000+0x200000],ro");
	assert_format("00:04.0:2", "0000:00:04.0:2,rw");
	assert_format("0000:00:04.0:2,rw", "0000:00:04.0:2,rw");
}

static void the_longest_slice_fits_in_96_bytes(void **state)
{
	(void)state;
	assert_format("ffffffff:ff:1f.7:5"
		      "[0x7fffffffffffffff+0x8000000000000000],ro",
		      "ffffffff:ff:1f.7:5"
		      "[0x7fffffffffffffff+0x8000000000000000],ro");
}

static void formatting_into_too_little_room_is_refused(void **state)
{
	struct barlease_slice slice = parsed("00:04.0:2,rw");
	char buf[18];

	(void)state;
	/* 17 characters: the last place is for the terminating 0. */
	assert_int_equal(barlease_slice_format(&slice, buf, 18), 17);
	assert_int_equal(barlease_slice_format(&slice, buf, 17), -ENOSPC);
	assert_int_equal(barlease_slice_format(&slice, buf, 0), -ENOSPC);
}

static void a_bad_address_is_refused(void **state)
{
	(void)state;
	assert_refused("", -EINVAL, "begins with a PCI address");
	assert_refused("2", -EINVAL, "begins with a PCI address");
	assert_refused(":2", -EINVAL, "begins with a PCI address");
	assert_refused("00:04.0", -EINVAL, "begins with a PCI address");
	assert_refused("[0+4K]", -EINVAL, "begins with a PCI address");
	assert_refused("0000:00:04.0[0+4K]", -EINVAL, "PCI address");
	assert_refused("0000000000000000000000000000:00:04.0:2", -EINVAL,
		       "PCI address");
	assert_refused("../../../../etc/passwd:2", -EINVAL, "PCI address");
}

static void a_bar_other_than_0_to_5_is_refused(void **state)
{
	(void)state;
	assert_refused("00:04.0:6", -EINVAL, "BAR");
	assert_refused("00:04.0:9", -EINVAL, "BAR");
	assert_refused("00:04.0:/", -EINVAL, "BAR");
	assert_refused("00:04.0:", -EINVAL, "BAR");
	assert_refused("00:04.0:02", -EINVAL, "BAR");
	assert_refused("00:04.0:-1", -EINVAL, "BAR");
	assert_refused("00:04.0:0x1", -EINVAL, "BAR");
	assert_refused("00:04.0: 2", -EINVAL, "BAR");
}

static void a_malformed_range_is_refused(void **state)
{
	(void)state;
	assert_refused("00:04.0:2[", -EINVAL, "range");
	assert_refused("00:04.0:2[]", -EINVAL, "range");
	assert_refused("00:04.0:2[0]", -EINVAL, "range");
	assert_refused("00:04.0:2[0+1", -EINVAL, "range");
	assert_refused("00:04.0:2[0]+1", -EINVAL, "range");
	assert_refused("00:04.0:2[+1]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0+]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0+1+1]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[[0+1]]", -EINVAL, "numbers");
}

static void a_malformed_number_is_refused(void **state)
{
	(void)state;
	assert_refused("00:04.0:2[-1+4K]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[ 0+4K]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0x+4K]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0xg+4K]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[1a+4K]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0+4KB]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0+4k]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0+4P]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0+K]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0+1e3]", -EINVAL, "numbers");
	assert_refused("00:04.0:2[0+0x0000000000000000000000000000000001]",
		       -EINVAL, "numbers");
}

static void a_length_of_0_is_refused(void **state)
{
	(void)state;
	assert_refused("00:04.0:2[0+0]", -EINVAL, "length 0");
	assert_refused("00:04.0:2[4K+0x0K]", -EINVAL, "length 0");
}

static void a_number_beyond_64_bits_is_out_of_range(void **state)
{
	(void)state;
	assert_int_equal(
		parsed("00:04.0:2[0+18446744073709551615]").range.length,
		UINT64_MAX);
	assert_refused("00:04.0:2[0+18446744073709551616]", -ERANGE, "64");
	assert_refused("00:04.0:2[0+0x10000000000000000]", -ERANGE, "64");
	assert_refused("00:04.0:2[0+16777216T]", -ERANGE, "64");
	assert_refused("00:04.0:2[0+99999999999999999999]", -ERANGE, "64");
}

static void a_range_that_wraps_around_is_out_of_range(void **state)
{
	(void)state;
	assert_refused("00:04.0:2[1+0xffffffffffffffff]", -ERANGE, "end");
	assert_refused("00:04.0:2[0x8000000000000000+0x8000000000000000]",
		       -ERANGE, "end");
}

static void a_bad_ending_is_refused(void **state)
{
	(void)state;
	assert_refused("00:04.0:2[0+4K],", -EINVAL, "ends with");
	assert_refused("00:04.0:2[0+4K]ro", -EINVAL, "ends with");
	assert_refused("00:04.0:2[0+4K],ro,rw", -EINVAL, "ends with");
	assert_refused("00:04.0:2[0+4K],RO", -EINVAL, "ends with");
	assert_refused("00:04.0:2[0+4K],wo", -EINVAL, "ends with");
	assert_refused("00:04.0:2[0+4K] ", -EINVAL, "ends with");
	assert_refused("00:04.0:2,ro[0+4K]", -EINVAL, "ends with");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_parts_are_read),
		cmocka_unit_test(without_a_range_it_is_the_whole_bar),
		cmocka_unit_test(without_an_access_it_is_read_write),
		cmocka_unit_test(suffixes_are_powers_of_1024),
		cmocka_unit_test(decimal_is_decimal_even_with_a_leading_0),
		cmocka_unit_test(formatting_is_undone_by_parsing),
		cmocka_unit_test(the_longest_slice_fits_in_96_bytes),
		cmocka_unit_test(formatting_into_too_little_room_is_refused),
		cmocka_unit_test(a_bad_address_is_refused),
		cmocka_unit_test(a_bar_other_than_0_to_5_is_refused),
		cmocka_unit_test(a_malformed_range_is_refused),
		cmocka_unit_test(a_malformed_number_is_refused),
		cmocka_unit_test(a_length_of_0_is_refused),
		cmocka_unit_test(a_number_beyond_64_bits_is_out_of_range),
		cmocka_unit_test(a_range_that_wraps_around_is_out_of_range),
		cmocka_unit_test(a_bad_ending_is_refused),
	};

	return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
