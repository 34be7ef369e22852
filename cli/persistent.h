/* SPDX-License-Identifier: MIT */
/*
 * A binding that is there again after the next boot: a rule of udev(7) for each
 * function, which has "barlease bind --persist" run when the function comes.
 *
 * The rule fits a function with the same ids only. Addresses change when
 * hardware is put in, and another disk must not be taken for that.
 */
#ifndef CLI_PERSISTENT_H
#define CLI_PERSISTENT_H

#include <limits.h>
#include <stdbool.h>

#include "former.h"
#include "function.h"
#include "machine.h"

struct persistent {
	char driver[DRIVER_NAME_MAX]; /* that it is bound to */
	bool former_known;
	struct former former; /* what it had before the first time */
};

/**
 * persistent_folder() - where the rules are
 * @path: where to put it, PATH_MAX bytes
 *
 * Return: 0 or -ENAMETOOLONG.
 */
int persistent_folder(const struct machine *machine, char *path);

/**
 * persistent_path() - where the rule of a function is
 * @machine: where
 * @bdf: canonical PCI address
 * @path: where to put it, PATH_MAX bytes
 *
 * Return: 0 or -ENAMETOOLONG.
 */
int persistent_path(const struct machine *machine, const char *bdf, char *path);

/**
 * persistent_bdf() - whose rule a file is
 * @name: of a file in that folder
 * @bdf: where to put the canonical PCI address, BARLEASE_BDF_MAX bytes
 *
 * Return: whether it is one.
 */
bool persistent_bdf(const char *name, char *bdf);

/**
 * persistent_obstacle() - why a rule would not be obeyed
 *
 * Return: a few words, or NULL when nothing is in the way.
 */
const char *persistent_obstacle(const struct machine *machine);

/**
 * persistent_save() - have a function bound at each boot, in one step
 * @machine: where
 * @function: it
 * @driver: its driver then
 * @former: what it had before; NULL: not known. What an earlier rule says of
 *	that is kept.
 *
 * When the rule is there already, nothing is written.
 *
 * Return: 0; -EEXIST when there is another file in its place; or -errno. The
 * rule is as it was before then, unless its folder could not be flushed.
 */
int persistent_save(const struct machine *machine,
		    const struct function *function, const char *driver,
		    const struct former *former);

/**
 * persistent_load() - what the rule of a function says
 * @machine: where
 * @bdf: canonical PCI address
 * @persistent: where to put it
 *
 * Return: 0; -ENOENT when there is none; -EINVAL when the file is not one that
 * persistent_save() wrote; or -errno.
 */
int persistent_load(const struct machine *machine, const char *bdf,
		    struct persistent *persistent);

/**
 * persistent_fits() - whether the rule of a function is for this one
 * @machine: where
 * @function: it, as it is now
 * @persistent: what persistent_load() told
 */
bool persistent_fits(const struct machine *machine,
		     const struct function *function,
		     const struct persistent *persistent);

/**
 * persistent_forget() - remove the rule of a function
 * @machine: where
 * @bdf: canonical PCI address
 *
 * Return: 0; -ENOENT when there is none; or -errno.
 */
int persistent_forget(const struct machine *machine, const char *bdf);

#endif /* CLI_PERSISTENT_H */
