// SPDX-License-Identifier: MIT
/*
 * What does it cost to be granted a lease? By a server in another process, of a
 * simulated device, beside the least that it could be: two processes that pass a
 * packet there, and a packet with an fd back. As making the fd is the device's
 * part, a second one makes a lease of the device for each packet, too, and a
 * second server leaves it out: there a lease is one more fd of the same file.
 *
 *   grant trip [COUNT]    medians of round trips, and their ratios
 *   grant many [CLIENTS [LEASES]]
 *                         LEASES at the same time by CLIENTS: how long a grant
 *                         takes with more and more of them, memory of the server
 *   grant many-simulated [CLIENTS [LEASES]]
 *
 * A simulated device has a second fd for each lease, and memory. So "many" does
 * without.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <barlease.h>
#include <barlease/server.h>

#include "protocol/socket.h"

#define PAGE 4096ull
#define BAR 0
#define SLICES 10000

/* Of one kind before it is the other's turn: what disturbs hits both. */
#define ROUND 100

/* Leases are fds of this; -1: by the device. */
static int pretended = -1;

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "grant: %s: %s\n", what, strerror(abs(err)));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* What the server calls, redirected by the linker. */
int __real_barlease_lease_export_as(struct barlease_device *dev,
				    unsigned int bar,
				    const struct barlease_range *ranges,
				    unsigned int count,
				    const struct barlease_terms *terms);
int __wrap_barlease_lease_export_as(struct barlease_device *dev,
				    unsigned int bar,
				    const struct barlease_range *ranges,
				    unsigned int count,
				    const struct barlease_terms *terms);
int __wrap_barlease_lease_export_as(struct barlease_device *dev,
				    unsigned int bar,
				    const struct barlease_range *ranges,
				    unsigned int count,
				    const struct barlease_terms *terms)
{
	if (pretended < 0)
		return __real_barlease_lease_export_as(dev, bar, ranges, count,
						       terms);
	return fcntl(pretended, F_DUPFD_CLOEXEC, 0);
}

int __real_barlease_lease_revoke(struct barlease_device *dev, int fd);
int __wrap_barlease_lease_revoke(struct barlease_device *dev, int fd);
int __wrap_barlease_lease_revoke(struct barlease_device *dev, int fd)
{
	if (pretended < 0)
		return __real_barlease_lease_revoke(dev, fd);
	return 0;
}

static struct barlease_device *device_make(void)
{
	const struct barlease_sim_terms terms = {
		.name = "sim:bench",
		.bar_size = { [BAR] = SLICES * PAGE },
	};
	struct barlease_device *device;

	check(barlease_device_open_sim(&terms, &device), "device");
	return device;
}

/* The other process. Return: its end of a connection. */
static pid_t fork_with(int *end, int *other)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		check(errno, "socketpair");
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		check(errno, "fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	*end = ends[!pid];
	*other = ends[!!pid];
	return pid;
}

static void wait_for(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	poll(&polled, 1, -1);
}

static void take(int sock, struct received *received)
{
	int err;

	while ((err = barlease_packet_receive(sock, received)) == -EAGAIN)
		wait_for(sock);
	check(err, "receive");
}

/* Answer packets, as a server would that has nothing to look after. */
static void bare_run(int sock, struct barlease_device *device)
{
	const struct barlease_range range = { 0, PAGE };
	struct received received;
	union packet packet;
	int fd = memfd_create("bench", 0);

	barlease_packet_begin(&packet, BARLEASE_PACKET_GRANT, 1);
	for (;;) {
		wait_for(sock);
		if (barlease_packet_receive(sock, &received))
			_exit(0);
		if (device)
			fd = barlease_lease_export(device, BAR, &range, 1,
						   BARLEASE_READ_WRITE);
		check(barlease_packet_send(sock, &packet, fd), "send");
		if (!device)
			continue;
		/* When it does not count. */
		take(sock, &received);
		check(barlease_lease_revoke(device, fd), "revoke");
		close(fd);
		check(barlease_packet_send(sock, &packet, -1), "send");
	}
}

static int bare_start(struct barlease_device *device)
{
	int end, other;

	if (!fork_with(&end, &other)) {
		close(other);
		bare_run(end, device);
	}
	close(other);
	return end;
}

static void server_run(struct barlease_device *device, const char *path,
		       int ready)
{
	const struct barlease_server_terms terms = { 0 };
	const struct barlease_server_offer pool = {
		.name = "pool",
		.bar = BAR,
		.range = { 0, SLICES * PAGE },
		.slice_size = PAGE,
	};
	struct barlease_server *server;
	uint64_t offer, listener;

	check(barlease_server_create(&terms, &server), "server");
	check(barlease_server_add_device(server, device), "device");
	check(barlease_server_add_offer(server, device, &pool, &offer),
	      "offer");
	check(barlease_server_listen(server, path, 0600, &listener), path);
	check(barlease_server_show_offer(server, offer, listener), "show");
	send(ready, "", 1, 0);
	for (;;) {
		wait_for(barlease_server_get_fd(server));
		check(barlease_server_dispatch(server) < 0, "dispatch");
	}
}

static pid_t server_start(struct barlease_device *device, const char *path)
{
	int end, other;
	char byte;
	pid_t pid = fork_with(&end, &other);

	if (!pid)
		server_run(device, path, end);
	close(other);
	check(recv(end, &byte, 1, 0) != 1, "server");
	return pid;
}

static int server_join(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		check(errno, "connect");
	return sock;
}

