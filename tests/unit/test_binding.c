// SPDX-License-Identifier: MIT
/* Binding and unbinding, with a kernel that the test plays. */
#include "kernel_fake.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "binding.h"

#define BDF KERNEL_FAKE_BDF
#define DIR KERNEL_FAKE_DIR
/* Four of them are a name that is too long. */
#define A16 "aaaaaaaaaaaaaaaa"

static int change(const char *driver, const char **step)
{
	struct machine machine = kernel_fake_machine();
	struct function function;
	struct former former;

	assert_int_equal(function_read(&machine, BDF, &function), 0);
	assert_int_equal(binding_former(&machine, &function, &former), 0);
	return binding_change(&machine, BDF, driver, &former, step);
}

static int restore(const struct former *former)
{
	struct machine machine = kernel_fake_machine();
	struct function function;
	const char *step;

	assert_int_equal(function_read(&machine, BDF, &function), 0);
	return binding_restore(&machine, &function, former, &step);
}

static void a_change_sets_override_and_driver(void **state)
{
	const char *step;

	assert_int_equal(change("barlease-vfio-pci", &step), 0);
	kernel_fake_assert_driver("barlease-vfio-pci");
	tree_assert_content(*state, DIR "driver_override", "barlease-vfio-pci");
}

static void a_function_without_a_driver_can_be_bound(void **state)
{
	const char *step;

	(void)state;
	kernel_fake_driver(NULL);
	assert_int_equal(change("barlease-vfio-pci", &step), 0);
	kernel_fake_assert_driver("barlease-vfio-pci");
}

static void a_driver_that_refuses_puts_everything_back(void **state)
{
	const char *step;

	kernel_fake.refused_driver = "barlease-vfio-pci";
	assert_int_equal(change("barlease-vfio-pci", &step), -ENODEV);
	assert_string_equal(step, "binding the new driver");
	kernel_fake_assert_driver("nvme");
	tree_assert_content(*state, DIR "driver_override", "(null)");
}

static void a_driver_that_is_not_vfios_puts_everything_back(void **state)
{
	const char *step;

	assert_int_equal(change("e1000e", &step), -EPROTONOSUPPORT);
	kernel_fake_assert_driver("nvme");
	tree_assert_content(*state, DIR "driver_override", "(null)");
}

static void a_former_override_is_put_back(void **state)
{
	const char *step;

	tree_file(*state, DIR "driver_override", "nvme\n");
	kernel_fake.refused_driver = "barlease-vfio-pci";
	assert_int_equal(change("barlease-vfio-pci", &step), -ENODEV);
	tree_assert_content(*state, DIR "driver_override", "nvme");
}

static void a_driver_that_stays_keeps_its_override(void **state)
{
	const char *step;

	kernel_fake.failing_file = "/unbind";
	assert_int_equal(change("barlease-vfio-pci", &step), -EIO);
	assert_string_equal(step, "unbinding the former driver");
	kernel_fake_assert_driver("nvme");
	tree_assert_content(*state, DIR "driver_override", "(null)");
}

static void an_override_that_fails_changes_nothing(void **state)
{
	const char *step;

	(void)state;
	kernel_fake.failing_file = "/driver_override";
	assert_int_equal(change("barlease-vfio-pci", &step), -EIO);
	assert_string_equal(step, "setting driver_override");
	kernel_fake_assert_driver("nvme");
}

static void restoring_brings_driver_and_override_back(void **state)
{
	struct former former = { .driver = "nvme", .override = "nvme" };
	const char *step;

	assert_int_equal(change("barlease-vfio-pci", &step), 0);
	assert_int_equal(restore(&former), 0);
	kernel_fake_assert_driver("nvme");
	tree_assert_content(*state, DIR "driver_override", "nvme");
}

static void restoring_no_driver_leaves_none(void **state)
{
	struct former former = { 0 };
	const char *step;

	assert_int_equal(change("barlease-vfio-pci", &step), 0);
	assert_int_equal(restore(&former), 0);
	kernel_fake_assert_driver("");
	tree_assert_content(*state, DIR "driver_override", "(null)");
}

