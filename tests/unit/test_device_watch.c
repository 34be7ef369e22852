// SPDX-License-Identifier: MIT
/* Hearing of it when the kernel wants a device back. */
#include "vfio_fake.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

static bool is_readable(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, 0) == 1 && ready.revents == POLLIN;
}

static void one_fd_is_readable_whenever_the_kernel_asks(void **state)
{
	struct barlease_device *dev = vfio_fake_open(state);
	int fd = barlease_device_watch(dev);
	uint64_t times;

	assert_true(fd >= 0);
	assert_int_equal(fd, vfio_fake.request_eventfd);
	assert_false(is_readable(fd));
	assert_int_equal(read(fd, &times, sizeof(times)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(eventfd_write(vfio_fake.request_eventfd, 1), 0);
	assert_true(is_readable(fd));
	assert_int_equal(read(fd, &times, sizeof(times)), sizeof(times));
	assert_false(is_readable(fd));

	assert_int_equal(barlease_device_watch(dev), fd);
	assert_int_equal(vfio_fake.wirings, 1);
	barlease_device_close(dev);
}

static void it_ends_with_the_device(void **state)
{
	unsigned int before = fd_count();
	struct barlease_device *dev = vfio_fake_open(state);

	assert_true(barlease_device_watch(dev) >= 0);
	barlease_device_close(dev);
	assert_int_equal(fd_count(), before);
}

/* Whose owner has the device open for longer. */
static void that_of_an_adopted_device_is_taken_away(void **state)
{
	struct barlease_device *owner = vfio_fake_open(state), *dev;
	unsigned int before = fd_count();

	assert_int_equal(barlease_device_adopt(barlease_device_fd(owner),
					       "00:04.0", &dev),
			 0);
	assert_true(barlease_device_watch(dev) >= 0);
	barlease_device_close(dev);
	assert_int_equal(vfio_fake.request_eventfd, -1);
	assert_int_equal(vfio_fake.wirings, 2);
	assert_int_equal(fd_count(), before);

	/* Nothing of the owner's is touched where nothing was asked for. */
	assert_int_equal(barlease_device_adopt(barlease_device_fd(owner),
					       "00:04.0", &dev),
			 0);
	barlease_device_close(dev);
	assert_int_equal(vfio_fake.wirings, 2);
	barlease_device_close(owner);
}

static void what_fails_leaves_no_fd_and_can_be_tried_again(void **state)
{
	struct barlease_device *dev = vfio_fake_open(state);
	unsigned int before = fd_count();
	struct rlimit limit, none;

	vfio_fake.set_irqs_errno = EINVAL;
	assert_int_equal(barlease_device_watch(dev), -EINVAL);
	assert_int_equal(fd_count(), before);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(barlease_device_watch(dev), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

	vfio_fake.set_irqs_errno = 0;
	assert_true(barlease_device_watch(dev) >= 0);
	barlease_device_close(dev);
}

#define watch_test(function) \
	cmocka_unit_test_setup_teardown(function, vfio_fake_setup, \
					vfio_fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		watch_test(one_fd_is_readable_whenever_the_kernel_asks),
		watch_test(it_ends_with_the_device),
		watch_test(that_of_an_adopted_device_is_taken_away),
		watch_test(what_fails_leaves_no_fd_and_can_be_tried_again),
	};

	return cmocka_run_group_tests_name("device_watch", tests, NULL, NULL);
}
