/* SPDX-License-Identifier: MIT */
/* Which driver a function has, and how that is changed by driver_override. */
#ifndef CLI_BINDING_H
#define CLI_BINDING_H

#include <stdbool.h>

#include "former.h"
#include "function.h"
#include "machine.h"

#define BINDING_DRIVER_DEFAULT "barlease-vfio-pci"

/**
 * driver_name_valid() - whether it can be the name of a driver
 * @name: name
 *
 * It becomes part of a path and of modprobe's command line.
 */
bool driver_name_valid(const char *name);

/**
 * driver_exists() - whether a PCI driver is there
 * @machine: where
 * @name: its name
 */
bool driver_exists(const struct machine *machine, const char *name);

/**
 * driver_load() - make modprobe load a driver
 * @name: its name, which is its module's
 *
 * modprobe says itself what goes wrong.
 *
 * Return: 0 when it says that it did, -errno otherwise.
 */
int driver_load(const char *name);

/**
 * driver_find() - have a PCI driver, loading it where it is missing
 * @machine: where
 * @name: its name, which is its module's
 *
 * Return: whether it is there now.
 */
bool driver_find(const struct machine *machine, const char *name);

/**
 * binding_former() - what a function has, to be put back later
 * @machine: where
 * @function: it, as it is now
 * @former: where to put it
 *
 * Return: 0 or -errno.
 */
int binding_former(const struct machine *machine,
		   const struct function *function, struct former *former);

/**
 * binding_change() - give a function another driver
 * @machine: where
 * @bdf: canonical PCI address
 * @driver: the new driver, which exists
 * @former: what binding_former() told
 * @step: where to put what failed, in a few words
 *
 * When it fails, everything is as it was before, as far as the kernel allows.
 *
 * Return: 0, -EPROTONOSUPPORT when it is not a VFIO driver, or -errno.
 */
int binding_change(const struct machine *machine, const char *bdf,
		   const char *driver, const struct former *former,
		   const char **step);

/**
 * binding_restore() - give a function the driver that it had
 * @machine: where
 * @function: it, as it is now
 * @former: what it had; NULL: unknown, so the kernel chooses
 * @step: where to put what failed, in a few words
 *
 * Return: 0 or -errno; when only the last step fails, the function has no
 * driver.
 */
int binding_restore(const struct machine *machine,
		    const struct function *function,
		    const struct former *former, const char **step);

#endif /* CLI_BINDING_H */
