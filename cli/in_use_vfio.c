// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "in_use.h"

/* The two files that a function is owned through. "": there is none. */
struct vfio_files {
	char group[PATH_MAX];
	char device[PATH_MAX];
};

/* Note a process when one of its fds is one of them. */
static void process_check(const struct machine *machine, const char *pid,
			  const struct vfio_files *files, struct in_use *use)
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
		if (strcmp(target, files->group) &&
		    strcmp(target, files->device))
			continue;
		if (path_print(path, "%s/%s/comm", machine->proc, pid) ||
		    attribute_read(path, name, sizeof(name)))
			strcpy(name, "?");
		in_use_add(use, "process %s (%s) has %s open", pid, name,
			   target);
		break;
	}
	closedir(dir);
}

static void processes_check(const struct machine *machine,
			    const struct vfio_files *files, struct in_use *use)
{
	struct dirent *entry;
	DIR *dir;

	dir = opendir(machine->proc);
	while (dir && (entry = readdir(dir)))
		if (strspn(entry->d_name, "0123456789") ==
		    strlen(entry->d_name))
			process_check(machine, entry->d_name, files, use);
	if (dir)
		closedir(dir);
}

static int files_name(const struct machine *machine,
		      const struct function *function, struct vfio_files *files)
{
	int err = 0;

	files->group[0] = '\0';
	files->device[0] = '\0';
	if (function->group[0])
		err = path_print(files->group, "%s/vfio/%s", machine->dev,
				 function->group);
	if (!err && function->vfio_file[0])
		err = path_print(files->device, "%s/vfio/devices/%s",
				 machine->dev, function->vfio_file);
	return err;
}

/*
 * A group opens once, and not while a device of it is owned by its file; so
 * what it answers is the kernel's own.
 */
static int group_try(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int in_use_find_vfio(const struct machine *machine,
		     const struct function *function, struct in_use *use)
{
	struct vfio_files files;
	int err;

	if (!function->vfio)
		return 0;
	err = files_name(machine, function, &files);
	if (err)
		return err;
	err = files.group[0] ? group_try(files.group) : -ENOENT;
	if (err && err != -ENOENT && err != -EBUSY)
		return err;

	/* A device file can be opened by many, and each is waited for. */
	if (err == -EBUSY || files.device[0])
		processes_check(machine, &files, use);
	if (err == -EBUSY && !use->count)
		in_use_add(use, "a process has %s%s%s open", files.group,
			   files.device[0] ? " or " : "", files.device);
	return 0;
}
