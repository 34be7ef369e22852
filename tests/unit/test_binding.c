// SPDX-License-Identifier: MIT
/*
 * Binding and unbinding, with a kernel that the test plays: what the command
 * writes to sysfs comes here, and the "driver" link is put up and taken down
 * as the kernel would.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "binding.h"

#define BDF "0000:00:04.0"
/* Four of them are a name that is too long. */
#define A16 "aaaaaaaaaaaaaaaa"
#define DIR "sys/bus/pci/devices/" BDF "/"

static struct tree *kernel_tree;
static const char *refused_driver; /* does not bind */
static const char *failing_file; /* a write to it is EIO */

int __real_attribute_write(const char *path, const char *value);
int __wrap_attribute_write(const char *path, const char *value);

static void driver_set(const char *driver)
{
	char path[PATH_MAX];
	char target[128];

	snprintf(path, sizeof(path), "%s/" DIR "driver", kernel_tree->root);
	unlink(path);
	if (!driver || (refused_driver && !strcmp(driver, refused_driver)))
		return;
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	assert_int_equal(symlink(target, path), 0);
}

int __wrap_attribute_write(const char *path, const char *value)
{
	char override[DRIVER_NAME_MAX];
	char file[PATH_MAX];
	char driver[64];

	if (failing_file && strstr(path, failing_file))
		return -EIO;
	if (strstr(path, "/driver_override"))
		return __real_attribute_write(
			path, strcmp(value, "\n") ? value : "(null)");

	assert_string_equal(value, BDF);
	if (strstr(path, "/drivers_probe")) {
		snprintf(file, sizeof(file), "%s/" DIR "driver_override",
			 kernel_tree->root);
		assert_int_equal(
			attribute_read(file, override, sizeof(override)), 0);
		driver_set(strcmp(override, "(null)") ? override : "default");
		return 0;
	}
	assert_int_equal(sscanf(strstr(path, "/drivers/"), "/drivers/%63[^/]/",
				driver),
			 1);
	if (strstr(path, "/unbind"))
		driver_set(NULL);
	else
		driver_set(driver);
	return 0;
}

static int binding_setup(void **state)
{
	refused_driver = NULL;
	failing_file = NULL;
	if (tree_setup(state))
		return -1;
	kernel_tree = *state;
	tree_file(*state, DIR "driver_override", "(null)\n");
	tree_file(*state, DIR "vendor", "0x1af4\n");
	tree_file(*state, DIR "device", "0x1110\n");
	tree_file(*state, DIR "class", "0x050000\n");
	tree_file(*state, DIR "resource", "");
	driver_set("nvme");
	return 0;
}

static struct machine tree_machine(void **state)
{
	const struct tree *tree = *state;

	return (struct machine){
		.sysfs = tree->sysfs,
		.proc = tree->proc,
		.dev = tree->dev,
		.run = tree->run,
	};
}

static void assert_driver(void **state, const char *expected)
{
	struct machine machine = tree_machine(state);
	struct function function;

	assert_int_equal(function_read(&machine, BDF, &function), 0);
	assert_string_equal(function.driver, expected);
}

static int change(void **state, const char *driver, const char **step)
{
	struct machine machine = tree_machine(state);
	struct function function;
	struct former former;

	assert_int_equal(function_read(&machine, BDF, &function), 0);
	assert_int_equal(binding_former(&machine, &function, &former), 0);
	return binding_change(&machine, BDF, driver, &former, step);
}

static int restore(void **state, const struct former *former)
{
	struct machine machine = tree_machine(state);
	struct function function;
	const char *step;

	assert_int_equal(function_read(&machine, BDF, &function), 0);
	return binding_restore(&machine, &function, former, &step);
}

static void a_change_sets_override_and_driver(void **state)
{
	const char *step;

	assert_int_equal(change(state, "barlease-vfio-pci", &step), 0);
	assert_driver(state, "barlease-vfio-pci");
	tree_assert_content(*state, DIR "driver_override", "barlease-vfio-pci");
}