/* Return: nanoseconds. The lease's fd is closed, its number put there. */
static uint64_t request(int sock, uint64_t *lease)
{
	struct received received;
	union packet packet;
	uint64_t begin;

	barlease_packet_begin(&packet, BARLEASE_PACKET_REQUEST, 1);
	strcpy(packet.request.name, "pool");
	begin = now();
	check(barlease_packet_send(sock, &packet, -1), "send");
	wait_for(sock);
	take(sock, &received);
	begin = now() - begin;
	check(received.packet.header.type != BARLEASE_PACKET_GRANT, "grant");
	*lease = received.packet.grant.lease;
	close(received.fd);
	return begin;
}

static void release(int sock, uint64_t lease)
{
	struct received received;
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 1);
	packet.release.lease = lease;
	check(barlease_packet_send(sock, &packet, -1), "send");
	wait_for(sock);
	take(sock, &received);
}

static int compare(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

static double median(uint64_t *times, size_t count)
{
	qsort(times, count, sizeof(*times), compare);
	return (double)times[count / 2];
}

static void path_make(char *path, size_t size, int which)
{
	snprintf(path, size, "/tmp/barlease-bench-%d-%d", getpid(), which);
}

enum kind {
	BARE,
	BARE_WITH_LEASE,
	SERVED,
	SERVED_WITHOUT_DEVICE,
	KINDS,
};

static void trip_report(const double *times)
{
	static const char *const names[] = {
		[BARE] = "a packet and one with an fd",
		[BARE_WITH_LEASE] = "the same, a lease made for each",
		[SERVED] = "a grant by the server",
		[SERVED_WITHOUT_DEVICE] = "a grant, the device's part left out",
	};

	for (unsigned int i = 0; i < KINDS; i++)
		printf("%-36s %6.0f ns, %.2f times the first\n", names[i],
		       times[i], times[i] / times[BARE]);
	printf("%-36s %.2f\n", "the third to the second",
	       times[SERVED] / times[BARE_WITH_LEASE]);
}

static int trip(size_t count)
{
	uint64_t *times = calloc(KINDS * count, sizeof(*times)), lease;
	struct barlease_device *device = device_make();
	double medians[KINDS];
	char paths[2][64];
	int socks[KINDS];
	pid_t servers[2];

	check(times ? 0 : ENOMEM, "times");
	socks[BARE] = bare_start(NULL);
	socks[BARE_WITH_LEASE] = bare_start(device);
	for (int i = 0; i < 2; i++) {
		path_make(paths[i], sizeof(paths[i]), i);
		servers[i] = server_start(device, paths[i]);
		socks[SERVED + i] = server_join(paths[i]);
		/* For the second one. */
		pretended = memfd_create("bench", MFD_CLOEXEC);
	}
	for (size_t i = 0; i < KINDS * count; i++) {
		size_t kind = i / ROUND % KINDS;
		size_t place = i / ROUND / KINDS * ROUND + i % ROUND;

		times[kind * count + place] = request(socks[kind], &lease);
		if (kind != BARE)
			release(socks[kind], lease);
	}
	for (unsigned int i = 0; i < KINDS; i++)
		medians[i] = median(times + i * count, count);
	trip_report(medians);
	for (int i = 0; i < 2; i++) {
		kill(servers[i], SIGKILL);
		unlink(paths[i]);
	}
	return 0;
}

/* KiB of its own memory: files in memory are the device's. */
static unsigned long resident(pid_t pid)
{
	unsigned long size = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %lu", &size) == 1)
			break;
	if (file)
		fclose(file);
	return size;
}

static void fds_allow(void)
{
	struct rlimit limit;

	check(getrlimit(RLIMIT_NOFILE, &limit) ? errno : 0, "limit of fds");
	limit.rlim_cur = limit.rlim_max;
	check(setrlimit(RLIMIT_NOFILE, &limit) ? errno : 0, "limit of fds");
}

static int many(size_t clients, size_t leases)
{
	uint64_t *times = calloc(leases, sizeof(*times)), lease;
	int *socks = calloc(clients, sizeof(*socks));
	struct barlease_device *device;
	char path[64];
	pid_t server;

	check(times && socks ? 0 : ENOMEM, "times");
	fds_allow();
	device = device_make();
	path_make(path, sizeof(path), 0);
	server = server_start(device, path);
	printf("resident: %lu KiB", resident(server));
	for (size_t i = 0; i < clients; i++)
		socks[i] = server_join(path);
	request(socks[clients - 1], &lease);
	release(socks[clients - 1], lease);
	printf(", with %zu clients %lu KiB", clients, resident(server));
	for (size_t i = 0; i < leases; i++)
		times[i] = request(socks[i % clients], &lease);
	printf(", with %zu leases %lu KiB\n", leases, resident(server));
	for (size_t i = 0; i < 10; i++)
		printf("leases %zu to %zu: %.0f ns\n", i * leases / 10,
		       (i + 1) * leases / 10,
		       median(times + i * leases / 10, leases / 10));
	kill(server, SIGKILL);
	unlink(path);
	return 0;
}

static size_t number(int argc, char **argv, int which, size_t usual)
{
	size_t value = which < argc ? strtoul(argv[which], NULL, 0) : usual;

	return value ? value : usual;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "trip"))
		return trip((number(argc, argv, 2, 10000) + ROUND - 1) / ROUND *
			    ROUND);
	if (argc > 1 && !strcmp(argv[1], "many"))
		pretended = memfd_create("bench", MFD_CLOEXEC);
	if (argc > 1 && !strncmp(argv[1], "many", 4))
		return many(number(argc, argv, 2, 1000),
			    number(argc, argv, 3, SLICES));
	fprintf(stderr, "usage: grant trip [COUNT] | many[-simulated] [CLIENTS [LEASES]]\n");
	return 2;
}
