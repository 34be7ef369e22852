// SPDX-License-Identifier: MIT
/* Opening by device file and iommufd, and when the group is taken instead. */
#include "vfio_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vfio/cdev.h"

#define BDF "0000:00:04.0"
#define VFIO_DEV "sys/bus/pci/devices/" BDF "/vfio-dev"
#define NODE "dev/vfio/devices/vfio3"

/* The VF token that devices are opened with; NULL: none. */
static const char *token;
#define TOKEN "00112233-4455-6677-8899-AaBbCcDdEeFf"

static int iommufd_setup(void **state)
{
	token = NULL;
	if (vfio_fake_setup(state))
		return -1;
	vfio_fake_add_iommufd(state);
	return 0;
}

static struct barlease_device *open_by(void **state, enum barlease_way way,
				       const char **reason)
{
	struct barlease_paths paths = vfio_fake_paths(state);
	struct barlease_device *dev = NULL;

	assert_int_equal(barlease_device_open_at(&paths, BDF, way, token, &dev,
						 reason),
			 0);
	assert_non_null(dev);
	return dev;
}

/* Opening fails so, says why, and leaves no fd behind. */
static void assert_fails(void **state, enum barlease_way way, int err,
			 const char *words)
{
	struct barlease_paths paths = vfio_fake_paths(state);
	struct barlease_device *dev = NULL;
	const char *reason = "not set";
	unsigned int before = fd_count();

	assert_int_equal(barlease_device_open_at(&paths, BDF, way, token, &dev,
						 &reason),
			 err);
	assert_null(dev);
	assert_int_equal(fd_count(), before);
	if (words)
		assert_contains(reason ? reason : "(nothing)", words);
	else
		assert_null(reason);
}

/* It fails so by iommufd alone; otherwise the group serves, for a reason. */
static void assert_falls_back(void **state, int err, const char *words)
{
	struct barlease_device *dev;
	unsigned int before = fd_count();
	const char *reason;

	assert_fails(state, BARLEASE_BY_IOMMUFD, err, words);

	dev = open_by(state, BARLEASE_ANY_WAY, &reason);
	assert_int_equal(barlease_device_way(dev), BARLEASE_BY_GROUP);
	assert_int_equal(fd_count(), before + 3);
	if (words)
		assert_contains(reason ? reason : "(nothing)", words);
	barlease_device_close(dev);
	assert_int_equal(fd_count(), before);
}

