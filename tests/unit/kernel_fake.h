/* SPDX-License-Identifier: MIT */
/*
 * A kernel that has one function and binds drivers to it: what the command
 * writes to sysfs comes here (the linker sends attribute_write()), and the
 * "driver" link is put up and taken down as the kernel would.
 */
#ifndef UNIT_KERNEL_FAKE_H
#define UNIT_KERNEL_FAKE_H

#include "support.h"
#include "machine.h"

#define KERNEL_FAKE_BDF "0000:00:04.0"
#define KERNEL_FAKE_DIR "sys/bus/pci/devices/" KERNEL_FAKE_BDF "/"

struct kernel_fake {
	const char *refused_driver; /* does not bind */
	const char *failing_file; /* a write to it is EIO */
	unsigned int writes;
};

extern struct kernel_fake kernel_fake;

/* The function has the driver nvme. tree_teardown() ends it. */
int kernel_fake_setup(void **state);

struct machine kernel_fake_machine(void);

/* Give the function this driver, or none. One with vfio in it is VFIO's. */
void kernel_fake_driver(const char *driver);
void kernel_fake_assert_driver(const char *expected);

#endif /* UNIT_KERNEL_FAKE_H */
