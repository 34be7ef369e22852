/* SPDX-License-Identifier: MIT */
/* What the processes of a test that ran out of time were at. */
#ifndef KERNEL_TESTS_STANDSTILL_H
#define KERNEL_TESTS_STANDSTILL_H

#include <sys/types.h>

/*
 * Print each thread of the processes of @group: its state, the time it has
 * used, and where in the kernel it is. What runs, and what ends meanwhile, has
 * no place in the kernel to tell.
 */
void standstill_tell(pid_t group);

#endif /* KERNEL_TESTS_STANDSTILL_H */
