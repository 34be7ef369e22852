/* SPDX-License-Identifier: MIT */
/* Fds of this process: how many there are, and packets that carry some. */
#ifndef FUZZ_FDS_H
#define FUZZ_FDS_H

#include <stdbool.h>
#include <stddef.h>

/* The largest number of fds that a packet can have is 253 (SCM_MAX_FD). */
#define FUZZ_FDS_MAX 253

/* How many of the first 64 fds are open, by one system call. */
unsigned int fuzz_fd_count(void);

/* Have no room for more fds, and have it again. */
void fuzz_fds_exhaust(bool exhausted);

/* Send a packet with @count times the same fd. Failing is fine. */
void fuzz_send(int sock, const void *bytes, size_t length, int fd,
	       unsigned int count);

#endif /* FUZZ_FDS_H */
