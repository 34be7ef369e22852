/* SPDX-License-Identifier: MIT */
#ifndef CLI_SYSFS_CLASS_H
#define CLI_SYSFS_CLASS_H

#include <stdbool.h>

#include "machine.h"

/**
 * sysfs_class_each() - look at every device of a class
 * @machine: where
 * @class: its name; one that this kernel does not have has no devices
 * @check: called with the device's name, its real path and @arg; anything
 *	but 0 ends the search
 * @arg: for @check
 *
 * Return: 0, what @check returned, or -errno.
 */
int sysfs_class_each(const struct machine *machine, const char *class,
		     int (*check)(const char *name, const char *real,
				  void *arg),
		     void *arg);

/**
 * path_is_below() - whether a path is in a folder or a folder below that
 * @path: real path
 * @dir: real path
 */
bool path_is_below(const char *path, const char *dir);

#endif /* CLI_SYSFS_CLASS_H */
