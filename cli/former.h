/* SPDX-License-Identifier: MIT */
/* What a function's driver was before "bind", so that "unbind" can undo it. */
#ifndef CLI_FORMER_H
#define CLI_FORMER_H

#include "function.h"
#include "machine.h"

struct former {
	char driver[DRIVER_NAME_MAX]; /* "": none */
	char override[DRIVER_NAME_MAX]; /* driver_override, "": none */
};

/**
 * former_save() - remember, in one step
 * @machine: where
 * @bdf: canonical PCI address
 * @former: what
 *
 * Return: 0 or -errno.
 */
int former_save(const struct machine *machine, const char *bdf,
		const struct former *former);

/**
 * former_load() - recall
 * @machine: where
 * @bdf: canonical PCI address
 * @former: where to put it
 *
 * Return: 0, -ENOENT when nothing was saved, -EINVAL when the file is not one
 * that former_save() wrote, or -errno.
 */
int former_load(const struct machine *machine, const char *bdf,
		struct former *former);

/**
 * former_forget() - remove what was saved, if anything
 * @machine: where
 * @bdf: canonical PCI address
 */
void former_forget(const struct machine *machine, const char *bdf);

#endif /* CLI_FORMER_H */
