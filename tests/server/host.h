/* SPDX-License-Identifier: MIT */
/*
 * A lease server in a process of its own, for those who mean it harm: what it has
 * is asked by a way that they have no part in. It is the library's, or that of
 * barleased, where the command line of the test names that.
 */
#ifndef SERVER_HOST_H
#define SERVER_HOST_H

#include <barlease.h>
#include <barlease/server.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * What it lends, pages of one BAR: "one" of 1 slice, "pool" of HOST_POOL slices,
 * to anybody; "shared" of one slice to any number. On a second socket: "other".
 */
#define HOST_POOL 8

/* What the library's keeps for who does not read. */
#define HOST_PACKETS 64

struct witness;

struct host {
	pid_t pid;
	int control; /* where it is asked */
	char path[64], other_path[72];
	/* Of barleased. */
	struct witness *witness;
	uint64_t grace; /* that was told last */
};

/* Of the server's process. */
struct host_report {
	uint64_t fds;
	uint64_t heap; /* bytes: allocated, or of barleased its own memory */
	uint64_t blocks; /* of them; of barleased 0 */
	uint64_t lessees, leases, waiting;
	uint64_t ended; /* leases, since the beginning */
	uint64_t doubled; /* times that a slice had two holders */
};

/* To be called first, with what main() has. */
void host_choose(int argc, char **argv);

/* @fds: how many it may have; 0: as many as this process. */
void host_start(struct host *host, unsigned int fds);

/* It is alive, ends by itself, and has lost nothing. */
void host_end(struct host *host);

void host_report(struct host *host, struct host_report *report);

/* The same when it has that many lessees; it must come to it. */
void host_wait(struct host *host, uint64_t lessees, struct host_report *report);

/* Lessees are told something, this often: two events for each lease. */
void host_tell(struct host *host, unsigned int times);

/* Connect, as somebody who knows no library. */
int host_connect(const char *path);

/* Somebody who behaves is served. */
void host_serves(struct host *host, const char *name);

/* No more memory than @more bytes was taken since then. */
bool host_heap_within(const struct host_report *before,
		      const struct host_report *now, uint64_t more);

/*
 * Do something twice, or, where memory cannot be counted block by block, a few
 * times more: nothing is left of what has happened. Tables may grow the first
 * time.
 */
void host_twice(struct host *host, void (*what)(struct host *host));

#endif /* SERVER_HOST_H */
