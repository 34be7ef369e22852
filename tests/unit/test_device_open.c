// SPDX-License-Identifier: MIT
#include "vfio_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The call fails so, and leaves no fd behind. */
static void assert_open_fails(void **state, const char *bdf, int err)
{
	struct barlease_paths paths = vfio_fake_paths(state);
	struct barlease_device *dev = NULL;
	unsigned int before = fd_count();

	assert_int_equal(barlease_device_open_at(&paths, bdf, BARLEASE_ANY_WAY,
						 NULL, &dev, NULL),
			 err);
	assert_null(dev);
	assert_int_equal(fd_count(), before);
}

static void a_device_opens_and_closes_all_of_its_fds(void **state)
{
	unsigned int before = fd_count();
	struct barlease_device *dev = vfio_fake_open(state);

	assert_int_equal(fd_count(), before + 3);
	assert_string_equal(barlease_device_bdf(dev), "0000:00:04.0");
	assert_int_equal(barlease_device_fd(dev), vfio_fake.device_fd);
	assert_int_equal(barlease_device_way(dev), BARLEASE_BY_GROUP);
	assert_int_equal(barlease_device_ioas(dev), 0);
	barlease_device_close(dev);
	assert_int_equal(fd_count(), before);
}

static void a_device_is_asked_for_by_its_address(void **state)
{
	struct barlease_device *dev = vfio_fake_open(state);

	assert_string_equal(vfio_fake.device_name, "0000:00:04.0");
	barlease_device_close(dev);
}

#define TOKEN "14e46a3d-8d1c-4b23-9c61-2f3a5d7cBA9E"

static int open_with_token(void **state, const char *vf_token)
{
	struct barlease_paths paths = vfio_fake_paths(state);
	struct barlease_device *dev = NULL;
	int err;

	err = barlease_device_open_at(&paths, "00:04.0", BARLEASE_ANY_WAY,
				      vf_token, &dev, NULL);
	if (err)
		assert_null(dev);
	barlease_device_close(dev);
	return err;
}

static void a_token_is_passed_on(void **state)
{
	assert_int_equal(open_with_token(state, TOKEN), 0);
	assert_string_equal(vfio_fake.device_name,
			    "0000:00:04.0 vf_token=" TOKEN);
}

static void a_token_that_is_no_uuid_is_einval(void **state)
{
	assert_int_equal(open_with_token(state, ""), -EINVAL);
	assert_int_equal(open_with_token(state, TOKEN "0"), -EINVAL);
	assert_int_equal(open_with_token(state, TOKEN " "), -EINVAL);
	assert_int_equal(open_with_token(state, "14e46a3d-8d1c-4b23-9c61-"
						"2f3a5d7cba9g"),
			 -EINVAL);
	assert_int_equal(open_with_token(state, "14e46a3d08d1c-4b23-9c61-"
						"2f3a5d7cba9e"),
			 -EINVAL);
	assert_string_equal(vfio_fake.device_name, "");
}

static void a_missing_token_and_a_wrong_one_are_told_apart(void **state)
{
	vfio_fake.get_device_errno = EACCES;
	assert_int_equal(open_with_token(state, NULL), -ENOKEY);
	assert_int_equal(open_with_token(state, TOKEN), -EKEYREJECTED);
}

