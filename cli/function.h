/* SPDX-License-Identifier: MIT */
/* A PCI function as sysfs shows it. Nothing here opens the device. */
#ifndef CLI_FUNCTION_H
#define CLI_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "barlease.h"
#include "vfio/cdev.h"
#include "machine.h"

/* The kernel's own limit for driver names in driver_override is a page. */
#define DRIVER_NAME_MAX 64

enum bar_kind {
	BAR_NONE, /* no such BAR */
	BAR_IO, /* I/O ports */
	BAR_MEM32,
	BAR_MEM64, /* takes the next BAR's place, too */
};

struct function_bar {
	enum bar_kind kind;
	uint64_t size;
	bool prefetchable;
	bool assigned; /* has an address */
};

struct function {
	char bdf[BARLEASE_BDF_MAX];
	unsigned int vendor;
	unsigned int device;
	unsigned int class; /* 24 bits: base, sub, interface */
	char driver[DRIVER_NAME_MAX]; /* "": none */
	char group[16]; /* IOMMU group, "": none */
	bool vfio; /* the driver is a VFIO driver */
	char vfio_file[CDEV_NAME_MAX]; /* in /dev/vfio/devices, "": none */
	struct function_bar bars[BARLEASE_BARS];
	char at_boot[DRIVER_NAME_MAX]; /* driver by a rule; "": none */
	const char *service; /* what serves leases; "": nothing; NULL: not asked */
};

/**
 * function_read() - read what sysfs tells about a function
 * @machine: where
 * @bdf: canonical PCI address
 * @function: where to put it
 *
 * Return: 0, -ENODEV when there is no such function, or -errno.
 */
int function_read(const struct machine *machine, const char *bdf,
		  struct function *function);

/**
 * function_list() - read all functions, in the order of their addresses
 * @machine: where
 * @functions: where to put the array, which the caller frees
 * @count: where to put their number
 *
 * Return: 0 or -errno.
 */
int function_list(const struct machine *machine, struct function **functions,
		  size_t *count);

/**
 * function_argument() - function_read() for a command line
 * @machine: where
 * @bdf: canonical PCI address
 * @function: where to put it
 *
 * Says what is wrong.
 *
 * Return: STATUS_OK, STATUS_USAGE when there is no such function, or
 * STATUS_FAILED.
 */
int function_argument(const struct machine *machine, const char *bdf,
		      struct function *function);

/**
 * function_is_bridge() - whether it is a PCI-to-PCI bridge
 * @function: which
 *
 * VFIO takes none of these.
 */
bool function_is_bridge(const struct function *function);

/**
 * bar_obstacle() - why a BAR can never be lent, whatever the driver
 * @bar: which
 *
 * Return: a few words, or NULL when nothing is in the way.
 */
const char *bar_obstacle(const struct function_bar *bar);

#endif /* CLI_FUNCTION_H */
