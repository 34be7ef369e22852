/* SPDX-License-Identifier: MIT */
/* What is due next: a heap. */
#ifndef SERVER_TIMER_H
#define SERVER_TIMER_H

#include <stddef.h>
#include <stdint.h>

/* In nanoseconds of the server's clock: never. */
#define SERVER_NEVER UINT64_MAX

struct barlease_server;

struct server_timer {
	uint64_t due; /* SERVER_NEVER: not armed */
	size_t place; /* in the heap, if it is */
	/* When it is due; it is not armed any more. */
	void (*run)(struct barlease_server *server, struct server_timer *timer);
};

struct server_timers {
	struct server_timer **heap;
	size_t count, room, reserved;
};

/**
 * server_timer_init() - have a timer, which is not armed
 *
 * There is room for it then, so that to arm it cannot fail.
 *
 * Return: 0 or -ENOMEM.
 */
int server_timer_init(struct server_timers *timers, struct server_timer *timer,
		      void (*run)(struct barlease_server *server,
				  struct server_timer *timer));

/* Have it no longer. */
void server_timer_end(struct server_timers *timers, struct server_timer *timer);

/* Arm it anew; SERVER_NEVER disarms it. */
void server_timer_set(struct server_timers *timers, struct server_timer *timer,
		      uint64_t due);

/* When the next one is due, or SERVER_NEVER. */
uint64_t server_timers_next(const struct server_timers *timers);

/* Disarm the first that is due by @now. Return: it, or NULL. */
struct server_timer *server_timers_take(struct server_timers *timers,
					uint64_t now);

void server_timers_end(struct server_timers *timers);

#endif /* SERVER_TIMER_H */
