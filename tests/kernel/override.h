/* SPDX-License-Identifier: MIT */
/*
 * Making one call of a function of the kernel fail, through the module of
 * tests/kernel/modules: steps that are no allocations. Works on every kernel
 * that has kprobes. Fails the test unless the function exists.
 */
#ifndef KERNEL_TESTS_OVERRIDE_H
#define KERNEL_TESTS_OVERRIDE_H

#include <stdbool.h>

/*
 * The call of @function after the next @skip ones by this process gives @value
 * and does nothing. Return: for override_end().
 */
int override_begin(const char *function, long value, int skip);

/* The same, but only about the calls that the module under test makes itself. */
int override_begin_ours(const char *function, long value, int skip);

/* For @skip: all calls until the end. */
#define OVERRIDE_ALWAYS (-1)

/* Back to normal. Return: whether there was such a call. Leaves errno alone. */
bool override_end(int override);

/* Does this kernel have such a function? */
bool override_possible(const char *function);

#endif /* KERNEL_TESTS_OVERRIDE_H */
