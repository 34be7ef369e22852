/* SPDX-License-Identifier: MIT */
/* The device file that VFIO has for a function: /dev/vfio/devices/vfio<n>. */
#ifndef BARLEASE_CDEV_H
#define BARLEASE_CDEV_H

#include <sys/types.h>

/* Length of "vfio" and a number of 32 bits, with its terminating 0. */
#define CDEV_NAME_MAX 15

struct cdev {
	char name[CDEV_NAME_MAX]; /* "vfio<n>" */
	dev_t number;
};

/**
 * cdev_find() - the device file that a function has
 * @sysfs: where sysfs is
 * @bdf: canonical PCI address
 * @cdev: where to put it
 *
 * Return: 0, or
 * -ENODEV: there is no such function, or no VFIO driver is bound to it;
 * -ENOTSUP: the kernel has no such files;
 * -ENAMETOOLONG, -EMFILE, -ENFILE, -ENOMEM.
 */
int cdev_find(const char *sysfs, const char *bdf, struct cdev *cdev);

#endif /* BARLEASE_CDEV_H */
