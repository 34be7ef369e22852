// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "vfio/cdev.h"
#include "device/path.h"

/* The folder of a function has one of these below "vfio-dev". */
static int name_find(const char *sysfs, const char *bdf, char *name)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int err;

	err = path_print(path, "%s/bus/pci/devices/%s/vfio-dev", sysfs, bdf);
	if (err)
		return err;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ENODEV : -errno;

	err = -ENODEV;
	while ((entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);

		if (strncmp(entry->d_name, "vfio", 4) || length <= 4 ||
		    length >= CDEV_NAME_MAX ||
		    strspn(entry->d_name + 4, "0123456789") != length - 4)
			continue;
		memcpy(name, entry->d_name, length + 1);
		err = 0;
		break;
	}
	closedir(dir);
	return err;
}

int cdev_find(const char *sysfs, const char *bdf, struct cdev *cdev)
{
	unsigned int major, minor;
	char path[PATH_MAX];
	FILE *file;
	int err;

	err = name_find(sysfs, bdf, cdev->name);
	if (err)
		return err;
	err = path_print(path, "%s/bus/pci/devices/%s/vfio-dev/%s/dev", sysfs,
			 bdf, cdev->name);
	if (err)
		return err;

	/* Without VFIO_DEVICE_CDEV it is in sysfs, but has no number. */
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ENOTSUP : -errno;
	err = fscanf(file, "%u:%u", &major, &minor) == 2 ? 0 : -ENOTSUP;
	fclose(file);
	if (!err)
		cdev->number = makedev(major, minor);
	return err;
}
