/* SPDX-License-Identifier: MIT */
/* Device files and iommufd without the library. All fail the test on error. */
#ifndef KERNEL_TESTS_CDEV_H
#define KERNEL_TESTS_CDEV_H

#include <stdbool.h>

/* Whether the kernel has both. */
bool have_iommufd(void);

/* The device file of a function, not bound; skips the test without it. */
int cdev_open(const char *bdf);

/* A new iommufd; skips the test without it. */
int iommufd_open(void);

/* VFIO_DEVICE_BIND_IOMMUFD: 0, or -1 and errno. */
int cdev_bind(int device, int iommufd);

#endif /* KERNEL_TESTS_CDEV_H */
