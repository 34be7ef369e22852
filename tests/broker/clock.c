// SPDX-License-Identifier: MIT
/*
 * Clocks that a test moves: loaded before the C library into a barleased, which
 * is otherwise as it is, filter and all. $BARLEASE_CLOCK is a folder with "page",
 * a struct page, and "wake", a FIFO into which a byte is written when the page
 * has changed. See clock.py, which has the same layout.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NEVER UINT64_MAX
#define FDS_MAX 4096

/* All in nanoseconds. */
struct page {
	uint64_t monotonic; /* while the machine is awake */
	uint64_t asleep; /* it was suspended for so long */
	uint64_t realtime;
	/* The time at which nothing was left to be done. */
	uint64_t settled;
	uint64_t heap; /* bytes in use then */
	uint64_t realtime_asked; /* how often */
};

struct timer {
	clockid_t clock;
	uint64_t due; /* NEVER: not armed, or it has fired */
};

static volatile struct page *page;
static struct timer timers[FDS_MAX]; /* by fd */
static int wake = -1;

static int (*real_epoll_wait)(int, struct epoll_event *, int, int);
static int (*real_settime)(int, int, const struct itimerspec *,
			   struct itimerspec *);
static int (*real_create)(int, int);

static void *find(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

__attribute__((constructor)) static void begin(void)
{
	const char *folder = getenv("BARLEASE_CLOCK");
	char path[4096];
	int fd;

	real_epoll_wait = find("epoll_wait");
	real_settime = find("timerfd_settime");
	real_create = find("timerfd_create");
	for (int i = 0; i < FDS_MAX; i++)
		timers[i].due = NEVER;
	if (!folder)
		abort();
	snprintf(path, sizeof(path), "%s/page", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	snprintf(path, sizeof(path), "%s/wake", folder);
	wake = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (page == MAP_FAILED || wake < 0)
		abort();
	close(fd);
}

static uint64_t now_of(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		page->realtime_asked++;
		return page->realtime;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return page->monotonic + page->asleep;
	default:
		return page->monotonic;
	}
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t time = now_of(clock);

	now->tv_sec = (time_t)(time / NSEC_PER_SEC);
	now->tv_nsec = (long)(time % NSEC_PER_SEC);
	return 0;
}

int gettimeofday(struct timeval *now, void *zone)
{
	uint64_t time = now_of(CLOCK_REALTIME);

	(void)zone;
	now->tv_sec = (time_t)(time / NSEC_PER_SEC);
	now->tv_usec = (suseconds_t)(time % NSEC_PER_SEC / 1000);
	return 0;
}

time_t time(time_t *now)
{
	time_t seconds = (time_t)(now_of(CLOCK_REALTIME) / NSEC_PER_SEC);

	if (now)
		*now = seconds;
	return seconds;
}

int timerfd_create(int clock, int flags)
{
	int fd = real_create(clock, flags);

	if (fd >= FDS_MAX)
		abort();
	if (fd >= 0)
		timers[fd] = (struct timer){ .clock = clock, .due = NEVER };
	return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *when,
		    struct itimerspec *before)
{
	static const struct itimerspec off;
	uint64_t due = (uint64_t)when->it_value.tv_sec * NSEC_PER_SEC +
		       (uint64_t)when->it_value.tv_nsec;
	int err = real_settime(fd, flags, &off, before);

	if (err)
		return err;
	if (due && !(flags & TFD_TIMER_ABSTIME))
		due += now_of(timers[fd].clock);
	timers[fd].due = due ? due : NEVER;
	return 0;
}

/* One of an fd that is closed by now fails, and is forgotten. */
static void timers_fire(void)
{
	static const struct itimerspec at_once = { .it_value.tv_nsec = 1 };

	for (int fd = 0; fd < FDS_MAX; fd++) {
		struct pollfd polled = { .fd = fd, .events = POLLIN };

		if (timers[fd].due == NEVER ||
		    timers[fd].due > now_of(timers[fd].clock))
			continue;
		timers[fd].due = NEVER;
		if (!real_settime(fd, 0, &at_once, NULL))
			poll(&polled, 1, -1);
	}
}

/* What is ready, without what woke it up. */
static int look(int epoll, struct epoll_event *events, int max)
{
	int count = real_epoll_wait(epoll, events, max, 0), kept = 0;
	char bytes[64];

	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == wake)
			while (read(wake, bytes, sizeof(bytes)) > 0)
				;
		else
			events[kept++] = events[i];
	}
	return count < 0 ? count : kept;
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	struct epoll_event waking = { .events = EPOLLIN, .data.fd = wake };
	uint64_t end = NEVER, now;
	int count;

	if (!timeout)
		return real_epoll_wait(epoll, events, max, 0);
	if (timeout > 0)
		end = page->monotonic + (uint64_t)timeout * NSEC_PER_MSEC;
	epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &waking);
	for (;;) {
		now = page->monotonic;
		timers_fire();
		count = look(epoll, events, max);
		if (count || now >= end)
			return count;
		if (now != page->monotonic)
			continue;
		page->heap = mallinfo2().uordblks;
		__atomic_store_n(&page->settled, now, __ATOMIC_RELEASE);
		if (real_epoll_wait(epoll, events, max, -1) < 0)
			return -1;
	}
}
