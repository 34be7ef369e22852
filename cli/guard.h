/* SPDX-License-Identifier: MIT */
#ifndef CLI_GUARD_H
#define CLI_GUARD_H

#include <stddef.h>

/**
 * guard_call() - run code that touches a mapping that may go away
 * @base: the mapping
 * @length: its length in bytes
 * @access: code that touches it; a SIGBUS cuts it off anywhere, so it must not
 *	hold anything that it would have to give back
 * @arg: for @access
 * @fault: where to put the offset into the mapping of the access that failed
 *
 * A SIGBUS anywhere else ends the process, as ever. For one thread at a time.
 *
 * Return: 0, or -EFAULT when an access to the mapping was SIGBUS.
 */
int guard_call(const volatile void *base, size_t length,
	       void (*access)(void *arg), void *arg, size_t *fault);

#endif /* CLI_GUARD_H */
