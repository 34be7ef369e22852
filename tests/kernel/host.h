/* SPDX-License-Identifier: MIT */
/*
 * What the host sees in the file behind the RAM BAR of the ivshmem device, and
 * what it does to the machine. All skip the test where there is no line to it.
 */
#ifndef KERNEL_TESTS_HOST_H
#define KERNEL_TESTS_HOST_H

#include <stddef.h>
#include <stdint.h>

void host_read(uint64_t offset, void *buf, size_t length);
void host_write(uint64_t offset, const void *buf, size_t length);

/* Remember the file; then say what is different, as "0x1000+0x4 ..." */
void host_snapshot(void);
void host_changed(char *text, size_t size);

/* Fails unless exactly these bytes are not what they were. */
void host_assert_changed(uint64_t offset, uint64_t length);
void host_assert_unchanged(void);

/* Have the host do something to the machine: "yank"; see hostcall.py. */
void host_do(const char *what);

#endif /* KERNEL_TESTS_HOST_H */
