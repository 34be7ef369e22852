// SPDX-License-Identifier: MIT
/* The library's server in a child of the test. */
#include "host_kind.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define PAGE 4096ull
#define BAR 0
#define PAGES 32

/* In the server's process. */
struct lessor {
	struct barlease_device *device;
	struct barlease_server *server;
	uint64_t shared; /* number of the offer */
	uint64_t ended, doubled;
	uint8_t holders[PAGES];
};

/* What it is asked. */
struct order {
	uint32_t blinks; /* 0: a report is wanted */
};

/* The library's memory, whatever the allocator keeps ready for it. */
static uint64_t heap, blocks;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	void *new = __real_malloc(size);

	heap += malloc_usable_size(new);
	blocks += !!new;
	return new;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	void *new = __real_calloc(count, size);

	heap += malloc_usable_size(new);
	blocks += !!new;
	return new;
}

void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	size_t before = malloc_usable_size(old);
	void *new = __real_reallocarray(old, count, size);

	if (!new)
		return NULL;
	heap += malloc_usable_size(new) - before;
	blocks += !old;
	return new;
}

void __real_free(void *old);
void __wrap_free(void *old);
void __wrap_free(void *old)
{
	heap -= malloc_usable_size(old);
	blocks -= !!old;
	__real_free(old);
}

static void on_end(void *context, const struct barlease_server_lessee *lessee,
		   const struct barlease_server_lease *lease,
		   enum barlease_end why)
{
	struct lessor *lessor = context;

	(void)lessee;
	(void)lease;
	(void)why;
	lessor->ended++;
}

static int holder_see(void *context,
		      const struct barlease_server_lessee *lessee,
		      const struct barlease_server_lease *lease)
{
	struct lessor *lessor = context;

	(void)lessee;
	if (lease->offer == lessor->shared)
		return 0;
	if (lessor->holders[lease->range.offset / PAGE]++)
		lessor->doubled++;
	return 0;
}

static void holders_check(struct lessor *lessor)
{
	memset(lessor->holders, 0, sizeof(lessor->holders));
	barlease_server_each_lease(lessor->server, holder_see, lessor);
}

static int lessee_count(void *context,
			const struct barlease_server_lessee *lessee)
{
	struct host_report *report = context;

	report->lessees++;
	report->waiting += lessee->waiting;
	return 0;
}

static int lease_count(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_lease *lease)
{
	struct host_report *report = context;

	(void)lessee;
	(void)lease;
	report->leases++;
	return 0;
}

/* Those of a process that cannot open one more, too. */
static uint64_t fds_open(void)
{
	static struct pollfd fds[32768];
	struct rlimit limit;
	uint64_t count = 0;
	nfds_t room = sizeof(fds) / sizeof(*fds);

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		exit(2);
	if (room > limit.rlim_cur)
		room = limit.rlim_cur;
	for (nfds_t i = 0; i < room; i++)
		fds[i].fd = (int)i;
	if (poll(fds, room, 0) < 0)
		exit(2);
	for (nfds_t i = 0; i < room; i++)
		count += !(fds[i].revents & POLLNVAL);
	return count;
}

static void report_make(struct lessor *lessor, struct host_report *report)
{
	*report = (struct host_report){
		.fds = fds_open(),
		.heap = heap,
		.blocks = blocks,
		.ended = lessor->ended,
		.doubled = lessor->doubled,
	};
	barlease_server_each_lessee(lessor->server, lessee_count, report);
	barlease_server_each_lease(lessor->server, lease_count, report);
}

/* A simulated device remembers the last that ended: fill that up. */
static void memory_fill(struct lessor *lessor)
{
	const struct barlease_range range = { 0, PAGE };

	for (int i = 0; i < 100; i++) {
		int fd = barlease_lease_export(lessor->device, BAR, &range, 1,
					       BARLEASE_READ_WRITE);

		if (fd < 0 || barlease_lease_revoke(lessor->device, fd))
			exit(2);
		close(fd);
	}
}

static uint64_t offer(struct lessor *lessor, uint64_t listener,
		      const struct barlease_server_offer *terms)
{
	uint64_t id;

	if (barlease_server_add_offer(lessor->server, lessor->device, terms,
				      &id) ||
	    barlease_server_show_offer(lessor->server, id, listener))
		exit(2);
	return id;
}

