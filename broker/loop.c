// SPDX-License-Identifier: MIT
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "lender/metrics.h"
#include "log.h"
#include "operators/control.h"
#include "output.h"
#include "service/manager.h"

#define NSEC_PER_USEC 1000
#define USEC_PER_MSEC 1000
#define USEC_PER_SEC 1000000ull

/* How often the file of figures is written. */
#define METRICS_INTERVAL (5 * USEC_PER_SEC)

/* What is done again and again, and when it was last, in microseconds. */
struct pulse {
	uint64_t interval, last; /* interval 0: never */
};

struct serving {
	struct lender *lender;
	int epoll, signals;
	const char *metrics; /* file, or NULL */
	int metrics_error; /* that was told */
	struct pulse life, figures;
};

int loop_begin(void)
{
	sigset_t set;
	int fd;

	/* A log that nobody reads any more is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	/* Neither is a file that may not become any longer. */
	signal(SIGXFSZ, SIG_IGN);
	output_begin();
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
		control_renew(lender->control);
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

/* Return: whether it is time. */
static bool pulse_beats(struct pulse *pulse, uint64_t now)
{
	if (!pulse->interval ||
	    (pulse->last && now - pulse->last < pulse->interval))
		return false;
	pulse->last = now;
	return true;
}

/* Milliseconds until it is time, as epoll_wait() has it. */
static int pulse_timeout(const struct pulse *pulse, uint64_t now)
{
	uint64_t ms;

	if (!pulse->interval)
		return -1;
	ms = (pulse->last + pulse->interval - now) / USEC_PER_MSEC + 1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int earlier(int one, int other)
{
	if (one < 0 || other < 0)
		return one < 0 ? other : one;
	return one < other ? one : other;
}

/* A disk that is full is told once, and is no reason to end. */
static void figures_write(struct serving *serving)
{
	int err = metrics_write(serving->lender, serving->metrics);
	struct log_line line;

	if (err && err != serving->metrics_error) {
		log_begin(&line, LOG_ERR, "metrics-failed");
		log_text(&line, "file", serving->metrics);
		log_text(&line, "error", strerror(-err));
		log_end(&line);
	}
	serving->metrics_error = err;
}

/*
 * What the manager is told is that a server which had nothing to do was asked
 * whether it had, not that this loop turns. Return: 0 or -errno.
 */
static int pulses_beat(struct serving *serving, uint64_t now)
{
	int err = 0;

	if (pulse_beats(&serving->life, now)) {
		err = lender_dispatch(serving->lender);
		if (!err)
			manager_ping();
	}
	if (!err && pulse_beats(&serving->figures, now))
		figures_write(serving);
	return err;
}

static int event_serve(struct serving *serving, int fd)
{
	struct control *control = serving->lender->control;

	if (fd == serving->signals) {
		/* Who has it read its policy anew can look what came of it. */
		serving->figures.last = 0;
		return signals_take(serving->lender, serving->signals);
	}
	if (fd == serving->lender->wanted)
		lender_lose(serving->lender);
	else if (control && fd == control_fd(control))
		control_dispatch(control);
	return lender_dispatch(serving->lender);
}

/* Return: 0, the signal that ends it, or -errno. */
static int events_serve(struct serving *serving, int timeout)
{
	struct epoll_event events[4];
	int count, err = 0;

	count = epoll_wait(serving->epoll, events, 4, timeout);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; !err && i < count; i++)
		err = event_serve(serving, events[i].data.fd);
	return err;
}

static int serve(struct serving *serving)
{
	uint64_t now;
	int err;

	do {
		now = now_usec();
		err = pulses_beat(serving, now);
		if (!err)
			err = events_serve(
				serving,
				earlier(pulse_timeout(&serving->life, now),
					pulse_timeout(&serving->figures,
						      now)));
	} while (!err);
	return err;
}

int loop_run(struct lender *lender, int signals, const char *metrics)
{
	struct serving serving = {
		.lender = lender,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.signals = signals,
		.metrics = metrics,
		/* Twice as often as must be, in case one is late. */
		.life.interval = manager_watchdog() / 2,
		.figures.interval = metrics ? METRICS_INTERVAL : 0,
	};
	int err = serving.epoll < 0 ? -errno : 0;

	if (!err)
		err = wait_add(serving.epoll, signals);
	if (!err)
		err = wait_add(serving.epoll,
			       barlease_server_get_fd(lender->server));
	if (!err)
		err = wait_add(serving.epoll, lender->wanted);
	if (!err && lender->control)
		err = wait_add(serving.epoll, control_fd(lender->control));
	if (!err)
		err = serve(&serving);
	if (serving.epoll >= 0)
		close(serving.epoll);
	close(signals);
	return err;
}
