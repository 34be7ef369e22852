// SPDX-License-Identifier: MIT
/* How often who asks in vain is told of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "limit.h"

#define USER 1000u
#define PRICE (1000 / LIMIT_PER_SECOND)

/* How many of @count at that moment are written. */
static unsigned int taken(struct limit *limit, uid_t user, uint64_t now,
			  unsigned int count, uint64_t *kept_back)
{
	unsigned int written = 0;

	while (count--)
		written += limit_take(limit, user, now, kept_back);
	return written;
}

static void some_at_once_are_written(void **state)
{
	struct limit limit = { 0 };
	uint64_t kept_back = 7;

	(void)state;
	assert_int_equal(taken(&limit, USER, 0, 1000, &kept_back),
			 LIMIT_BURST);
	assert_int_equal(kept_back, 0);
}

static void it_comes_back_with_time(void **state)
{
	struct limit limit = { 0 };
	uint64_t kept_back;

	(void)state;
	taken(&limit, USER, 5, 1000, &kept_back);
	assert_int_equal(taken(&limit, USER, 5 + PRICE - 1, 1, &kept_back), 0);
	assert_int_equal(taken(&limit, USER, 5 + PRICE, 10, &kept_back), 1);
	/* All but the first ones, and the one just before. */
	assert_int_equal(kept_back, 1000 - LIMIT_BURST + 1);
	assert_int_equal(taken(&limit, USER, 5 + 2 * PRICE, 1, &kept_back), 1);
	assert_int_equal(kept_back, 9);
}

static void what_is_not_used_is_not_saved_up(void **state)
{
	struct limit limit = { 0 };
	uint64_t kept_back;

	(void)state;
	taken(&limit, USER, 0, 1000, &kept_back);
	assert_int_equal(taken(&limit, USER, 1000000000, 1000, &kept_back),
			 LIMIT_BURST);
}

static void nobody_is_kept_back_for_another_user(void **state)
{
	struct limit limit = { 0 };
	uint64_t kept_back;

	(void)state;
	/* Root as well, and those whose numbers have much in common. */
	for (uid_t user = 0; user < LIMIT_USERS; user++)
		assert_int_equal(taken(&limit, user << 8, 0, 1000, &kept_back),
				 LIMIT_BURST);
	for (uid_t user = 0; user < LIMIT_USERS; user++) {
		assert_int_equal(taken(&limit, user << 8, PRICE, 2, &kept_back),
				 1);
		assert_int_equal(kept_back, 1000 - LIMIT_BURST);
	}
}

static void those_for_whom_there_is_no_place_share_one(void **state)
{
	struct limit limit = { 0 };
	uint64_t kept_back;

	(void)state;
	for (uid_t user = 0; user < LIMIT_USERS; user++)
		taken(&limit, user, 0, 2, &kept_back);
	assert_int_equal(taken(&limit, USER, 0, 15, &kept_back), 15);
	assert_int_equal(taken(&limit, USER + 1, 0, 15, &kept_back),
			 LIMIT_BURST - 15);
	/* They are kept back, and nobody else. */
	assert_int_equal(taken(&limit, 7, 0, 100, &kept_back),
			 LIMIT_BURST - 2);
	/* As soon as somebody has all again, there is a place. */
	taken(&limit, 8, PRICE, 1, &kept_back);
	assert_int_equal(taken(&limit, USER, 2 * PRICE, 100, &kept_back),
			 LIMIT_BURST);
	assert_int_equal(taken(&limit, 8, 2 * PRICE, 100, &kept_back),
			 LIMIT_BURST - 1);
}

static void who_has_written_is_not_forgotten_for_others(void **state)
{
	struct limit limit = { 0 };
	uint64_t kept_back;

	(void)state;
	taken(&limit, USER, 0, 1000, &kept_back);
	for (uid_t user = 0; user < 4 * LIMIT_USERS; user++)
		if (user != USER)
			taken(&limit, user, 1, 1000, &kept_back);
	assert_int_equal(taken(&limit, USER, 2, 1, &kept_back), 0);
	/* It is still known how many it were. */
	assert_int_equal(taken(&limit, USER, PRICE, 1, &kept_back), 1);
	assert_int_equal(kept_back, 1000 - LIMIT_BURST + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_at_once_are_written),
		cmocka_unit_test(it_comes_back_with_time),
		cmocka_unit_test(what_is_not_used_is_not_saved_up),
		cmocka_unit_test(nobody_is_kept_back_for_another_user),
		cmocka_unit_test(those_for_whom_there_is_no_place_share_one),
		cmocka_unit_test(who_has_written_is_not_forgotten_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
