// SPDX-License-Identifier: MIT
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "barlease.h"

#define SLICE "0000:00:04.0:2[0x200000+0x200000],ro"

static int environment_clear(void **state)
{
	(void)state;
	unsetenv("BARLEASE_0");
	unsetenv("BARLEASE_1");
	return 0;
}

static void assert_refused(const char *text, int err)
{
	struct barlease_slice slice = { .bar = 99 };

	setenv("BARLEASE_0", text, 1);
	assert_int_equal(barlease_lease_inherit(0, &slice), err);
	assert_int_equal(slice.bar, 99);
}

static void a_lease_is_found_with_its_slice(void **state)
{
	struct barlease_slice slice;

	(void)state;
	setenv("BARLEASE_0", "0 " SLICE, 1);
	assert_int_equal(barlease_lease_inherit(0, &slice), 0);
	assert_int_equal(slice.bar, 2);
	assert_int_equal(slice.range.offset, 0x200000);
	assert_int_equal(slice.access, BARLEASE_READ_ONLY);
}

static void the_slice_need_not_be_asked_for(void **state)
{
	(void)state;
	setenv("BARLEASE_0", "1 " SLICE, 1);
	assert_int_equal(barlease_lease_inherit(0, NULL), 1);
}

static void the_second_lease_is_another_variable(void **state)
{
	(void)state;
	setenv("BARLEASE_1", "2 " SLICE, 1);
	assert_int_equal(barlease_lease_inherit(1, NULL), 2);
	assert_int_equal(barlease_lease_inherit(0, NULL), -ENOENT);
}

static void no_variable_is_enoent(void **state)
{
	(void)state;
	assert_int_equal(barlease_lease_inherit(0, NULL), -ENOENT);
	assert_int_equal(barlease_lease_inherit(UINT_MAX, NULL), -ENOENT);
}

static void an_fd_that_is_not_open_is_ebadf(void **state)
{
	(void)state;
	assert_refused("999 " SLICE, -EBADF);
	assert_refused("2147483647 " SLICE, -EBADF);
}

static void what_cannot_be_read_is_refused(void **state)
{
	(void)state;
	assert_refused("", -EINVAL);
	assert_refused(" ", -EINVAL);
	assert_refused("0", -EINVAL);
	assert_refused("0 ", -EINVAL);
	assert_refused(" " SLICE, -EINVAL);
	assert_refused("0  " SLICE, -EINVAL);
	assert_refused("-1 " SLICE, -EINVAL);
	assert_refused("x " SLICE, -EINVAL);
	assert_refused("2147483648 " SLICE, -EINVAL);
	assert_refused("18446744073709551616 " SLICE, -EINVAL);
	assert_refused("000000000000000000000000000000 " SLICE, -EINVAL);
	assert_refused("0 nonsense", -EINVAL);
	assert_refused("0 " SLICE " ", -EINVAL);
}

static void a_slice_that_is_not_of_whole_pages_is_refused(void **state)
{
	(void)state;
	assert_refused("0 0000:00:04.0:2[0x10+4K]", -EINVAL);
	assert_refused("0 0000:00:04.0:2[4K+0x10]", -EINVAL);
}

static void the_fd_is_left_as_it_is(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "%d " SLICE, fd);
	setenv("BARLEASE_0", text, 1);
	assert_int_equal(barlease_lease_inherit(0, NULL), fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

#define inherit_test(function) \
	cmocka_unit_test_setup(function, environment_clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		inherit_test(a_lease_is_found_with_its_slice),
		inherit_test(the_slice_need_not_be_asked_for),
		inherit_test(the_second_lease_is_another_variable),
		inherit_test(no_variable_is_enoent),
		inherit_test(an_fd_that_is_not_open_is_ebadf),
		inherit_test(what_cannot_be_read_is_refused),
		inherit_test(a_slice_that_is_not_of_whole_pages_is_refused),
		inherit_test(the_fd_is_left_as_it_is),
	};

	return cmocka_run_group_tests_name("inherit", tests, NULL, NULL);
}