static void no_fd_survives_exec(void **state)
{
	struct barlease_device *dev = vfio_fake_open(state);

	assert_int_equal(fcntl(dev->fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(dev->group_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(dev->iommu_fd, F_GETFD), FD_CLOEXEC);
	barlease_device_close(dev);
}

static void closing_no_device_is_harmless(void **state)
{
	(void)state;
	barlease_device_close(NULL);
}

static void a_bad_address_is_einval(void **state)
{
	assert_open_fails(state, "0000:00:04", -EINVAL);
	assert_open_fails(state, "../../etc", -EINVAL);
}

static void a_function_that_is_not_there_is_enodev(void **state)
{
	assert_open_fails(state, "0000:00:05.0", -ENODEV);
}

static void a_function_without_a_group_is_enxio(void **state)
{
	tree_folder(*state, "sys/bus/pci/devices/0000:00:05.0");
	assert_open_fails(state, "0000:00:05.0", -ENXIO);
}

static void a_group_that_is_no_number_is_enxio(void **state)
{
	tree_link(*state, "sys/bus/pci/devices/0000:00:05.0/iommu_group",
		  "../../../x/..");
	assert_open_fails(state, "0000:00:05.0", -ENXIO);
}

static void a_function_without_a_vfio_driver_is_enodev(void **state)
{
	tree_remove(*state, "dev/vfio/7");
	assert_open_fails(state, "00:04.0", -ENODEV);
}

static void a_group_that_is_no_vfio_group_is_enodev(void **state)
{
	vfio_fake.status_errno = ENOTTY;
	assert_open_fails(state, "00:04.0", -ENODEV);
}

static void a_group_that_is_not_viable_is_eperm(void **state)
{
	vfio_fake.not_viable = true;
	assert_open_fails(state, "00:04.0", -EPERM);
}

static void a_group_that_stops_being_viable_is_eperm(void **state)
{
	vfio_fake.set_container_errno = EBUSY;
	assert_open_fails(state, "00:04.0", -EPERM);
}

static void a_kernel_without_vfio_containers_is_enotsup(void **state)
{
	tree_remove(*state, "dev/vfio/vfio");
	assert_open_fails(state, "00:04.0", -ENOTSUP);
}

static void a_kernel_without_type1_is_enotsup(void **state)
{
	vfio_fake.no_type1 = true;
	assert_open_fails(state, "00:04.0", -ENOTSUP);
}

static void a_type1_that_serves_nothing_is_enotsup(void **state)
{
	vfio_fake.set_iommu_errno = ENODEV;
	assert_open_fails(state, "00:04.0", -ENOTSUP);
}

static void another_function_of_the_group_is_enodev(void **state)
{
	vfio_fake.get_device_errno = ENODEV;
	assert_open_fails(state, "00:04.0", -ENODEV);
}

static void other_errors_are_passed_on(void **state)
{
	vfio_fake.get_device_errno = EMFILE;
	assert_open_fails(state, "00:04.0", -EMFILE);
	vfio_fake.get_device_errno = 0;
	vfio_fake.set_iommu_errno = ENOMEM;
	assert_open_fails(state, "00:04.0", -ENOMEM);
}

#define open_test(function)                                        \
	cmocka_unit_test_setup_teardown(function, vfio_fake_setup, \
					vfio_fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		open_test(a_device_opens_and_closes_all_of_its_fds),
		open_test(a_device_is_asked_for_by_its_address),
		open_test(a_token_is_passed_on),
		open_test(a_token_that_is_no_uuid_is_einval),
		open_test(a_missing_token_and_a_wrong_one_are_told_apart),
		open_test(no_fd_survives_exec),
		open_test(closing_no_device_is_harmless),
		open_test(a_bad_address_is_einval),
		open_test(a_function_that_is_not_there_is_enodev),
		open_test(a_function_without_a_group_is_enxio),
		open_test(a_group_that_is_no_number_is_enxio),
		open_test(a_function_without_a_vfio_driver_is_enodev),
		open_test(a_group_that_is_no_vfio_group_is_enodev),
		open_test(a_group_that_is_not_viable_is_eperm),
		open_test(a_group_that_stops_being_viable_is_eperm),
		open_test(a_kernel_without_vfio_containers_is_enotsup),
		open_test(a_kernel_without_type1_is_enotsup),
		open_test(a_type1_that_serves_nothing_is_enotsup),
		open_test(another_function_of_the_group_is_enodev),
		open_test(other_errors_are_passed_on),
	};

	return cmocka_run_group_tests_name("device open", tests, NULL, NULL);
}
