// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "in_use.h"
#include "sysfs_class.h"

/* Disks on disks on disks: more layers than anybody stacks. */
#define HOLDERS_MAX 8

struct search {
	const struct machine *machine;
	const char *dir;
	struct in_use *use;
};

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Undo the \ooo of mountinfo in place. */
static void octal_unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
		    is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') << 6 |
				       (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* Note where the disk with this "major:minor" is mounted. */
static int mounts_check(struct search *search, const char *name,
			const char *number, unsigned int *found)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t room = 0;
	FILE *file;
	int err;

	err = path_print(path, "%s/self/mountinfo", search->machine->proc);
	if (err)
		return err;
	file = fopen(path, "re");
	if (!file)
		return -errno;

	while (getline(&line, &room, file) > 0) {
		char device[32];
		char *point;
		int at = 0;

		/* proc_pid_mountinfo(5): id, parent, major:minor, root, point */
		if (sscanf(line, "%*s %*s %31s %*s %n", device, &at) != 1 ||
		    !at || strcmp(device, number))
			continue;
		point = strtok(line + at, " \n");
		if (!point)
			continue;
		octal_unescape(point);
		in_use_add(search->use, "%s is mounted on %s", name, point);
		++*found;
	}
	free(line);
	fclose(file);
	return 0;
}

static int swaps_check(struct search *search, const char *name,
		       unsigned int *found)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t room = 0;
	FILE *file;
	int err;

	err = path_print(path, "%s/swaps", search->machine->proc);
	if (err)
		return err;
	file = fopen(path, "re");
	/* A kernel without swap has no such file. */
	if (!file)
		return errno == ENOENT ? 0 : -errno;

	while (getline(&line, &room, file) > 0) {
		char *device = strtok(line, " \t\n");

		if (!device || strncmp(device, "/dev/", 5) ||
		    strcmp(device + 5, name))
			continue;
		in_use_add(search->use, "%s is used for swap", name);
		++*found;
	}
	free(line);
	fclose(file);
	return 0;
}

/*
 * Whether the kernel itself has opened the disk for its own: also a file
 * system of another mount namespace, or one of several disks.
 */
static int claim_check(struct search *search, const char *name)
{
	char path[PATH_MAX];
	int err;
	int fd;

	err = path_print(path, "%s/%s", search->machine->dev, name);
	if (err)
		return err;
	/* sysfs has no '/' in names and writes '!' (cciss!c0d0). */
	for (char *c = path; (c = strchr(c, '!'));)
		*c = '/';

	fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	switch (errno) {
	case EBUSY:
		in_use_add(search->use,
			   "%s is claimed in the kernel (a file system of "
			   "another mount namespace, RAID, ...)",
			   name);
		return 0;
	/* Nobody has what has no medium, no disk or no file. */
	case ENOMEDIUM:
	case ENXIO:
	case ENOENT:
		return 0;
	default:
		return -errno;
	}
}

static int disk_check(struct search *search, const char *name, const char *real,
		      unsigned int layer, unsigned int *found);

/* Look at the disks that are made of this one. */
static int holders_check(struct search *search, const char *real,
			 unsigned int layer, unsigned int *found)
{
	char path[PATH_MAX];
	char holder[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	if (layer == HOLDERS_MAX)
		return -ELOOP;
	err = path_print(path, "%s/holders", real);
	if (err)
		return err;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		err = path_print(path, "%s/class/block/%s",
				 search->machine->sysfs, entry->d_name);
		if (!err && realpath(path, holder))
			err = disk_check(search, entry->d_name, holder,
					 layer + 1, found);
	}
	closedir(dir);
	return err;
}

static int disk_check(struct search *search, const char *name, const char *real,
		      unsigned int layer, unsigned int *found)
{
	char path[PATH_MAX];
	char number[32];
	int err;

	err = path_print(path, "%s/dev", real);
	if (err)
		return err;
	err = attribute_read(path, number, sizeof(number));
	/* Hidden disks (parts of NVMe multipath) have no number. */
	if (err == -ENOENT)
		return 0;
	if (err)
		return err;

	err = mounts_check(search, name, number, found);
	if (err)
		return err;
	err = swaps_check(search, name, found);
	if (err)
		return err;
	return holders_check(search, real, layer, found);
}

/*
 * A multipath NVMe disk is not below its controllers but in a subsystem that
 * has links to them.
 */
static bool is_nvme_path_below(const char *real, const char *dir)
{
	char path[PATH_MAX];
	char controller[PATH_MAX];
	struct dirent *entry;
	bool below = false;
	char *end;
	DIR *list;

	if (!strstr(real, "/nvme-subsystem/"))
		return false;
	if (path_print(path, "%s", real))
		return false;
	/* .../nvme-subsystem/nvme-subsys0/nvme0n1[/nvme0n1p1] */
	end = strstr(path, "/nvme-subsystem/") + strlen("/nvme-subsystem/");
	end = strchr(end, '/');
	if (!end)
		return false;
	*end = '\0';

	list = opendir(path);
	if (!list)
		return false;
	while (!below && (entry = readdir(list))) {
		if (entry->d_name[0] == '.' ||
		    path_print(controller, "%.*s/%s", (int)(end - path), real,
			       entry->d_name))
			continue;
		if (realpath(controller, path))
			below = path_is_below(path, dir);
	}
	closedir(list);
	return below;
}

static int block_check(const char *name, const char *real, void *arg)
{
	struct search *search = arg;
	unsigned int found = 0;
	int err;

	if (!path_is_below(real, search->dir) &&
	    !is_nvme_path_below(real, search->dir))
		return 0;
	err = disk_check(search, name, real, 0, &found);
	if (err || found)
		return err;
	return claim_check(search, name);
}

int in_use_find_disks(const struct machine *machine, const char *dir,
		      struct in_use *use)
{
	struct search search = {
		.machine = machine,
		.dir = dir,
		.use = use,
	};

	return sysfs_class_each(machine, "block", block_check, &search);
}
