/* SPDX-License-Identifier: MIT */
/*
 * A /dev of the test's own, in a mount namespace of its own: it has what is
 * put there and nothing else, and goes with the test's process.
 */
#ifndef KERNEL_TESTS_DEV_FOLDER_H
#define KERNEL_TESTS_DEV_FOLDER_H

#include <sys/types.h>

/* Begin: an empty one, which is not in its place yet. */
void dev_folder_make(void);

/* Copy the device file /dev/@name into it, if there is one. */
void dev_folder_add(const char *name, mode_t mode);

/* The device file of a function, and that of its group. */
void dev_folder_add_cdev(const char *bdf, mode_t mode);
void dev_folder_add_group(const char *bdf, mode_t mode);

/* Put it in the place of /dev. */
void dev_folder_use(void);

#endif /* KERNEL_TESTS_DEV_FOLDER_H */
