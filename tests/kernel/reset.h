/* SPDX-License-Identifier: MIT */
/* The ways to reset a function through its device fd. All fail the test. */
#ifndef KERNEL_TESTS_RESET_H
#define KERNEL_TESTS_RESET_H

#include <barlease.h>

void reset_by_ioctl(struct barlease_device *dev);

/* Function level reset as a guest's driver does it. */
void reset_by_flr(struct barlease_device *dev);

#endif /* KERNEL_TESTS_RESET_H */
