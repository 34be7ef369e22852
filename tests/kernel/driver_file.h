/* SPDX-License-Identifier: MIT */
/* Loading the driver's module by hand. Both fail the test. */
#ifndef KERNEL_TESTS_DRIVER_FILE_H
#define KERNEL_TESTS_DRIVER_FILE_H

/* The module, for finit_module(). */
int driver_file_open(void);

/*
 * Unbind all devices, and have none of them bound when the driver is loaded
 * again.
 */
void driver_forget_devices(void);

#endif /* KERNEL_TESTS_DRIVER_FILE_H */
