/* SPDX-License-Identifier: MIT */
/* Accesses to memory that may not be there. */
#ifndef KERNEL_TESTS_TOUCH_H
#define KERNEL_TESTS_TOUCH_H

#include <stdint.h>

#include "harness.h"

enum outcome { TOUCH_OK, TOUCH_SIGBUS, TOUCH_SIGSEGV };

const char *outcome_name(enum outcome outcome);

/*
 * One 32 bit load or store. The handlers of SIGBUS and SIGSEGV are put in
 * place by the first call in a process; they work in any thread.
 */
enum outcome touch_read(const volatile void *address, uint32_t *value);
enum outcome touch_write(volatile void *address, uint32_t value);

/* Page faults that one read takes in this thread. It must succeed. */
long touch_faults(const volatile void *address);

#define ASSERT_TOUCH(call, expected)                                           \
	do {                                                                   \
		enum outcome outcome_ = (call);                                \
		if (outcome_ != (expected))                                    \
			FAIL("%s: %s, not %s", #call, outcome_name(outcome_),  \
			     outcome_name(expected));                          \
	} while (0)

/* Reads, and must find @expected. */
#define ASSERT_READS(address, expected)                                        \
	do {                                                                   \
		uint32_t found_ = 0;                                           \
		ASSERT_TOUCH(touch_read(address, &found_), TOUCH_OK);          \
		if (found_ != (uint32_t)(expected))                            \
			FAIL("at %s: %#x, not %#x", #address, found_,          \
			     (uint32_t)(expected));                            \
	} while (0)

#define ASSERT_WRITES(address, value)                                          \
	ASSERT_TOUCH(touch_write(address, value), TOUCH_OK)

/* Neither a read nor a write goes through. */
#define ASSERT_GONE(address)                                                   \
	do {                                                                   \
		ASSERT_TOUCH(touch_read(address, NULL), TOUCH_SIGBUS);         \
		ASSERT_TOUCH(touch_write(address, 0xdead), TOUCH_SIGBUS);      \
	} while (0)

#endif /* KERNEL_TESTS_TOUCH_H */
