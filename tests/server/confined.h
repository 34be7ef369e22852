/* SPDX-License-Identifier: MIT */
/* What a process that runs may no longer do, as the kernel tells. */
#ifndef SERVER_CONFINED_H
#define SERVER_CONFINED_H

#include <stdint.h>
#include <sys/types.h>

/* The number behind a key, with its colon, of /proc/PID/status. */
uint64_t status_number(pid_t pid, const char *key, int base);

/* barleased, when it serves: each thing that it gives up is given up. */
void assert_confined(pid_t pid);

#endif /* SERVER_CONFINED_H */