static void restoring_the_unknown_lets_the_kernel_choose(void **state)
{
	const char *step;

	(void)state;
	assert_int_equal(change("barlease-vfio-pci", &step), 0);
	assert_int_equal(restore(NULL), 0);
	kernel_fake_assert_driver("default");
}

static void what_was_saved_is_loaded(void **state)
{
	struct former saved = { .driver = "nvme", .override = "x-y_z9" };
	struct machine machine = kernel_fake_machine();
	struct former loaded;

	assert_int_equal(former_save(&machine, BDF, &saved), 0);
	tree_assert_content(*state, "run/barlease/" BDF,
			    "driver=nvme\noverride=x-y_z9\n");
	assert_int_equal(former_load(&machine, BDF, &loaded), 0);
	assert_string_equal(loaded.driver, "nvme");
	assert_string_equal(loaded.override, "x-y_z9");
	former_forget(&machine, BDF);
	assert_int_equal(former_load(&machine, BDF, &loaded), -ENOENT);
}

static void what_is_saved_in_part_is_not_saved(void **state)
{
	const struct rlimit room = { 5, RLIM_INFINITY };
	struct former saved = { .driver = "nvme" }, loaded;
	struct machine machine = kernel_fake_machine();
	struct rlimit before;
	int err;

	(void)state;
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &room);
	err = former_save(&machine, BDF, &saved);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(err, -EFBIG);
	assert_int_equal(former_load(&machine, BDF, &loaded), -ENOENT);
}

static void no_driver_is_saved_as_none(void **state)
{
	struct machine machine = kernel_fake_machine();
	struct former saved = { 0 }, loaded;

	(void)state;
	assert_int_equal(former_save(&machine, BDF, &saved), 0);
	assert_int_equal(former_load(&machine, BDF, &loaded), 0);
	assert_string_equal(loaded.driver, "");
	assert_string_equal(loaded.override, "");
}

static void what_nobody_saved_is_refused(void **state)
{
	static const char *const contents[] = {
		"",
		"nvme\n",
		"driver=nvme\n",
		"override=\ndriver=\n",
		"driver=../../../etc\noverride=\n",
		"driver=a/b\noverride=\n",
		"driver=nvme\noverride=\nmore\n",
		"driver=" A16 A16 A16 A16 "\noverride=\n",
		"driver=\noverride=" A16 A16 A16 A16 A16 "\n",
	};
	struct machine machine = kernel_fake_machine();
	struct former loaded;

	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		tree_file(*state, "run/barlease/" BDF, contents[i]);
		assert_int_equal(former_load(&machine, BDF, &loaded), -EINVAL);
	}
}

static void driver_names_are_plain_words(void **state)
{
	(void)state;
	assert_true(driver_name_valid("barlease-vfio-pci"));
	assert_true(driver_name_valid("vfio_pci2"));
	assert_false(driver_name_valid(""));
	assert_false(driver_name_valid("-r"));
	assert_false(driver_name_valid("a/b"));
	assert_false(driver_name_valid(".."));
	assert_false(driver_name_valid("a b"));
	assert_false(driver_name_valid("a\n"));
	assert_false(driver_name_valid(
		"0123456789012345678901234567890123456789012345678901234567890"
		"123"));
}

#define binding_test(function)                                       \
	cmocka_unit_test_setup_teardown(function, kernel_fake_setup, \
					tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		binding_test(a_change_sets_override_and_driver),
		binding_test(a_function_without_a_driver_can_be_bound),
		binding_test(a_driver_that_refuses_puts_everything_back),
		binding_test(a_driver_that_is_not_vfios_puts_everything_back),
		binding_test(a_former_override_is_put_back),
		binding_test(a_driver_that_stays_keeps_its_override),
		binding_test(an_override_that_fails_changes_nothing),
		binding_test(restoring_brings_driver_and_override_back),
		binding_test(restoring_no_driver_leaves_none),
		binding_test(restoring_the_unknown_lets_the_kernel_choose),
		binding_test(what_was_saved_is_loaded),
		binding_test(what_is_saved_in_part_is_not_saved),
		binding_test(no_driver_is_saved_as_none),
		binding_test(what_nobody_saved_is_refused),
		binding_test(driver_names_are_plain_words),
	};

	return cmocka_run_group_tests_name("binding", tests, NULL, NULL);
}
