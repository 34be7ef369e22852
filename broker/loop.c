// SPDX-License-Identifier: MIT
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "operators/control.h"
#include "service/manager.h"

#define NSEC_PER_USEC 1000
#define USEC_PER_MSEC 1000
#define USEC_PER_SEC 1000000ull

/* How often to tell that there is life in it, and when that was last. */
struct pulse {
	uint64_t interval, last; /* microseconds; interval 0: nobody asks */
};

int loop_begin(void)
{
	sigset_t set;
	int fd;

	/* A log that nobody reads any more is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Return: 0 to go on, or the signal that ends it. */
static int signals_take(struct lender *lender, int signals)
{
	struct signalfd_siginfo info;
	bool reload = false;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return (int)info.ssi_signo;
		reload = true;
	}
	if (reload) {
		manager_reloading();
		manager_ready(lender_load(lender) ? "policy rejected"
						  : "policy in force");
	}
	return 0;
}

static int wait_add(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * USEC_PER_SEC +
	       (uint64_t)now.tv_nsec / NSEC_PER_USEC;
}

/*
 * What is told is that a server which had nothing to do was asked whether it had,
 * not that this loop turns.
 */
static int pulse_beat(struct pulse *pulse, struct lender *lender)
{
	uint64_t now;
	int err;

	if (!pulse->interval)
		return 0;
	now = now_usec();
	if (now - pulse->last < pulse->interval)
		return 0;
	err = lender_dispatch(lender);
	if (err)
		return err;
	pulse->last = now;
	manager_ping();
	return 0;
}

static int pulse_timeout(const struct pulse *pulse)
{
	uint64_t ms = pulse->interval / USEC_PER_MSEC + 1;

	if (!pulse->interval)
		return -1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int wait_and_serve(struct lender *lender, int epoll, int signals)
{
	/* Twice as often as must be, in case one is late. */
	struct pulse pulse = { .interval = manager_watchdog() / 2 };
	struct epoll_event events[3];
	int count, err = 0;

	for (;;) {
		err = pulse_beat(&pulse, lender);
		if (err)
			return err;
		count = epoll_wait(epoll, events, 3, pulse_timeout(&pulse));
		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == signals)
				err = signals_take(lender, signals);
			else if (lender->control &&
				 events[i].data.fd ==
					 control_fd(lender->control))
				control_dispatch(lender->control);
			else
				err = lender_dispatch(lender);
			if (err)
				return err;
		}
	}
}

int loop_run(struct lender *lender, int signals)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int err = epoll < 0 ? -errno : 0;

	if (!err)
		err = wait_add(epoll, signals);
	if (!err)
		err = wait_add(epoll, barlease_server_get_fd(lender->server));
	if (!err && lender->control)
		err = wait_add(epoll, control_fd(lender->control));
	if (!err)
		err = wait_and_serve(lender, epoll, signals);
	if (epoll >= 0)
		close(epoll);
	close(signals);
	return err;
}
