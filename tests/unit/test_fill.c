// SPDX-License-Identifier: MIT
/* What "fill" does when the lease goes away in the midst of it. */
#include "support.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command.h"
#include "window.h"

static unsigned int stores;

/* The linker sends it here: the lease goes at the third one. */
int __wrap_window_write(const struct window *window, size_t offset,
			unsigned int width, uint64_t value);

int __wrap_window_write(const struct window *window, size_t offset,
			unsigned int width, uint64_t value)
{
	(void)window;
	assert_int_equal(offset, 4 * stores);
	assert_int_equal(width, 32);
	assert_true(value == 7);
	return ++stores < 3 ? STATUS_OK : STATUS_FAILED;
}

static void fill_ends_where_the_lease_does(void **state)
{
	int fd = memfd_create("lease", MFD_CLOEXEC);
	char name[] = "fill", option[] = "--fd", value[] = "7", text[16];
	char *argv[] = { name, option, text, value, NULL };

	(void)state;
	assert_true(fd >= 0 && !ftruncate(fd, 4096));
	snprintf(text, sizeof(text), "%d", fd);
	assert_int_equal(command_fill.run(4, argv), STATUS_FAILED);
	assert_int_equal(stores, 3);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fill_ends_where_the_lease_does),
	};

	return cmocka_run_group_tests_name("fill", tests, NULL, NULL);
}
