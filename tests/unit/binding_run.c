// SPDX-License-Identifier: MIT
#include "binding_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct machine test_machine;

/* The linker sends them here, too. */
uid_t __wrap_geteuid(void);
int __wrap_driver_load(const char *name);

struct tree *binding_tree;
const char *loadable_driver;
char said[4096];

uid_t __wrap_geteuid(void)
{
	return 0;
}

void driver_make(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", name);
	tree_folder(binding_tree, path);
}

int __wrap_driver_load(const char *name)
{
	if (!loadable_driver || strcmp(name, loadable_driver))
		return -ENOENT;
	driver_make(name);
	return 0;
}

int binding_setup(void **state)
{
	loadable_driver = NULL;
	if (kernel_fake_setup(state))
		return -1;
	binding_tree = *state;
	test_machine = kernel_fake_machine();
	tree_link(binding_tree, DIR "iommu_group", "../../../kernel/iommu_groups/7");
	tree_folder(binding_tree, "sys/kernel/iommu_groups/7/devices/" BDF);
	tree_file(binding_tree, "proc/self/mountinfo", "");
	driver_make("nvme");
	driver_make("barlease-vfio-pci");
	return 0;
}

int binding_run(const struct command *command, const char *const *arguments)
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
	snprintf(path, sizeof(path), "%s/stderr", binding_tree->root);
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

bool tree_has(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", binding_tree->root, name);
	return access(path, F_OK) == 0;
}
