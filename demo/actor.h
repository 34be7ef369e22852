/* SPDX-License-Identifier: MIT */
/* The lessor's side of one lessee: its process, its lease, talk with it. */
#ifndef DEMO_ACTOR_H
#define DEMO_ACTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <barlease.h>

struct actor {
	const char *name;
	pid_t pid;		/* 0: not running */
	int lease;		/* the lessor's fd of the lease, or -1 */
	FILE *to;
	FILE *from;
	char answer[512];
};

/*
 * Lends bytes [@offset, @offset + @length) of @bar to a new lessee process
 * that runs as @user, and waits until it has mapped them.
 */
bool actor_start(struct actor *actor, const char *name, const char *user,
		 struct barlease_device *dev, unsigned int bar,
		 uint64_t offset, uint64_t length);

/* Sends a request; the answer, without its newline, also in actor->answer. */
const char *actor_ask(struct actor *actor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Kills the process, which must be its end; the lessor keeps the lease. */
bool actor_kill(struct actor *actor);

/* Lets the process end, which it must do in order, and drops the lease. */
void actor_end(struct actor *actor);

#endif /* DEMO_ACTOR_H */
