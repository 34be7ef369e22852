// SPDX-License-Identifier: MIT
#include "support.h"

#include <errno.h>

#include "barlease.h"

static void assert_canonical(const char *text, const char *canonical)
{
	char bdf[BARLEASE_BDF_MAX];

	assert_int_equal(barlease_bdf_parse(text, bdf), 0);
	assert_string_equal(bdf, canonical);
}

static void assert_refused(const char *text)
{
	char bdf[BARLEASE_BDF_MAX] = "untouched";

	assert_int_equal(barlease_bdf_parse(text, bdf), -EINVAL);
	assert_string_equal(bdf, "untouched");
}

static void a_full_address_is_kept(void **state)
{
	(void)state;
	assert_canonical("0000:00:04.0", "0000:00:04.0");
	assert_canonical("abcd:ef:1f.7", "abcd:ef:1f.7");
}

static void a_missing_domain_is_0(void **state)
{
	(void)state;
	assert_canonical("00:04.0", "0000:00:04.0");
}

static void upper_case_becomes_lower_case(void **state)
{
	(void)state;
	assert_canonical("ABCD:EF:1F.0", "abcd:ef:1f.0");
}

static void a_domain_of_32_bits_is_kept(void **state)
{
	(void)state;
	assert_canonical("12345678:00:04.0", "12345678:00:04.0");
	assert_canonical("ffffffff:ff:1f.7", "ffffffff:ff:1f.7");
}

static void leading_zeros_of_the_domain_go(void **state)
{
	(void)state;
	assert_canonical("00000001:00:04.0", "0001:00:04.0");
}

static void a_slot_above_1f_is_refused(void **state)
{
	(void)state;
	assert_refused("0000:00:20.0");
}

static void a_function_above_7_is_refused(void **state)
{
	(void)state;
	assert_refused("0000:00:04.8");
	assert_refused("0000:00:04.a");
}

static void a_field_of_the_wrong_length_is_refused(void **state)
{
	(void)state;
	assert_refused("000:00:04.0");
	assert_refused("123456789:00:04.0");
	assert_refused("0000:0:04.0");
	assert_refused("0000:000:04.0");
	assert_refused("0000:00:4.0");
	assert_refused("0000:00:04.00");
	assert_refused("0000:00:04.");
}

static void anything_around_it_is_refused(void **state)
{
	(void)state;
	assert_refused(" 0000:00:04.0");
	assert_refused("0000:00:04.0 ");
	assert_refused("0000:00:04.0\n");
	assert_refused("../0000:00:04.0");
	assert_refused("0000:00:04.0/..");
	assert_refused("0x00:00:04.0");
	assert_refused("-000:00:04.0");
}

static void no_text_is_refused(void **state)
{
	(void)state;
	assert_refused("");
	assert_refused(":");
	assert_refused("::.");
	assert_refused(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_address_is_kept),
		cmocka_unit_test(a_missing_domain_is_0),
		cmocka_unit_test(upper_case_becomes_lower_case),
		cmocka_unit_test(a_domain_of_32_bits_is_kept),
		cmocka_unit_test(leading_zeros_of_the_domain_go),
		cmocka_unit_test(a_slot_above_1f_is_refused),
		cmocka_unit_test(a_function_above_7_is_refused),
		cmocka_unit_test(a_field_of_the_wrong_length_is_refused),
		cmocka_unit_test(anything_around_it_is_refused),
		cmocka_unit_test(no_text_is_refused),
	};

	return cmocka_run_group_tests_name("bdf", tests, NULL, NULL);
}
