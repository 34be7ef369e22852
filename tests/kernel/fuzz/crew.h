/* SPDX-License-Identifier: MIT */
/* The processes that do the operations, one at a time, and their leader. */
#ifndef FUZZ_CREW_H
#define FUZZ_CREW_H

#include <sys/types.h>

#include "act.h"
#include "op.h"

struct crew {
	struct shared *shared;
	int sockets[WORKERS][2]; /* the leader's end, the worker's end */
	pid_t pids[WORKERS]; /* 0: is not there */
	int pidfds[WORKERS];
};

void crew_start(struct crew *crew, struct shared *shared);

/* Kills whoever is left, and waits until they are gone. */
void crew_stop(struct crew *crew);

/*
 * Has the operation done. Return 0, or -1 if there is no answer, and in @why
 * what happened.
 */
int crew_do(struct crew *crew, const struct op *op, struct result *result,
	    char *why, size_t size);

/* A worker becomes an ordinary user unless it is a lessor. */
void crew_drop_rights(unsigned int number);

#endif /* FUZZ_CREW_H */
