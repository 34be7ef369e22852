/* SPDX-License-Identifier: MIT */
/* The system calls that barleased is left with, on any machine. */
#ifndef SERVICE_FILTER_RULES_H
#define SERVICE_FILTER_RULES_H

#include <seccomp.h>
#include <stdint.h>

/**
 * filter_rules_add() - have a filter let through what lending makes
 * @filter: of libseccomp, for this machine alone, which refuses all by itself
 * @arch: machine, SCMP_ARCH_...
 *
 * Return: 0 or -errno.
 */
int filter_rules_add(scmp_filter_ctx filter, uint32_t arch);

#endif /* SERVICE_FILTER_RULES_H */
