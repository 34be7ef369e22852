// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribute.h"
#include "in_use.h"
#include "message.h"
#include "sysfs_class.h"

void in_use_add(struct in_use *use, const char *format, ...)
{
	va_list args;

	if (use->count == IN_USE_USERS)
		return;
	va_start(args, format);
	vsnprintf(use->users[use->count++], sizeof(use->users[0]), format,
		  args);
	va_end(args);
}

void in_use_report(const char *bdf, const struct in_use *use)
{
	for (unsigned int i = 0; i < use->count; i++)
		message("%s is in use: %s", bdf, use->users[i]);
}

/* Base class of network controllers (PCI Code and ID, 1.3). */
#define CLASS_NETWORK 0x02

struct search {
	const struct machine *machine;
	const char *dir;
	struct in_use *use;
	unsigned int interfaces; /* below the function */
};

static int interface_check(const char *name, const char *real, void *arg)
{
	struct search *search = arg;
	char path[PATH_MAX];
	char text[32];
	int err;

	if (!path_is_below(real, search->dir))
		return 0;
	search->interfaces++;
	err = path_print(path, "%s/flags", real);
	if (err)
		return err;
	err = attribute_read(path, text, sizeof(text));
	if (err)
		return err;
	if (strtoul(text, NULL, 16) & IFF_UP)
		in_use_add(search->use, "network interface %s is up", name);
	return 0;
}

int in_use_find(const struct machine *machine, const struct function *function,
		struct in_use *use)
{
	struct search search = { .machine = machine, .use = use };
	char path[PATH_MAX];
	char dir[PATH_MAX];
	int err;

	err = path_print(path, "%s/bus/pci/devices/%s", machine->sysfs,
			 function->bdf);
	if (err)
		return err;
	if (!realpath(path, dir))
		return -errno;

	err = in_use_find_disks(machine, dir, use);
	if (err)
		return err;
	search.dir = dir;
	err = sysfs_class_each(machine, "net", interface_check, &search);
	if (err)
		return err;
	/* sysfs shows no interface that was moved to another namespace. */
	if (function->class >> 16 == CLASS_NETWORK && function->driver[0] &&
	    !function->vfio && !search.interfaces)
		in_use_add(use,
			   "its driver %s has no network interface in this "
			   "network namespace, so it may be up in another",
			   function->driver);
	return 0;
}
