// SPDX-License-Identifier: MIT
#include "support.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "window.h"

#define LEASE_SIZE 16384
/* Of the window in the lease: not at a page, as an offset of a user's. */
#define OFFSET (4096 + 8)
#define LENGTH 64

/* cmocka handles SIGBUS from when a test begins: so it is mapped in the test. */
static void begin(struct window *window)
{
	int fd = memfd_create("lease", MFD_CLOEXEC);

	memset(window, 0, sizeof(*window));
	assert_true(fd >= 0 && !ftruncate(fd, LEASE_SIZE));
	assert_int_equal(window_lease(&command_peek, fd, window), STATUS_OK);
	assert_int_equal(window_map(window, OFFSET, LENGTH,
				    PROT_READ | PROT_WRITE),
			 STATUS_OK);
}

static void end(struct window *window)
{
	window_end(window);
	close(window->fd);
}

static void accesses_have_their_width_and_place(void **state)
{
	static const unsigned int widths[] = { 8, 16, 32, 64 };
	unsigned char bytes[24], expected[24];
	struct window window;
	uint64_t value, found;

	(void)state;
	begin(&window);
	for (unsigned int i = 0; i < 4; i++) {
		memset(expected, 0xee, sizeof(expected));
		assert_int_equal(window_copy_to(&window, 0, expected, 24),
				 STATUS_OK);
		value = 0xf1f2f3f4f5f6f7f8;
		assert_int_equal(window_write(&window, 8, widths[i], value),
				 STATUS_OK);
		memcpy(expected + 8, &value, widths[i] / 8);
		assert_int_equal(pread(window.fd, bytes, 24, OFFSET), 24);
		assert_memory_equal(bytes, expected, 24);
		assert_int_equal(window_read(&window, 8, widths[i], &found),
				 STATUS_OK);
		assert_true(
			found ==
			(widths[i] < 64 ? value % (1ULL << widths[i]) : value));
	}
	assert_int_equal(window_copy_from(&window, 5, bytes, 19), STATUS_OK);
	assert_memory_equal(bytes, expected + 5, 19);
	end(&window);
}

static void accesses_to_what_is_gone_fail_until_it_is_back(void **state)
{
	unsigned char bytes[LENGTH];
	struct window window;
	uint64_t value;

	(void)state;
	begin(&window);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ftruncate(window.fd, 0), 0);
		assert_int_equal(window_read(&window, 0, 32, &value),
				 STATUS_FAILED);
		assert_int_equal(window_write(&window, 0, 32, 1),
				 STATUS_FAILED);
		assert_int_equal(window_copy_from(&window, 0, bytes, LENGTH),
				 STATUS_FAILED);
		assert_int_equal(window_copy_to(&window, 0, bytes, LENGTH),
				 STATUS_FAILED);
		assert_int_equal(ftruncate(window.fd, LEASE_SIZE), 0);
		assert_int_equal(window_read(&window, 0, 32, &value),
				 STATUS_OK);
	}
	end(&window);
}

/* What is said when the lease goes away, in @buf. */
static void complaint(void (*access)(const struct window *window), char *buf,
		      size_t size)
{
	int err = memfd_create("stderr", MFD_CLOEXEC), former = dup(2);
	struct window window;
	ssize_t length;

	begin(&window);
	window_end(&window);
	assert_int_equal(window_map(&window, 4096 - 16, LENGTH,
				    PROT_READ | PROT_WRITE),
			 STATUS_OK);
	assert_int_equal(ftruncate(window.fd, 4096), 0);
	dup2(err, 2);
	access(&window);
	dup2(former, 2);
	length = pread(err, buf, size - 1, 0);
	buf[length > 0 ? length : 0] = '\0';
	close(former);
	close(err);
	end(&window);
}

static void read_past_the_cut(const struct window *window)
{
	uint64_t value;

	assert_int_equal(window_read(window, 40, 64, &value), STATUS_FAILED);
}

static void copy_over_the_cut(const struct window *window)
{
	unsigned char bytes[LENGTH];

	assert_int_equal(window_copy_from(window, 0, bytes, LENGTH),
			 STATUS_FAILED);
}

static void the_place_in_the_lease_is_told(void **state)
{
	char buf[300];

	(void)state;
	complaint(read_past_the_cut, buf, sizeof(buf));
	assert_contains(buf, "(SIGBUS at offset 0x1018)");
	complaint(copy_over_the_cut, buf, sizeof(buf));
	assert_contains(buf, "(SIGBUS at offset 0x1000)");
}

static void the_former_handler_is_put_back(void **state)
{
	struct sigaction before, action;
	struct window window;

	(void)state;
	sigaction(SIGBUS, NULL, &before);
	begin(&window);
	sigaction(SIGBUS, NULL, &action);
	assert_ptr_not_equal(action.sa_handler, before.sa_handler);
	end(&window);
	sigaction(SIGBUS, NULL, &action);
	assert_ptr_equal(action.sa_handler, before.sa_handler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_have_their_width_and_place),
		cmocka_unit_test(
			accesses_to_what_is_gone_fail_until_it_is_back),
		cmocka_unit_test(the_place_in_the_lease_is_told),
		cmocka_unit_test(the_former_handler_is_put_back),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
