// SPDX-License-Identifier: MIT
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "mmio.h"
#include "window.h"

static int window_setup(void **state)
{
	static struct window window;
	int fd = memfd_create("lease", MFD_CLOEXEC);

	memset(&window, 0, sizeof(window));
	if (fd < 0 || ftruncate(fd, 16384))
		return -1;
	if (window_lease(&command_peek, fd, &window))
		return -1;
	*state = &window;
	return window_map(&window, 4096 + 8, 64, PROT_READ | PROT_WRITE);
}

static int window_teardown(void **state)
{
	struct window *window = *state;

	window_end(window);
	return close(window->fd);
}

static void store(void *arg)
{
	mmio_write(arg, 32, 0x12345678);
}

static void load_twice(void *arg)
{
	mmio_read(arg, 32);
	mmio_read(arg, 64);
}

static void *at(const struct window *window, size_t offset)
{
	return (void *)(uintptr_t)(window->base + offset);
}

static void access_to_what_is_there_succeeds(void **state)
{
	struct window *window = *state;
	uint32_t value;

	assert_int_equal(window_call(window, store, at(window, 0)), STATUS_OK);
	assert_int_equal(pread(window->fd, &value, 4, 4096 + 8), 4);
	assert_int_equal(value, 0x12345678);
}

static void access_to_what_is_gone_is_reported(void **state)
{
	struct window *window = *state;

	assert_int_equal(ftruncate(window->fd, 0), 0);
	assert_int_equal(window_call(window, store, at(window, 0)),
			 STATUS_FAILED);
	assert_int_equal(window_call(window, load_twice, at(window, 0)),
			 STATUS_FAILED);
}

static void the_place_of_the_access_is_told(void **state)
{
	struct window *window = *state;
	size_t fault = 0;

	assert_int_equal(ftruncate(window->fd, 0), 0);
	assert_int_equal(guard_call(window->map.address, window->map.length,
				    store, at(window, 20), &fault),
			 -EFAULT);
	assert_int_equal(fault, 28);
}

static void access_works_again_when_it_is_back(void **state)
{
	struct window *window = *state;

	assert_int_equal(ftruncate(window->fd, 0), 0);
	assert_int_equal(window_call(window, store, at(window, 0)),
			 STATUS_FAILED);
	assert_int_equal(ftruncate(window->fd, 16384), 0);
	assert_int_equal(window_call(window, store, at(window, 0)), STATUS_OK);
}

static void the_former_handler_is_put_back(void **state)
{
	struct window *window = *state;
	struct sigaction before, action;

	sigaction(SIGBUS, NULL, &before);
	window_call(window, store, at(window, 0));
	sigaction(SIGBUS, NULL, &action);
	assert_ptr_equal(action.sa_handler, before.sa_handler);
	assert_int_equal(ftruncate(window->fd, 0), 0);
	window_call(window, store, at(window, 0));
	sigaction(SIGBUS, NULL, &action);
	assert_ptr_equal(action.sa_handler, before.sa_handler);
}

/* Run an access in a child; return the signal that ends it, or 0. */
static int signal_of(struct window *window, void (*access)(void *), void *arg)
{
	const struct rlimit none = { 0 };
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGBUS, SIG_DFL);
		_exit(window_call(window, access, arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void sigbus_elsewhere_ends_the_process(void **state)
{
	struct window *window = *state;
	int fd = memfd_create("other", MFD_CLOEXEC);
	void *other;

	other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(other, MAP_FAILED);
	assert_int_equal(signal_of(window, store, other), SIGBUS);
	munmap(other, 4096);
	close(fd);
}

static void raise_bus(void *arg)
{
	(void)arg;
	raise(SIGBUS);
}

static void sigbus_that_somebody_sends_ends_the_process(void **state)
{
	assert_int_equal(signal_of(*state, raise_bus, NULL), SIGBUS);
}

static void copying_keeps_bytes_and_length_at_every_alignment(void **state)
{
	unsigned char device[64] __attribute__((aligned(8)));
	unsigned char bytes[40], back[40];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i + 1);
	for (size_t offset = 8; offset < 17; offset++) {
		for (size_t length = 0; length < 34; length++) {
			memset(device, 0, sizeof(device));
			mmio_copy_to(device + offset, bytes, length);
			assert_memory_equal(device + offset, bytes, length);
			assert_int_equal(device[offset - 1], 0);
			assert_int_equal(device[offset + length], 0);
			memset(back, 0, sizeof(back));
			mmio_copy_from(back, device + offset, length);
			assert_memory_equal(back, bytes, length);
			assert_int_equal(back[length], 0);
		}
	}
}

#define window_test(function) \
	cmocka_unit_test_setup_teardown(function, window_setup, window_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		window_test(access_to_what_is_there_succeeds),
		window_test(access_to_what_is_gone_is_reported),
		window_test(the_place_of_the_access_is_told),
		window_test(access_works_again_when_it_is_back),
		window_test(the_former_handler_is_put_back),
		window_test(sigbus_elsewhere_ends_the_process),
		window_test(sigbus_that_somebody_sends_ends_the_process),
		window_test(copying_keeps_bytes_and_length_at_every_alignment),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
