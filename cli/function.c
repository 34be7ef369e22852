// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "command.h"
#include "function.h"
#include "message.h"

/* Flags in the "resource" file (linux/ioport.h, which is not in the uAPI). */
#define RESOURCE_IO 0x00000100u
#define RESOURCE_MEM 0x00000200u
#define RESOURCE_PREFETCH 0x00002000u
#define RESOURCE_MEM_64 0x00100000u
#define RESOURCE_UNSET 0x20000000u

/* Base class and subclass of PCI-to-PCI bridges (PCI Code and ID, 1.7). */
#define CLASS_BRIDGE_PCI 0x0604

/* 24 bits of class, and vendor and device, are shown as "0x..." */
static int attribute_read_hex(const char *path, unsigned int *value)
{
	char text[32];
	char *end;
	int err;

	err = attribute_read(path, text, sizeof(text));
	if (err)
		return err;
	errno = 0;
	*value = (unsigned int)strtoul(text, &end, 16);
	return errno || end == text || *end ? -EINVAL : 0;
}

static void bar_parse(const char *line, struct function_bar *bar)
{
	uint64_t start, end, flags;

	memset(bar, 0, sizeof(*bar));
	if (sscanf(line, "0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64, &start, &end,
		   &flags) != 3)
		return;

	if (flags & RESOURCE_IO)
		bar->kind = BAR_IO;
	else if (!(flags & RESOURCE_MEM))
		return;
	else if (flags & RESOURCE_MEM_64)
		bar->kind = BAR_MEM64;
	else
		bar->kind = BAR_MEM32;

	/* A range of all addresses there are has no size in 64 bits. */
	if (end > start && end - start != UINT64_MAX)
		bar->size = end - start + 1;
	bar->prefetchable = flags & RESOURCE_PREFETCH;
	bar->assigned = start && !(flags & RESOURCE_UNSET);
}

static int bars_read(const char *path, struct function *function)
{
	/* A line per resource; a bridge has the most, 17 of 57 characters. */
	char text[4096];
	char *line = text;
	int err;

	err = attribute_read(path, text, sizeof(text));
	if (err)
		return err;
	for (unsigned int i = 0; i < BARLEASE_BARS && line; i++) {
		bar_parse(line, &function->bars[i]);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return 0;
}

int function_read(const struct machine *machine, const char *bdf,
		  struct function *function)
{
	char dir[PATH_MAX / 2];
	char path[PATH_MAX];
	struct cdev cdev;
	int err;

	memset(function, 0, sizeof(*function));
	strncpy(function->bdf, bdf, sizeof(function->bdf) - 1);
	err = snprintf(dir, sizeof(dir), "%s/bus/pci/devices/%s",
		       machine->sysfs, bdf);
	if (err < 0 || (size_t)err >= sizeof(dir))
		return -ENAMETOOLONG;
	if (!path_exists(dir))
		return -ENODEV;

	path_print(path, "%s/vendor", dir);
	err = attribute_read_hex(path, &function->vendor);
	if (err)
		return err;
	path_print(path, "%s/device", dir);
	err = attribute_read_hex(path, &function->device);
	if (err)
		return err;
	path_print(path, "%s/class", dir);
	err = attribute_read_hex(path, &function->class);
	if (err)
		return err;
	path_print(path, "%s/resource", dir);
	err = bars_read(path, function);
	if (err)
		return err;

	path_print(path, "%s/driver", dir);
	err = link_name(path, function->driver, sizeof(function->driver));
	if (err && err != -ENOENT)
		return err;
	path_print(path, "%s/iommu_group", dir);
	err = link_name(path, function->group, sizeof(function->group));
	if (err && err != -ENOENT)
		return err;
	/* Each VFIO device registers a device of this class below its own. */
	path_print(path, "%s/vfio-dev", dir);
	function->vfio = path_exists(path);
	if (!cdev_find(machine->sysfs, bdf, &cdev))
		strcpy(function->vfio_file, cdev.name);
	return 0;
}

static int name_compare(const void *a, const void *b)
{
	const struct function *left = a, *right = b;
	size_t left_length = strlen(left->bdf);
	size_t right_length = strlen(right->bdf);

	/* Domains of more than four digits come after all the others. */
	if (left_length != right_length)
		return left_length < right_length ? -1 : 1;
	return strcmp(left->bdf, right->bdf);
}

int function_list(const struct machine *machine, struct function **functions,
		  size_t *count)
{
	struct function *list = NULL, *larger;
	char bdf[BARLEASE_BDF_MAX];
	char path[PATH_MAX];
	struct dirent *entry;
	size_t used = 0, room = 0;
	int err;
	DIR *dir;

	err = path_print(path, "%s/bus/pci/devices", machine->sysfs);
	if (err)
		return err;
	dir = opendir(path);
	if (!dir)
		return -errno;

	while ((entry = readdir(dir))) {
		if (barlease_bdf_parse(entry->d_name, bdf))
			continue;
		if (used == room) {
			room = room ? room * 2 : 16;
			larger = reallocarray(list, room, sizeof(*list));
			if (!larger) {
				err = -ENOMEM;
				break;
			}
			list = larger;
		}
		/* One that is unplugged while this reads is not there. */
		if (!function_read(machine, entry->d_name, &list[used]))
			used++;
	}
	closedir(dir);
	if (err) {
		free(list);
		return err;
	}

	if (used)
		qsort(list, used, sizeof(*list), name_compare);
	*functions = list;
	*count = used;
	return 0;
}

int function_argument(const struct machine *machine, const char *bdf,
		      struct function *function)
{
	int err = function_read(machine, bdf, function);

	if (err == -ENODEV) {
		message("there is no PCI function %s on this machine; see "
			"barlease list",
			bdf);
		return STATUS_USAGE;
	}
	if (err) {
		message("cannot read about %s in %s: %s", bdf, machine->sysfs,
			error_words(err));
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

bool function_is_bridge(const struct function *function)
{
	return function->class >> 8 == CLASS_BRIDGE_PCI;
}

const char *bar_obstacle(const struct function_bar *bar)
{
	if (bar->kind == BAR_NONE)
		return "there is no such BAR";
	if (bar->kind == BAR_IO)
		return "I/O ports";
	if (bar->size < (uint64_t)sysconf(_SC_PAGESIZE))
		return "smaller than a page";
	if (!bar->assigned)
		return "not assigned";
	return NULL;
}
