// SPDX-License-Identifier: MIT
#include "kernel_fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "function.h"

#define BDF KERNEL_FAKE_BDF
#define DIR KERNEL_FAKE_DIR

struct kernel_fake kernel_fake;

static struct tree *kernel_tree;

int __real_attribute_write(const char *path, const char *value);
int __wrap_attribute_write(const char *path, const char *value);

void kernel_fake_driver(const char *driver)
{
	char path[PATH_MAX];
	char target[128];

	snprintf(path, sizeof(path), "%s/" DIR "driver", kernel_tree->root);
	unlink(path);
	snprintf(target, sizeof(target), "%s/" DIR "vfio-dev",
		 kernel_tree->root);
	rmdir(target);
	if (!driver || (kernel_fake.refused_driver &&
			!strcmp(driver, kernel_fake.refused_driver)))
		return;
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	assert_int_equal(symlink(target, path), 0);
	if (strstr(driver, "vfio"))
		tree_folder(kernel_tree, DIR "vfio-dev");
}

int __wrap_attribute_write(const char *path, const char *value)
{
	char override[DRIVER_NAME_MAX];
	char file[PATH_MAX];
	char driver[64];

	kernel_fake.writes++;
	if (kernel_fake.failing_file && strstr(path, kernel_fake.failing_file))
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
		kernel_fake_driver(strcmp(override, "(null)") ? override
							      : "default");
		return 0;
	}
	assert_int_equal(sscanf(strstr(path, "/drivers/"), "/drivers/%63[^/]/",
				driver),
			 1);
	if (strstr(path, "/unbind")) {
		kernel_fake_assert_driver(driver);
		kernel_fake_driver(NULL);
	} else {
		/* The kernel binds no second one. */
		kernel_fake_assert_driver("");
		kernel_fake_driver(driver);
	}
	return 0;
}

int kernel_fake_setup(void **state)
{
	memset(&kernel_fake, 0, sizeof(kernel_fake));
	if (tree_setup(state))
		return -1;
	kernel_tree = *state;
	tree_file(*state, DIR "driver_override", "(null)\n");
	tree_file(*state, DIR "vendor", "0x1af4\n");
	tree_file(*state, DIR "device", "0x1110\n");
	tree_file(*state, DIR "class", "0x050000\n");
	tree_file(*state, DIR "resource", "");
	kernel_fake_driver("nvme");
	return 0;
}

struct machine kernel_fake_machine(void)
{
	static char etc[80], command[96];

	snprintf(etc, sizeof(etc), "%s/etc", kernel_tree->root);
	snprintf(command, sizeof(command), "%s/usr/bin/barlease",
		 kernel_tree->root);
	return (struct machine){
		.sysfs = kernel_tree->sysfs,
		.proc = kernel_tree->proc,
		.dev = kernel_tree->dev,
		.run = kernel_tree->run,
		.etc = etc,
		.command = command,
	};
}

void kernel_fake_assert_driver(const char *expected)
{
	struct machine machine = kernel_fake_machine();
	struct function function;

	assert_int_equal(function_read(&machine, BDF, &function), 0);
	assert_string_equal(function.driver, expected);
}
