// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attribute.h"
#include "sysfs_class.h"

bool path_is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return !strncmp(path, dir, length) && path[length] == '/';
}

int sysfs_class_each(const struct machine *machine, const char *class,
		     int (*check)(const char *name, const char *real,
				  void *arg),
		     void *arg)
{
	char path[PATH_MAX];
	char real[PATH_MAX];
	struct dirent *entry;
	int err;
	DIR *dir;

	err = path_print(path, "%s/class/%s", machine->sysfs, class);
	if (err)
		return err;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;

	while (!err && (entry = readdir(dir))) {
		/* Also skips files that are no devices (bonding_masters). */
		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue;
		err = path_print(path, "%s/class/%s/%s", machine->sysfs, class,
				 entry->d_name);
		if (err)
			break;
		/* What is gone by now uses nothing. */
		if (realpath(path, real))
			err = check(entry->d_name, real, arg);
		else if (errno != ENOENT)
			err = -errno;
	}
	closedir(dir);
	return err;
}
