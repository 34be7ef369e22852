// SPDX-License-Identifier: MIT
#include "server/timer.h"

#include <errno.h>
#include <stdlib.h>

static void put(struct server_timers *timers, size_t place,
		struct server_timer *timer)
{
	timers->heap[place] = timer;
	timer->place = place;
}

/* Move it to where it belongs, as what is at @place may be replaced. */
static void sift(struct server_timers *timers, size_t place,
		 struct server_timer *timer)
{
	size_t child;

	while (place && timers->heap[(place - 1) / 2]->due > timer->due) {
		put(timers, place, timers->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	while ((child = place * 2 + 1) < timers->count) {
		if (child + 1 < timers->count &&
		    timers->heap[child + 1]->due < timers->heap[child]->due)
			child++;
		if (timers->heap[child]->due >= timer->due)
			break;
		put(timers, place, timers->heap[child]);
		place = child;
	}
	put(timers, place, timer);
}

int server_timer_init(struct server_timers *timers, struct server_timer *timer,
		      void (*run)(struct barlease_server *server,
				  struct server_timer *timer))
{
	if (timers->reserved == timers->room) {
		size_t room = timers->room ? timers->room * 2 : 64;
		struct server_timer **heap =
			reallocarray(timers->heap, room, sizeof(*heap));

		if (!heap)
			return -ENOMEM;
		timers->heap = heap;
		timers->room = room;
	}
	timers->reserved++;
	timer->due = SERVER_NEVER;
	timer->run = run;
	return 0;
}

static void disarm(struct server_timers *timers, struct server_timer *timer)
{
	struct server_timer *last;

	if (timer->due == SERVER_NEVER)
		return;
	timer->due = SERVER_NEVER;
	last = timers->heap[--timers->count];
	if (last != timer)
		sift(timers, timer->place, last);
}

void server_timer_end(struct server_timers *timers, struct server_timer *timer)
{
	disarm(timers, timer);
	timers->reserved--;
}

void server_timer_set(struct server_timers *timers, struct server_timer *timer,
		      uint64_t due)
{
	disarm(timers, timer);
	if (due == SERVER_NEVER)
		return;
	timer->due = due;
	timers->count++;
	sift(timers, timers->count - 1, timer);
}

uint64_t server_timers_next(const struct server_timers *timers)
{
	return timers->count ? timers->heap[0]->due : SERVER_NEVER;
}

struct server_timer *server_timers_take(struct server_timers *timers,
					uint64_t now)
{
	struct server_timer *first;

	if (!timers->count || server_timers_next(timers) > now)
		return NULL;
	first = timers->heap[0];
	disarm(timers, first);
	return first;
}

void server_timers_end(struct server_timers *timers)
{
	free(timers->heap);
	timers->heap = NULL;
}
