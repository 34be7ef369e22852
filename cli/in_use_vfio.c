// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "in_use.h"

/* Note a process when one of its fds is the group. */
static void process_check(const struct machine *machine, const char *pid,
			  const char *group_path, struct in_use *use)
{
	char path[PATH_MAX];
	char target[PATH_MAX];
	char name[64];
	struct dirent *entry;
	ssize_t length;
	DIR *dir;

	if (path_print(path, "%s/%s/fd", machine->proc, pid))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		length = readlinkat(dirfd(dir), entry->d_name, target,
				    sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (strcmp(target, group_path))
			continue;
		if (path_print(path, "%s/%s/comm", machine->proc, pid) ||
		    attribute_read(path, name, sizeof(name)))
			strcpy(name, "?");
		in_use_add(use, "process %s (%s) has %s open", pid, name,
			   group_path);
		break;
	}
	closedir(dir);
}

int in_use_find_vfio(const struct machine *machine,
		     const struct function *function, struct in_use *use)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int err;
	int fd;

	if (!function->vfio || !function->group[0])
		return 0;
	err = path_print(path, "%s/vfio/%s", machine->dev, function->group);
	if (err)
		return err;

	/* A group opens once; so this one's answer is the kernel's own. */
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;

	dir = opendir(machine->proc);
	while (dir && (entry = readdir(dir)))
		if (strspn(entry->d_name, "0123456789") ==
		    strlen(entry->d_name))
			process_check(machine, entry->d_name, path, use);
	if (dir)
		closedir(dir);
	if (!use->count)
		in_use_add(use, "a process has %s open", path);
	return 0;
}
