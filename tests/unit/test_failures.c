// SPDX-License-Identifier: MIT
/*
 * Each call of the library's to libc that takes memory, a file or an address
 * fails in turn: its errno is what comes out, and no fd is left. What ioctls
 * answer is in test_device_open.c and its neighbours.
 */
#include "vfio_fake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Which of the calls fails: 1 is the next, 0 none. */
static unsigned int countdown;
static int failed_errno;

static bool fails(int error)
{
	if (!countdown || --countdown)
		return false;
	failed_errno = error;
	errno = error;
	return true;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
void *__real_mmap64(void *address, size_t length, int prot, int flags, int fd,
		    off64_t offset);
void *__wrap_mmap64(void *address, size_t length, int prot, int flags, int fd,
		    off64_t offset);

void *__wrap_calloc(size_t count, size_t size)
{
	return fails(ENOMEM) ? NULL : __real_calloc(count, size);
}

int __wrap_open64(const char *path, int flags, ...)
{
	return fails(EMFILE) ? -1 : __real_open64(path, flags);
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return fails(EMFILE) ? NULL : __real_fopen64(path, mode);
}

DIR *__wrap_opendir(const char *path)
{
	return fails(EMFILE) ? NULL : __real_opendir(path);
}

/* Not one that the caller would try to do without. */
void *__wrap_mmap64(void *address, size_t length, int prot, int flags, int fd,
		    off64_t offset)
{
	return fails(EAGAIN) ?
		       MAP_FAILED :
		       __real_mmap64(address, length, prot, flags, fd, offset);
}

/*
 * Runs @call with its first call failing, then its second, until none is left.
 * It gives 0, an fd to be closed, or -errno. Return: how many there are.
 */
static unsigned int fail_each(int (*call)(void **state), void **state)
{
	unsigned int before = fd_count();
	unsigned int nth;
	int ret;

	for (nth = 1;; nth++) {
		countdown = nth;
		failed_errno = 0;
		ret = call(state);
		if (countdown) {
			countdown = 0;
			break;
		}
		assert_int_not_equal(failed_errno, 0);
		assert_int_equal(ret, -failed_errno);
		assert_int_equal(fd_count(), before);
	}
	assert_true(ret >= 0);
	if (ret > 0)
		close(ret);
	assert_int_equal(fd_count(), before);
	return nth - 1;
}

static int open_and_close(void **state, enum barlease_way way)
{
	struct barlease_paths paths = vfio_fake_paths(state);
	struct barlease_device *dev = NULL;
	int err;

	err = barlease_device_open_at(&paths, "00:04.0", way, NULL, &dev,
				      NULL);
	if (err)
		assert_null(dev);
	barlease_device_close(dev);
	return err;
}

static int open_by_group(void **state)
{
	return open_and_close(state, BARLEASE_BY_GROUP);
}

static int open_by_iommufd(void **state)
{
	return open_and_close(state, BARLEASE_BY_IOMMUFD);
}

static void opening_by_group_fails_as_what_it_needs_does(void **state)
{
	/* The device, the group and the container. */
	assert_int_equal(fail_each(open_by_group, state), 3);
}

static void opening_by_iommufd_fails_as_what_it_needs_does(void **state)
{
	vfio_fake_add_iommufd(state);
	/* The device, its folder in sysfs, its number, its file, iommufd. */
	assert_int_equal(fail_each(open_by_iommufd, state), 5);
}

static struct barlease_device *device;

static int export(void **state)
{
	struct barlease_range range = { .length = 4096 };

	(void)state;
	return barlease_lease_export(device, 0, &range, 1,
				     BARLEASE_READ_WRITE);
}

static void an_export_fails_as_what_it_needs_does(void **state)
{
	vfio_fake.features[0] = VFIO_DEVICE_FEATURE_GET |
				VFIO_DEVICE_FEATURE_DMA_BUF;
	device = vfio_fake_open(state);
	assert_int_equal(fail_each(export, state), 1);
	barlease_device_close(device);
}

static int map_region(void **state)
{
	struct barlease_map map = { 0 };
	int err;

	(void)state;
	err = barlease_region_map(device, 0, 0, 4096, PROT_READ, &map);
	if (err)
		assert_null(map.address);
	barlease_map_end(&map);
	return err;
}

static void a_mapping_fails_as_mmap_does(void **state)
{
	device = vfio_fake_open(state);
	assert_int_equal(fail_each(map_region, state), 1);
	barlease_device_close(device);
}

static int map_aligned(void **state)
{
	struct barlease_map map = { 0 };
	int fd = memfd_create("lease", MFD_CLOEXEC);
	int err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4 << 20), 0);
	err = barlease_lease_map(fd, 0, 4 << 20, PROT_READ, 0, &map);
	if (err)
		assert_null(map.address);
	barlease_map_end(&map);
	close(fd);
	return err;
}

static void an_aligned_mapping_fails_as_mmap_does(void **state)
{
	/* The search for a place, and the mapping. */
	assert_int_equal(fail_each(map_aligned, state), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			opening_by_group_fails_as_what_it_needs_does,
			vfio_fake_setup, vfio_fake_teardown),
		cmocka_unit_test_setup_teardown(
			opening_by_iommufd_fails_as_what_it_needs_does,
			vfio_fake_setup, vfio_fake_teardown),
		cmocka_unit_test_setup_teardown(
			an_export_fails_as_what_it_needs_does,
			vfio_fake_setup, vfio_fake_teardown),
		cmocka_unit_test_setup_teardown(a_mapping_fails_as_mmap_does,
						vfio_fake_setup,
						vfio_fake_teardown),
		cmocka_unit_test_setup_teardown(
			an_aligned_mapping_fails_as_mmap_does,
			vfio_fake_setup, vfio_fake_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
