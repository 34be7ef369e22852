// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"

int sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int device_sysfs_write(const char *bdf, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, file);
	return sysfs_write(path, text);
}

int module_load(const char *name)
{
	return module_load_with(name, NULL);
}

int module_load_with(const char *name, const char *parameter)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		execlp("modprobe", "modprobe", name, parameter, NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ENOENT;
}

int module_unload_other(const char *name)
{
	if (syscall(SYS_delete_module, name, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int module_unload(void)
{
	return module_unload_other(MODULE_SYSFS_NAME);
}

int device_driver(const char *bdf, char *name, size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0) {
		name[0] = '\0';
		return errno == ENOENT ? 0 : -errno;
	}
	link[length] = '\0';
	snprintf(name, size, "%s", strrchr(link, '/') + 1);
	return 0;
}

int device_unbind(const char *bdf)
{
	char name[64];
	int err;

	err = device_driver(bdf, name, sizeof(name));
	if (err || !name[0])
		return err;
	return device_sysfs_write(bdf, "driver/unbind", bdf);
}

int device_bind(const char *bdf)
{
	return device_bind_to(bdf, DRIVER_NAME);
}

int device_bind_to(const char *bdf, const char *driver)
{
	char name[64];
	int err;

	err = device_driver(bdf, name, sizeof(name));
	if (err)
		return err;
	if (!strcmp(name, driver))
		return 0;

	err = device_unbind(bdf);
	if (err)
		return err;
	err = device_sysfs_write(bdf, "driver_override", driver);
	if (err)
		return err;
	err = sysfs_write("/sys/bus/pci/drivers_probe", bdf);
	if (err)
		return err;

	err = device_driver(bdf, name, sizeof(name));
	if (err)
		return err;
	return strcmp(name, driver) ? -ENODEV : 0;
}

bool module_allows_2m(void)
{
	char allowed = 'N';
	int fd = open(ALLOW_2M, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, &allowed, 1) != 1)
		allowed = 'N';
	close(fd);
	return allowed == 'Y';
}

/* With entries of 2 MiB, also where they are off as a rule. */
static int load_ours(void)
{
	int err = module_load_with(MODULE_NAME, "allow_2m=1");

	if (err || module_allows_2m())
		return err;
	err = devices_unbind_all();
	if (!err)
		err = module_unload();
	return err ? err : module_load_with(MODULE_NAME, "allow_2m=1");
}

int devices_bind_all(char *trouble, size_t size)
{
	const char *bdf;
	size_t i;
	int err;

	err = module_load("vfio_iommu_type1");
	if (!err)
		err = load_ours();
	if (err) {
		snprintf(trouble, size, "modules cannot be loaded: %s",
			 errno_name(err));
		return err;
	}
	for (i = 0; device_names[i]; i++) {
		bdf = getenv(device_names[i]);
		if (!bdf || !*bdf)
			continue;
		err = device_bind(bdf);
		if (err) {
			snprintf(trouble, size, "%s (%s) cannot be bound: %s",
				 device_names[i], bdf, errno_name(err));
			return err;
		}
	}
	return 0;
}

int devices_unbind_all(void)
{
	const char *bdf;
	size_t i;
	int err;

	for (i = 0; device_names[i]; i++) {
		bdf = getenv(device_names[i]);
		if (!bdf || !*bdf)
			continue;
		err = device_unbind(bdf);
		if (err)
			return err;
	}
	return 0;
}