static void iommufd_is_preferred_and_closes_its_fds(void **state)
{
	unsigned int before = fd_count();
	const char *reason = "not set";
	struct barlease_device *dev;
	struct stat status;

	dev = open_by(state, BARLEASE_ANY_WAY, &reason);
	assert_null(reason);
	assert_int_equal(fd_count(), before + 2);
	assert_int_equal(barlease_device_way(dev), BARLEASE_BY_IOMMUFD);
	assert_int_equal(barlease_device_ioas(dev), VFIO_FAKE_IOAS);
	assert_int_equal(fstat(barlease_device_fd(dev), &status), 0);
	assert_true(status.st_rdev == makedev(1, 3));
	assert_int_equal(fcntl(dev->fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(barlease_device_iommu_fd(dev), F_GETFD),
			 FD_CLOEXEC);
	barlease_device_close(dev);
	assert_int_equal(fd_count(), before);

	assert_false(vfio_fake.bind_token_given);
	/* Nobody has to ask for the reason. */
	barlease_device_close(open_by(state, BARLEASE_BY_IOMMUFD, NULL));
}

static void the_group_serves_who_asks_for_it(void **state)
{
	const char *reason = "not set";
	struct barlease_device *dev;

	dev = open_by(state, BARLEASE_BY_GROUP, &reason);
	assert_int_equal(barlease_device_way(dev), BARLEASE_BY_GROUP);
	assert_null(reason);
	barlease_device_close(dev);

	vfio_fake.not_viable = true;
	assert_fails(state, BARLEASE_BY_GROUP, -EPERM, NULL);
}

static void an_unknown_way_is_einval(void **state)
{
	assert_fails(state, 3, -EINVAL, NULL);
}

static void a_kernel_without_device_files_falls_back(void **state)
{
	tree_remove(*state, VFIO_DEV "/vfio3/dev");
	assert_falls_back(state, -ENOTSUP, "CONFIG_VFIO_DEVICE_CDEV");
}

static void a_device_number_that_is_none_falls_back(void **state)
{
	tree_file(*state, VFIO_DEV "/vfio3/dev", "nonsense\n");
	assert_falls_back(state, -ENOTSUP, "CONFIG_VFIO_DEVICE_CDEV");
}

static void a_function_without_a_vfio_device_is_enodev(void **state)
{
	tree_remove(*state, VFIO_DEV "/vfio3/dev");
	tree_remove(*state, VFIO_DEV "/vfio3");
	assert_fails(state, BARLEASE_BY_IOMMUFD, -ENODEV, "VFIO driver");
	tree_remove(*state, VFIO_DEV);
	assert_fails(state, BARLEASE_BY_IOMMUFD, -ENODEV, "VFIO driver");
	tree_remove(*state, "dev/vfio/7");
	assert_fails(state, BARLEASE_ANY_WAY, -ENODEV, "VFIO driver");
}

static void a_missing_device_file_falls_back(void **state)
{
	tree_remove(*state, NODE);
	assert_falls_back(state, -ENOTSUP, "is missing");
}

static void the_device_file_of_another_device_is_not_used(void **state)
{
	tree_remove(*state, NODE);
	tree_link(*state, NODE, "/dev/zero");
	assert_falls_back(state, -ENOTSUP, "another device");
	/* Not even when the number fits, where it is no character device. */
	tree_remove(*state, NODE);
	tree_file(*state, NODE, "");
	tree_file(*state, VFIO_DEV "/vfio3/dev", "0:0\n");
	assert_falls_back(state, -ENOTSUP, "another device");
}

static void a_missing_dev_iommu_falls_back(void **state)
{
	tree_remove(*state, "dev/iommu");
	assert_falls_back(state, -ENOTSUP, "/dev/iommu");
}

static void a_dev_iommu_that_is_no_iommufd_falls_back(void **state)
{
	vfio_fake.bind_errno = EBADFD;
	assert_falls_back(state, -ENOTSUP, "/dev/iommu");
}

static void interrupts_that_are_not_isolated_fall_back(void **state)
{
	vfio_fake.bind_errno = EPERM;
	assert_falls_back(state, -EPERM, "not isolated");
}

static void a_missing_token_is_enokey_and_a_wrong_one_is_told(void **state)
{
	vfio_fake.bind_errno = EACCES;
	vfio_fake.get_device_errno = EACCES;
	assert_fails(state, BARLEASE_BY_IOMMUFD, -ENOKEY, "asks for a VF");
	assert_fails(state, BARLEASE_ANY_WAY, -ENOKEY, "asks for a VF");
	token = TOKEN;
	assert_fails(state, BARLEASE_BY_IOMMUFD, -EKEYREJECTED, "is not the");
	assert_fails(state, BARLEASE_ANY_WAY, -EKEYREJECTED, "is not the");
}

static void a_token_is_passed_on_as_its_bytes(void **state)
{
	token = TOKEN;
	barlease_device_close(open_by(state, BARLEASE_BY_IOMMUFD, NULL));
	assert_true(vfio_fake.bind_token_given);
	assert_memory_equal(vfio_fake.bind_token,
			    "\x00\x11\x22\x33\x44\x55\x66\x77"
			    "\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
			    16);
	/* Older kernels do not know it, and take it by the group alone. */
	vfio_fake.bind_errno = EINVAL;
	assert_falls_back(state, -EINVAL, "takes no VF token");
	assert_string_equal(vfio_fake.device_name, BDF " vf_token=" TOKEN);
	/* In use all the same. */
	vfio_fake.status_errno = EBUSY;
	assert_fails(state, BARLEASE_BY_IOMMUFD, -EBUSY, "in use");
}

/* Bound by somebody else is EINVAL, a group that is open is EBUSY. */
static void a_device_in_use_is_ebusy(void **state)
{
	vfio_fake.status_errno = EBUSY;
	vfio_fake.bind_errno = EINVAL;
	assert_fails(state, BARLEASE_BY_IOMMUFD, -EBUSY, "in use");
	assert_fails(state, BARLEASE_ANY_WAY, -EBUSY, "in use");
	vfio_fake.bind_errno = EBUSY;
	assert_fails(state, BARLEASE_BY_IOMMUFD, -EBUSY, "in use");
	assert_fails(state, BARLEASE_ANY_WAY, -EBUSY, "in use");
	/* So is the DMA of a group that another iommufd has. */
	vfio_fake.bind_errno = EPERM;
	assert_fails(state, BARLEASE_BY_IOMMUFD, -EBUSY, "in use");
	assert_fails(state, BARLEASE_ANY_WAY, -EBUSY, "in use");
}

static void a_device_in_use_is_ebusy_without_groups(void **state)
{
	tree_remove(*state, "dev/vfio/7");
	tree_remove(*state, "dev/vfio/vfio");
	vfio_fake.bind_errno = EINVAL;
	assert_fails(state, BARLEASE_BY_IOMMUFD, -EBUSY, "in use");
	assert_fails(state, BARLEASE_ANY_WAY, -EBUSY, "in use");
}

static void a_group_that_is_not_viable_is_eperm(void **state)
{
	vfio_fake.not_viable = true;
	vfio_fake.bind_errno = EPERM;
	assert_fails(state, BARLEASE_BY_IOMMUFD, -EPERM, "in use");
	assert_fails(state, BARLEASE_ANY_WAY, -EPERM, "in use");
}

static void other_errors_are_passed_on(void **state)
{
	vfio_fake.bind_errno = ENOMEM;
	assert_falls_back(state, -ENOMEM, NULL);
	vfio_fake.bind_errno = 0;
	vfio_fake.ioas_alloc_errno = ENOMEM;
	assert_falls_back(state, -ENOMEM, NULL);
	vfio_fake.ioas_alloc_errno = 0;
	vfio_fake.attach_errno = ENOSPC;
	assert_falls_back(state, -ENOSPC, NULL);
}

/* What the group answers counts, unless it is that there are no groups. */
static void when_no_way_works_the_better_answer_is_given(void **state)
{
	tree_remove(*state, "dev/iommu");
	vfio_fake.no_type1 = true;
	assert_fails(state, BARLEASE_ANY_WAY, -ENOTSUP, "/dev/iommu");
	vfio_fake.no_type1 = false;
	vfio_fake.not_viable = true;
	assert_fails(state, BARLEASE_ANY_WAY, -EPERM, "/dev/iommu");
	tree_remove(*state, "dev/vfio/7");
	assert_fails(state, BARLEASE_ANY_WAY, -ENOTSUP, "/dev/iommu");
}

static void the_device_file_is_found_in_sysfs(void **state)
{
	struct barlease_paths paths = vfio_fake_paths(state);
	struct cdev cdev;

	/* "vfio-dev" is not where other names belong, but they do no harm. */
	tree_folder(*state, VFIO_DEV "/power");
	tree_folder(*state, VFIO_DEV "/vfio");
	tree_folder(*state, VFIO_DEV "/vfio1234567890123456789");
	tree_folder(*state, VFIO_DEV "/vfio3x");
	assert_int_equal(cdev_find(paths.sysfs, BDF, &cdev), 0);
	assert_string_equal(cdev.name, "vfio3");
	assert_true(cdev.number == makedev(1, 3));
	tree_file(*state, VFIO_DEV "/vfio3/dev", "511:4000000000\n");
	assert_int_equal(cdev_find(paths.sysfs, BDF, &cdev), 0);
	assert_true(cdev.number == makedev(511, 4000000000u));
	assert_int_equal(cdev_find(paths.sysfs, "0000:00:05.0", &cdev),
			 -ENODEV);
}

#define iommufd_test(function)                                   \
	cmocka_unit_test_setup_teardown(function, iommufd_setup, \
					vfio_fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		iommufd_test(iommufd_is_preferred_and_closes_its_fds),
		iommufd_test(the_group_serves_who_asks_for_it),
		iommufd_test(an_unknown_way_is_einval),
		iommufd_test(a_kernel_without_device_files_falls_back),
		iommufd_test(a_device_number_that_is_none_falls_back),
		iommufd_test(a_function_without_a_vfio_device_is_enodev),
		iommufd_test(a_missing_device_file_falls_back),
		iommufd_test(the_device_file_of_another_device_is_not_used),
		iommufd_test(a_missing_dev_iommu_falls_back),
		iommufd_test(a_dev_iommu_that_is_no_iommufd_falls_back),
		iommufd_test(interrupts_that_are_not_isolated_fall_back),
		iommufd_test(a_missing_token_is_enokey_and_a_wrong_one_is_told),
		iommufd_test(a_token_is_passed_on_as_its_bytes),
		iommufd_test(a_device_in_use_is_ebusy),
		iommufd_test(a_device_in_use_is_ebusy_without_groups),
		iommufd_test(a_group_that_is_not_viable_is_eperm),
		iommufd_test(other_errors_are_passed_on),
		iommufd_test(when_no_way_works_the_better_answer_is_given),
		iommufd_test(the_device_file_is_found_in_sysfs),
	};

	return cmocka_run_group_tests_name("device iommufd", tests, NULL, NULL);
}
