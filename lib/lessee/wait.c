// SPDX-License-Identifier: MIT
/* Waiting: the calls that do, and what those who do not can poll. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lessee/lessee.h"

int lessee_poll(struct barlease_lessee *lessee, short events, uint64_t deadline)
{
	uint64_t left = lessee_left(deadline);
	struct pollfd wanted = { .fd = lessee->sock, .events = events };
	int timeout = left < INT_MAX ? (int)left : INT_MAX;

	if (!left)
		return -ETIMEDOUT;
	if (left == UINT64_MAX)
		timeout = -1;
	if (poll(&wanted, 1, timeout) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

int lessee_wait(struct barlease_lessee *lessee, const struct answer *answer,
		uint64_t deadline)
{
	short events;
	int err;

	for (;;) {
		err = lessee_receive(lessee);
		if (answer->there)
			return answer->error;
		if (err)
			return err;
		lessee_send_due(lessee);
		events = lessee->due ? POLLIN | POLLOUT : POLLIN;
		err = lessee_poll(lessee, events, deadline);
		if (err)
			return err;
	}
}

static void watch_room(struct barlease_lessee *lessee, bool room)
{
	struct epoll_event event = {
		.events = room ? EPOLLIN | EPOLLOUT : EPOLLIN,
	};

	if (room == lessee->watches_room || lessee->sock < 0)
		return;
	epoll_ctl(lessee->poll_fd, EPOLL_CTL_MOD, lessee->sock, &event);
	lessee->watches_room = room;
}

static void set_ready(struct barlease_lessee *lessee, bool ready)
{
	uint64_t count = 1;
	ssize_t done;

	if (ready == lessee->ready)
		return;
	/* Neither can fail: the counter is 0 or 1, and nobody else's. */
	if (ready)
		done = write(lessee->ready_fd, &count, sizeof(count));
	else
		done = read(lessee->ready_fd, &count, sizeof(count));
	(void)done;
	lessee->ready = ready;
}

void lessee_update_fd(struct barlease_lessee *lessee)
{
	watch_room(lessee, lessee->due);
	set_ready(lessee, !TAILQ_EMPTY(&lessee->telling) ||
				  (lessee->error && !lessee->hangup_told));
}
