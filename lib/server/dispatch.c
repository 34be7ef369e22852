// SPDX-License-Identifier: MIT
/* What is to be done, in pieces. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "server/server.h"

/* How much one call does of each kind of work. */
#define EVENTS_MAX 64
#define TIMERS_MAX 64
#define ENDS_MAX 64

uint64_t server_now(const struct barlease_server *server)
{
	struct timespec now;

	if (server->terms.now)
		return server->terms.now(server->terms.context);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t server_due(const struct barlease_server *server, uint64_t ms)
{
	uint64_t due;

	if (ms == BARLEASE_WAIT_FOR_EVER ||
	    __builtin_mul_overflow(ms, NSEC_PER_MSEC, &due) ||
	    __builtin_add_overflow(due, server_now(server), &due))
		return SERVER_NEVER;
	return due;
}

uint64_t server_left(const struct barlease_server *server, uint64_t due)
{
	uint64_t now;

	if (due == SERVER_NEVER)
		return UINT64_MAX;
	now = server_now(server);
	if (due <= now)
		return 0;
	return (due - now - 1) / NSEC_PER_MSEC + 1;
}

int server_source_add(struct barlease_server *server,
		      struct server_source *source, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	source->fd = fd;
	source->events = events;
	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	return 0;
}

void server_source_watch(struct barlease_server *server,
			 struct server_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (source->fd < 0 || source->events == events)
		return;
	source->events = events;
	epoll_ctl(server->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void server_source_end(struct barlease_server *server,
		       struct server_source *source)
{
	if (source->fd < 0)
		return;
	/* Closing it is not enough where another process has it, too. */
	epoll_ctl(server->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
	source->fd = -1;
}

void server_timer_ready(struct barlease_server *server,
			struct server_source *source, uint32_t events)
{
	uint64_t times;

	(void)events;
	if (read(source->fd, &times, sizeof(times)) > 0)
		server->timer_due = SERVER_NEVER;
}

/* Have the fd be readable by then; 0: now. */
static void timer_arm(struct barlease_server *server, uint64_t due)
{
	struct itimerspec when = { 0 };

	if (due == server->timer_due)
		return;
	server->timer_due = due;
	if (due != SERVER_NEVER) {
		when.it_value.tv_sec = (time_t)(due / NSEC_PER_SEC);
		/* All zero would be never. */
		when.it_value.tv_nsec = (long)(due % NSEC_PER_SEC) | !due;
	}
	timerfd_settime(server->timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static bool is_busy(const struct barlease_server *server)
{
	return !list_empty(&server->ended) || !list_empty(&server->stale);
}

static void arm(struct barlease_server *server)
{
	if (is_busy(server))
		timer_arm(server, 0);
	else if (server->terms.now)
		timer_arm(server, SERVER_NEVER);
	else
		timer_arm(server, server_timers_next(&server->timers));
}

void server_settle(struct barlease_server *server)
{
	for (;;) {
		if (!list_empty(&server->failing))
			server_client_end(server,
					  list_entry(server->failing.next,
						     struct server_client,
						     failing));
		else if (!list_empty(&server->doomed))
			server_lease_fulfil(server,
					    list_entry(server->doomed.next,
						       struct server_lease,
						       doomed));
		else if (!list_empty(&server->uneven))
			server_offer_serve(server,
					   list_entry(server->uneven.next,
						      struct server_offer,
						      uneven));
		else if (!list_empty(&server->emptied))
			server_offer_vanish(server,
					    list_entry(server->emptied.next,
						       struct server_offer,
						       uneven));
		else
			break;
	}
	arm(server);
}

static bool timers_run(struct barlease_server *server)
{
	struct server_timer *timer;
	unsigned int count = 0;
	uint64_t now;

	if (server_timers_next(&server->timers) == SERVER_NEVER)
		return false;
	now = server_now(server);
	while (count < TIMERS_MAX &&
	       (timer = server_timers_take(&server->timers, now))) {
		timer->run(server, timer);
		server_settle(server);
		count++;
	}
	return count;
}

static bool ended_clear(struct barlease_server *server)
{
	unsigned int count = 0;

	while (count < ENDS_MAX && !list_empty(&server->ended)) {
		server_client_clear(server, list_entry(server->ended.next,
						       struct server_client,
						       link));
		server_settle(server);
		count++;
	}
	return count;
}

void server_bury(struct barlease_server *server)
{
	while (!list_empty(&server->buried)) {
		struct server_client *client = list_entry(server->buried.next,
							  struct server_client,
							  link);

		list_remove(&client->link);
		server_client_free(client);
	}
}

int barlease_server_dispatch(struct barlease_server *server)
{
	struct epoll_event events[EVENTS_MAX];
	bool done = false;
	int count;

	if (server->depth)
		return -EDEADLK;
	count = epoll_wait(server->epoll, events, EVENTS_MAX, 0);
	if (count < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < count; i++) {
		struct server_source *source = events[i].data.ptr;

		/* What came before it may have ended it. */
		if (source->fd < 0)
			continue;
		source->ready(server, source, events[i].events);
		server_settle(server);
		done = true;
	}
	done |= timers_run(server);
	done |= ended_clear(server);
	done |= server_positions_tell(server);
	server_bury(server);
	server_settle(server);
	return done;
}
