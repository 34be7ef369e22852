/* SPDX-License-Identifier: MIT */
/* What barleased gives up once it lends: all that lending does not need. */
#ifndef SERVICE_CONFINE_H
#define SERVICE_CONFINE_H

#include <stdbool.h>

/**
 * confine() - give up what is not needed any more, for good
 *
 * Return: 0 or -errno.
 */
int confine(void);

/* Is there a filter of system calls in this program? filter.c */
bool filter_exists(void);

/* Have only those that lending makes. Return: 0 or -errno. */
int filter_set(void);

#endif /* SERVICE_CONFINE_H */
