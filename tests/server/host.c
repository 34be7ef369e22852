// SPDX-License-Identifier: MIT
#include "host_kind.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How long the server may take to notice what has happened, 10 ms each. */
#define LOOKS 3000

/*
 * A block can be larger than asked for, by what is too small for a block of its
 * own, and is so or not by what was there before.
 */
#define BLOCK_SLACK 16

static const struct host_kind *kind = &host_own;

void host_choose(int argc, char **argv)
{
	if (argc < 2)
		return;
	kind = &host_daemon;
	host_daemon_is(argv[1]);
}

void host_start(struct host *host, unsigned int fds)
{
	/* One of a test that has failed may be there yet. */
	static unsigned int count;

	*host = (struct host){ 0 };
	snprintf(host->path, sizeof(host->path), "/tmp/barlease-host-%d-%u",
		 getpid(), ++count);
	snprintf(host->other_path, sizeof(host->other_path), "%s-other",
		 host->path);
	kind->start(host, fds);
	/* Its sockets are there when it answers. */
	host_report(host, &(struct host_report){ 0 });
}

void host_end(struct host *host)
{
	kind->end(host);
}

void host_report(struct host *host, struct host_report *report)
{
	kind->report(host, report);
	assert_int_equal(report->doubled, 0);
}

void host_tell(struct host *host, unsigned int times)
{
	kind->tell(host, times);
}

void host_wait(struct host *host, uint64_t lessees, struct host_report *report)
{
	for (int i = 0; i < LOOKS; i++) {
		host_report(host, report);
		if (report->lessees == lessees && !report->waiting &&
		    (lessees || !report->leases))
			return;
		usleep(10000);
	}
	fail_msg("%d lessees, %d leases, %d requests are there",
		 (int)report->lessees, (int)report->leases,
		 (int)report->waiting);
}

int host_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(sock >= 0);
	strcpy(address.sun_path, path);
	assert_int_equal(connect(sock, (struct sockaddr *)&address,
				 sizeof(address)),
			 0);
	return sock;
}

void host_serves(struct host *host, const char *name)
{
	const struct barlease_wanted wanted = { .name = name };
	struct barlease_lessee *lessee;
	struct barlease_granted granted;
	struct barlease_map map;

	assert_int_equal(barlease_lessee_connect(host->path, &lessee), 0);
	assert_int_equal(barlease_lessee_request(lessee, &wanted, &granted), 0);
	assert_int_equal(barlease_lessee_map(&granted, &map), 0);
	*(volatile uint32_t *)map.address = 1;
	barlease_map_end(&map);
	assert_int_equal(barlease_lessee_release(lessee, granted.lease), 0);
	close(granted.fd);
	barlease_lessee_close(lessee);
}

bool host_heap_within(const struct host_report *before,
		      const struct host_report *now, uint64_t more)
{
	uint64_t heap = now->heap + now->blocks * BLOCK_SLACK;
	uint64_t slack = 2 * now->blocks * BLOCK_SLACK + kind->slack;

	return heap <= before->heap + slack + more;
}

void host_twice(struct host *host, void (*what)(struct host *host))
{
	struct host_report before, now;
	unsigned int rounds = 0;

	what(host);
	/* What is lost each time is seen each time. */
	do {
		assert_true(rounds++ < kind->rounds);
		host_wait(host, 0, &before);
		what(host);
		host_wait(host, 0, &now);
		assert_int_equal(now.leases, before.leases);
		assert_int_equal(now.fds, before.fds);
		assert_int_equal(now.blocks, before.blocks);
	} while (!host_heap_within(&before, &now, 0));
}