static void lessor_make(struct lessor *lessor, const struct host *host)
{
	const struct barlease_sim_terms device = {
		.name = "sim:host",
		.bar_size = { [BAR] = PAGES * PAGE },
	};
	const struct barlease_server_terms terms = {
		.context = lessor,
		.calls = { .end = on_end },
		.packets_max = HOST_PACKETS,
		/* More than there are fds for. */
		.lessees_max = 8192,
		.lessees_max_per_uid = 8192,
	};
	uint64_t listener, other;

	if (barlease_device_open_sim(&device, &lessor->device) ||
	    barlease_server_create(&terms, &lessor->server) ||
	    barlease_server_add_device(lessor->server, lessor->device) ||
	    barlease_server_listen(lessor->server, host->path, 0600,
				   &listener) ||
	    barlease_server_listen(lessor->server, host->other_path, 0600,
				   &other))
		exit(2);
	offer(lessor, listener,
	      &(struct barlease_server_offer){ .name = "one",
					       .range = { 0, PAGE } });
	offer(lessor, listener,
	      &(struct barlease_server_offer){
		      .name = "pool",
		      .range = { PAGE, HOST_POOL * PAGE },
		      .slice_size = PAGE });
	offer(lessor, other,
	      &(struct barlease_server_offer){ .name = "other",
					       .range = { 20 * PAGE, PAGE } });
	lessor->shared = offer(
		lessor, listener,
		&(struct barlease_server_offer){ .name = "shared",
						 .range = { 21 * PAGE, PAGE },
						 .sharers = UINT32_MAX });
	memory_fill(lessor);
}

static void blink(struct lessor *lessor, uint32_t times)
{
	while (times--) {
		barlease_server_device_away(lessor->server, lessor->device);
		barlease_server_device_back(lessor->server, lessor->device);
	}
}

/* Return: whether to go on. */
static bool order_take(struct lessor *lessor, int control)
{
	struct host_report report;
	struct order order;

	if (recv(control, &order, sizeof(order), 0) != sizeof(order))
		return false;
	blink(lessor, order.blinks);
	report_make(lessor, &report);
	return send(control, &report, sizeof(report), MSG_NOSIGNAL) ==
	       sizeof(report);
}

static void lessor_run(struct lessor *lessor, int control)
{
	struct pollfd polled[] = {
		{ .fd = barlease_server_get_fd(lessor->server),
		  .events = POLLIN },
		{ .fd = control, .events = POLLIN },
	};

	for (;;) {
		if (poll(polled, 2, -1) < 0)
			exit(2);
		if (polled[0].revents) {
			if (barlease_server_dispatch(lessor->server) < 0)
				exit(2);
			holders_check(lessor);
		}
		if (polled[1].revents && !order_take(lessor, control))
			return;
	}
}

static void child_run(const struct host *host, int control, unsigned int fds)
{
	struct rlimit limit = { fds, fds };
	struct lessor lessor = { 0 };
	uint64_t before;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fds && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		exit(2);
	before = fds_open();
	lessor_make(&lessor, host);
	lessor_run(&lessor, control);
	barlease_server_destroy(lessor.server);
	barlease_device_close(lessor.device);
	/* With a sanitizer, memory that is left makes for another status. */
	exit(fds_open() == before && !lessor.doubled ? 0 : 3);
}

static void order_send(struct host *host, const struct order *order,
		       struct host_report *report)
{
	assert_int_equal(send(host->control, order, sizeof(*order),
			      MSG_NOSIGNAL),
			 sizeof(*order));
	assert_int_equal(recv(host->control, report, sizeof(*report), 0),
			 sizeof(*report));
}

static void own_start(struct host *host, unsigned int fds)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    ends),
			 0);
	fflush(NULL);
	host->pid = fork();
	assert_true(host->pid >= 0);
	if (!host->pid) {
		close(ends[0]);
		child_run(host, ends[1], fds);
	}
	close(ends[1]);
	host->control = ends[0];
}

static void own_end(struct host *host)
{
	int status;

	close(host->control);
	assert_int_equal(waitpid(host->pid, &status, 0), host->pid);
	assert_int_equal(status, 0);
}

static void own_report(struct host *host, struct host_report *report)
{
	order_send(host, &(struct order){ 0 }, report);
}

/* The device goes away and comes back. */
static void own_tell(struct host *host, unsigned int times)
{
	order_send(host, &(struct order){ .blinks = times },
		   &(struct host_report){ 0 });
}

const struct host_kind host_own = {
	.start = own_start,
	.end = own_end,
	.report = own_report,
	.tell = own_tell,
	.rounds = 1,
};