static void a_function_without_a_driver_can_be_bound(void **state)
{
	const char *step;

	driver_set(NULL);
	assert_int_equal(change(state, "barlease-vfio-pci", &step), 0);
	assert_driver(state, "barlease-vfio-pci");
}

static void a_driver_that_refuses_puts_everything_back(void **state)
{
	const char *step;

	refused_driver = "barlease-vfio-pci";
	assert_int_equal(change(state, "barlease-vfio-pci", &step), -ENODEV);
	assert_string_equal(step, "binding the new driver");
	assert_driver(state, "nvme");
	tree_assert_content(*state, DIR "driver_override", "(null)");
}

static void a_former_override_is_put_back(void **state)
{
	const char *step;

	tree_file(*state, DIR "driver_override", "nvme\n");
	refused_driver = "barlease-vfio-pci";
	assert_int_equal(change(state, "barlease-vfio-pci", &step), -ENODEV);
	tree_assert_content(*state, DIR "driver_override", "nvme");
}

static void a_driver_that_stays_keeps_its_override(void **state)
{
	const char *step;

	failing_file = "/unbind";
	assert_int_equal(change(state, "barlease-vfio-pci", &step), -EIO);
	assert_string_equal(step, "unbinding the former driver");
	assert_driver(state, "nvme");
	tree_assert_content(*state, DIR "driver_override", "(null)");
}

static void an_override_that_fails_changes_nothing(void **state)
{
	const char *step;

	failing_file = "/driver_override";
	assert_int_equal(change(state, "barlease-vfio-pci", &step), -EIO);
	assert_string_equal(step, "setting driver_override");
	assert_driver(state, "nvme");
}

static void restoring_brings_driver_and_override_back(void **state)
{
	struct former former = { .driver = "nvme", .override = "nvme" };
	const char *step;

	assert_int_equal(change(state, "barlease-vfio-pci", &step), 0);
	assert_int_equal(restore(state, &former), 0);
	assert_driver(state, "nvme");
	tree_assert_content(*state, DIR "driver_override", "nvme");
}

static void restoring_no_driver_leaves_none(void **state)
{
	struct former former = { 0 };
	const char *step;

	assert_int_equal(change(state, "barlease-vfio-pci", &step), 0);
	assert_int_equal(restore(state, &former), 0);
	assert_driver(state, "");
	tree_assert_content(*state, DIR "driver_override", "(null)");
}

static void restoring_the_unknown_lets_the_kernel_choose(void **state)
{
	const char *step;

	assert_int_equal(change(state, "barlease-vfio-pci", &step), 0);
	assert_int_equal(restore(state, NULL), 0);
	assert_driver(state, "default");
}

static void what_was_saved_is_loaded(void **state)
{
	struct former saved = { .driver = "nvme", .override = "x-y_z9" };
	struct machine machine = tree_machine(state);
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

static void no_driver_is_saved_as_none(void **state)
{
	struct machine machine = tree_machine(state);
	struct former saved = { 0 }, loaded;

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
	struct machine machine = tree_machine(state);
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

#define binding_test(function) \
	cmocka_unit_test_setup_teardown(function, binding_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		binding_test(a_change_sets_override_and_driver),
		binding_test(a_function_without_a_driver_can_be_bound),
		binding_test(a_driver_that_refuses_puts_everything_back),
		binding_test(a_former_override_is_put_back),
		binding_test(a_driver_that_stays_keeps_its_override),
		binding_test(an_override_that_fails_changes_nothing),
		binding_test(restoring_brings_driver_and_override_back),
		binding_test(restoring_no_driver_leaves_none),
		binding_test(restoring_the_unknown_lets_the_kernel_choose),
		binding_test(what_was_saved_is_loaded),
		binding_test(no_driver_is_saved_as_none),
		binding_test(what_nobody_saved_is_refused),
		binding_test(driver_names_are_plain_words),
	};

	return cmocka_run_group_tests_name("binding", tests, NULL, NULL);
}
