/* SPDX-License-Identifier: MIT */
/* Modules and the drivers of the devices, by sysfs. */
#ifndef KERNEL_TESTS_BIND_H
#define KERNEL_TESTS_BIND_H

#include <stdbool.h>
#include <stddef.h>

#define MODULE_NAME "barlease-vfio-pci"
#define MODULE_SYSFS_NAME "barlease_vfio_pci"	/* /sys/module/ */
#define DRIVER_NAME "barlease-vfio-pci"
#define ALLOW_2M "/sys/module/" MODULE_SYSFS_NAME "/parameters/allow_2m"

/* All of these give 0 or -errno. */

int module_load(const char *name);
int module_load_with(const char *name, const char *parameter);

/* Whether our module is loaded, and maps by entries of 2 MiB. */
bool module_allows_2m(void);

/* EWOULDBLOCK (EAGAIN) while it is in use: never waits for that. */
int module_unload(void);

/* The same of a module of the kernel's, by its name in /sys/module. */
int module_unload_other(const char *name);

/* Give the function to our driver, taking it from another one. */
int device_bind(const char *bdf);
int device_bind_to(const char *bdf, const char *driver);

/* Take it from whatever driver it has; waits as long as the driver does. */
int device_unbind(const char *bdf);

/* Write to a file of the function in sysfs. */
int device_sysfs_write(const char *bdf, const char *file, const char *text);

/* The name of its driver, "" for none. */
int device_driver(const char *bdf, char *name, size_t size);

/* Write @text to a file of sysfs. */
int sysfs_write(const char *path, const char *text);

/**
 * devices_bind_all() - load the modules and bind every device of the tests
 * @trouble: where to put what went wrong
 */
int devices_bind_all(char *trouble, size_t size);

/* Unbind every device of the tests. */
int devices_unbind_all(void);

#endif /* KERNEL_TESTS_BIND_H */
