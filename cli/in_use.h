/* SPDX-License-Identifier: MIT */
/* Who uses a function now, and would lose it with the driver. */
#ifndef CLI_IN_USE_H
#define CLI_IN_USE_H

#include <stddef.h>

#include "function.h"
#include "machine.h"

/* As many users are named to a person; there may be more. */
#define IN_USE_USERS 16

struct in_use {
	unsigned int count;
	char users[IN_USE_USERS][192]; /* a few words each */
};

/**
 * in_use_add() - note a user
 * @use: where
 * @format: who it is, in a few words
 */
__attribute__((format(printf, 2, 3))) void in_use_add(struct in_use *use,
						      const char *format, ...);

/**
 * in_use_find() - who uses a function through its driver
 * @machine: where
 * @function: it, as it is now
 * @use: where to put the users
 *
 * Looks at everything below the function: mounted disks and swap, also when
 * device mapper or RAID is in between, and network interfaces that are up. A
 * network function whose interface is not to be seen counts as in use.
 *
 * Return: 0 or -errno; without an answer the function counts as in use.
 */
int in_use_find(const struct machine *machine, const struct function *function,
		struct in_use *use);

/**
 * in_use_find_disks() - the part of in_use_find() that is about disks
 * @machine: where
 * @dir: real path of the function in sysfs
 * @use: where to put the users
 *
 * Return: 0 or -errno.
 */
int in_use_find_disks(const struct machine *machine, const char *dir,
		      struct in_use *use);

/**
 * in_use_find_vfio() - whether somebody owns the function through VFIO
 * @machine: where
 * @function: which
 * @use: where to put the users
 *
 * To take the driver away from under them would wait until they are gone.
 *
 * Return: 0 or -errno.
 */
int in_use_find_vfio(const struct machine *machine,
		     const struct function *function, struct in_use *use);

/**
 * in_use_report() - tell a person who uses a function
 * @bdf: which
 * @use: its users
 */
void in_use_report(const char *bdf, const struct in_use *use);

#endif /* CLI_IN_USE_H */
