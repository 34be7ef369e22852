/* SPDX-License-Identifier: MIT */
/* What can serve those who mean it harm. */
#ifndef SERVER_HOST_KIND_H
#define SERVER_HOST_KIND_H

#include "support.h"

#include "host.h"

struct host_kind {
	void (*start)(struct host *host, unsigned int fds);
	void (*end)(struct host *host);
	void (*report)(struct host *host, struct host_report *report);
	void (*tell)(struct host *host, unsigned int times);
	/* Bytes that its heap may grow by at random, and how often it may. */
	uint64_t slack;
	unsigned int rounds;
};

/* The library's server, in a process that counts what it allocates. */
extern const struct host_kind host_own;

/*
 * barleased, as it is. It is known from outside: by /proc, and by what it tells
 * operators.
 */
extern const struct host_kind host_daemon;

/* Where that is. */
void host_daemon_is(const char *path);

#endif /* SERVER_HOST_KIND_H */
