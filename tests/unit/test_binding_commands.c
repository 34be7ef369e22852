// SPDX-License-Identifier: MIT
/* "bind" and "unbind" as a whole, as root, with a kernel that the test plays. */
#include "kernel_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

#define BDF KERNEL_FAKE_BDF
#define DIR KERNEL_FAKE_DIR
#define STATE "run/barlease/" BDF
#define RUN(command, ...) \
	run(&(command), (const char *const[]){ __VA_ARGS__, NULL })

/* The commands' machine is that of the test: this is linked first. */
extern struct machine test_machine __asm__("this_machine");
struct machine test_machine;

/* The linker sends them here, too. */
uid_t __wrap_geteuid(void);
int __wrap_driver_load(const char *name);

static struct tree *tree;
static const char *loadable_driver; /* modprobe finds it */
static char said[4096]; /* on stderr by the last command */

uid_t __wrap_geteuid(void)
{
	return 0;
}

static void driver_make(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", name);
	tree_folder(tree, path);
}

int __wrap_driver_load(const char *name)
{
	if (!loadable_driver || strcmp(name, loadable_driver))
		return -ENOENT;
	driver_make(name);
	return 0;
}

static int commands_setup(void **state)
{
	loadable_driver = NULL;
	if (kernel_fake_setup(state))
		return -1;
	tree = *state;
	test_machine = kernel_fake_machine();
	tree_link(tree, DIR "iommu_group", "../../../kernel/iommu_groups/7");
	tree_folder(tree, "sys/kernel/iommu_groups/7/devices/" BDF);
	tree_file(tree, "proc/self/mountinfo", "");
	driver_make("nvme");
	driver_make("barlease-vfio-pci");
	return 0;
}

/* Run a command here, and keep what it says. */
static int run(const struct command *command, const char *const *arguments)
{
	char *argv[16] = { (char *)(uintptr_t)command->name };
	char path[PATH_MAX];
	int stderr_fd = dup(STDERR_FILENO);
	int argc = 1;
	int status;
	size_t length;
	FILE *file;

	for (; arguments[argc - 1]; argc++) {
		assert_true(argc < 15);
		argv[argc] = strdup(arguments[argc - 1]);
	}
	snprintf(path, sizeof(path), "%s/stderr", tree->root);
	file = fopen(path, "w+e");
	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	status = command->run(argc, argv);
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	rewind(file);
	length = fread(said, 1, sizeof(said) - 1, file);
	said[length] = '\0';
	fclose(file);
	while (argc-- > 1)
		free(argv[argc]);
	return status;
}

static bool is_remembered(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" STATE, tree->root);
	return access(path, F_OK) == 0;
}

static void bind_and_unbind_are_inverse(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, BDF), STATUS_OK);
	kernel_fake_assert_driver("barlease-vfio-pci");
	assert_true(is_remembered());
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
	assert_false(is_remembered());
}

static void a_driver_that_is_not_vfios_is_undone_and_named(void **state)
{
	(void)state;
	driver_make("e1000e");
	assert_int_equal(RUN(command_bind, "--driver", "e1000e", BDF),
			 STATUS_FAILED);
	assert_contains(said, "e1000e is not a VFIO driver");
	assert_contains(said, "was put back to nvme");
	kernel_fake_assert_driver("nvme");
	assert_false(is_remembered());
}

static void the_driver_it_has_must_be_vfios_too(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, "--driver", "nvme", BDF),
			 STATUS_FAILED);
	assert_contains(said, "not a VFIO driver");
}

static void without_the_module_it_says_how_to_install_it(void **state)
{
	(void)state;
	tree_remove(tree, "sys/bus/pci/drivers/barlease-vfio-pci");
	assert_int_equal(RUN(command_bind, BDF), STATUS_FAILED);
	assert_contains(said, "sudo make -C kmod modules_install && "
			      "sudo depmod");
	assert_contains(said, "bind again");
	assert_int_equal(kernel_fake.writes, 0);
}

static void a_failed_bind_that_stays_undone_can_be_undone(void **state)
{
	(void)state;
	kernel_fake.refused_driver = "barlease-vfio-pci";
	kernel_fake.failing_file = "/nvme/bind";
	assert_int_equal(RUN(command_bind, BDF), STATUS_FAILED);
	assert_contains(said, "could not be put back to nvme");
	assert_contains(said, "barlease unbind " BDF);
	kernel_fake_assert_driver("");
	kernel_fake.failing_file = NULL;
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
}

static void a_failed_unbind_can_be_done_again(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, BDF), STATUS_OK);
	kernel_fake.failing_file = "/nvme/bind";
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
	assert_contains(said, "try again: barlease unbind " BDF);
	kernel_fake_assert_driver("");
	kernel_fake.failing_file = NULL;
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
	assert_false(is_remembered());
}

static void the_former_driver_is_loaded_before_unbinding(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, BDF), STATUS_OK);
	tree_remove(tree, "sys/bus/pci/drivers/nvme");
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
	assert_contains(said, "nothing was changed");
	assert_contains(said, "nvme");
	kernel_fake_assert_driver("barlease-vfio-pci");
	loadable_driver = "nvme";
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
}

static void what_nobody_bound_is_not_undone(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
	assert_contains(said, "nothing to undo");
	kernel_fake_driver(NULL);
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
	assert_contains(said, "nothing to undo");
	assert_int_equal(kernel_fake.writes, 0);
}

#define commands_test(function) \
	cmocka_unit_test_setup_teardown(function, commands_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		commands_test(bind_and_unbind_are_inverse),
		commands_test(a_driver_that_is_not_vfios_is_undone_and_named),
		commands_test(the_driver_it_has_must_be_vfios_too),
		commands_test(without_the_module_it_says_how_to_install_it),
		commands_test(a_failed_bind_that_stays_undone_can_be_undone),
		commands_test(a_failed_unbind_can_be_done_again),
		commands_test(the_former_driver_is_loaded_before_unbinding),
		commands_test(what_nobody_bound_is_not_undone),
	};

	return cmocka_run_group_tests_name("binding commands", tests, NULL,
					   NULL);
}
