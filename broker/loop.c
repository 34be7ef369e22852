// SPDX-License-Identifier: MIT
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "operators/control.h"

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

/* Return: whether to go on. */
static bool signals_take(struct lender *lender, int signals)
{
	struct signalfd_siginfo info;
	bool reload = false;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return false;
		reload = true;
	}
	if (reload)
		lender_load(lender);
	return true;
}

static int wait_add(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int wait_and_serve(struct lender *lender, int epoll, int signals)
{
	struct epoll_event events[3];
	int count, err = 0;

	for (;;) {
		count = epoll_wait(epoll, events, 3, -1);
		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == signals) {
				if (!signals_take(lender, signals))
					return 0;
			} else if (lender->control &&
				   events[i].data.fd ==
					   control_fd(lender->control)) {
				control_dispatch(lender->control);
			} else {
				err = lender_dispatch(lender);
			}
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
