// SPDX-License-Identifier: MIT
/*
 * Lessees who keep to nothing, against a server in a process of its own. Each
 * thing is done twice: what the server has then must be what it had after the
 * first time, when tables had grown to what is needed.
 */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "protocol/socket.h"

#define FDS_MAX 253 /* SCM_MAX_FD */
#define CONNECTIONS 5000

static int setup(void **state)
{
	static struct host host;

	host_start(&host, 0);
	*state = &host;
	return 0;
}

static int teardown(void **state)
{
	host_end(*state);
	return 0;
}

/* Return: whether the kernel lets that be sent. */
static bool bytes_sent(int sock, const void *bytes, size_t length,
		       unsigned int fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec vec = { (void *)(uintptr_t)bytes, length };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };
	ssize_t sent;

	for (unsigned int i = 0; i < fds; i++)
		((int *)CMSG_DATA(&control.header))[i] = sock;
	if (fds) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fds * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = control.header.cmsg_len;
	}
	sent = sendmsg(sock, &message, MSG_NOSIGNAL);
	/* From Linux 6.16 on, as the server wants no fds. */
	if (sent < 0 && fds && errno == EPERM)
		return false;
	assert_int_equal(sent, length);
	return true;
}

static void bytes_send(int sock, const void *bytes, size_t length)
{
	assert_true(bytes_sent(sock, bytes, length, 0));
}

static void packet_send(int sock, const union packet *packet)
{
	bytes_send(sock, packet, packet->header.size);
}

static void request_send(int sock, uint32_t serial, const char *name,
			 uint64_t wait)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_REQUEST, serial);
	strcpy(packet.request.name, name);
	packet.request.wait = wait;
	packet_send(sock, &packet);
}

/* Wait for a packet. Return: whether there was one before the end. */
static bool packet_take(int sock, union packet *packet)
{
	struct pollfd polled = { .fd = sock, .events = POLLIN };
	struct received received;
	int err;

	do {
		assert_int_equal(poll(&polled, 1, 30000), 1);
		err = barlease_packet_receive(sock, &received);
	} while (err == -EAGAIN);
	if (received.fd >= 0)
		close(received.fd);
	*packet = received.packet;
	return !err;
}

static void assert_refused(int sock, int error)
{
	union packet packet;

	assert_true(packet_take(sock, &packet));
	assert_int_equal(packet.header.type, BARLEASE_PACKET_REFUSED);
	assert_int_equal(packet.refused.error, error);
}

static uint64_t lease_get(int sock, const char *name)
{
	union packet packet;

	request_send(sock, 100, name, 0);
	assert_true(packet_take(sock, &packet));
	assert_int_equal(packet.header.type, BARLEASE_PACKET_GRANT);
	return packet.grant.lease;
}

/* It had a lease, and loses it with its connection. */
static void violate(struct host *host, const void *bytes, size_t length,
		    unsigned int fds, int error)
{
	int sock = host_connect(host->path);
	union packet packet;

	lease_get(sock, "one");
	if (bytes_sent(sock, bytes, length, fds)) {
		if (error)
			assert_refused(sock, error);
		assert_false(packet_take(sock, &packet));
	}
	close(sock);
}

static void sizes(struct host *host)
{
	uint8_t bytes[sizeof(union packet) + 100] = { 0 };
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 5);
	memcpy(bytes, &packet, packet.header.size);
	for (size_t length = 1; length <= sizeof(bytes); length += 23)
		if (length != packet.header.size)
			violate(host, bytes, length, 0, EPROTO);
	violate(host, bytes, 0, 0, 0);
	packet.header.size = UINT32_MAX;
	violate(host, &packet, 24, 0, EPROTO);
}

static void a_packet_of_another_size_ends_the_connection(void **state)
{
	host_twice(*state, sizes);
}

static void contents(struct host *host)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 5);
	packet.header.version = 2;
	violate(host, &packet, packet.header.size, 0, EPROTONOSUPPORT);
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 0);
	violate(host, &packet, packet.header.size, 0, EPROTO);
	barlease_packet_begin(&packet, BARLEASE_PACKET_CANCEL, 5);
	packet.cancel.reserved = 1;
	violate(host, &packet, packet.header.size, 0, EPROTO);
	barlease_packet_begin(&packet, BARLEASE_PACKET_REQUEST, 5);
	memset(packet.request.name, 'x', sizeof(packet.request.name));
	violate(host, &packet, packet.header.size, 0, EPROTO);
	/* What a server says, and what nobody does. */
	for (unsigned int type = 0; type < 300; type += 7) {
		barlease_packet_begin(&packet, BARLEASE_PACKET_GRANT, 5);
		packet.header.type = (uint16_t)type;
		violate(host, &packet, packet.header.size, 0, EPROTO);
	}
}

static void what_is_no_packet_of_a_lessee_ends_the_connection(void **state)
{
	host_twice(*state, contents);
}

/* With 253 there is no room for all: control data that is cut off. */
static void passed_fds(struct host *host)
{
	static const unsigned int counts[] = { 1, 2, 3, FDS_MAX };
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 5);
	for (size_t i = 0; i < 4; i++)
		violate(host, &packet, packet.header.size, counts[i], EPROTO);
}

static void an_fd_with_a_packet_ends_the_connection(void **state)
{
	host_twice(*state, passed_fds);
}

static void what_is_of_others(struct host *host)
{
	int owner = host_connect(host->path);
	int thief = host_connect(host->path);
	int outside = host_connect(host->other_path);
	uint64_t lease = lease_get(owner, "one");
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 5);
	packet.release.lease = lease;
	packet_send(thief, &packet);
	assert_refused(thief, ENOENT);
	packet_send(outside, &packet);
	assert_refused(outside, ENOENT);
	/* Of a lease that never was, and of a request that is another's. */
	packet.release.lease = UINT64_MAX;
	packet_send(thief, &packet);
	assert_refused(thief, ENOENT);
	request_send(owner, 7, "one", BARLEASE_WAIT_FOR_EVER);
	assert_true(packet_take(owner, &packet));
	assert_int_equal(packet.header.type, BARLEASE_PACKET_QUEUED);
	barlease_packet_begin(&packet, BARLEASE_PACKET_CANCEL, 6);
	packet.cancel.request = 7;
	packet_send(thief, &packet);
	request_send(thief, 8, "one", 0);
	assert_refused(thief, EBUSY);
	request_send(outside, 8, "one", 0);
	assert_refused(outside, ENOENT);
	request_send(outside, 9, "other", 0);
	assert_true(packet_take(outside, &packet));
	assert_int_equal(packet.header.type, BARLEASE_PACKET_GRANT);
	/* The owner has it yet, and waits yet. */
	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 10);
	packet.release.lease = lease;
	packet_send(owner, &packet);
	assert_true(packet_take(owner, &packet));
	assert_int_equal(packet.header.type, BARLEASE_PACKET_RELEASED);
	assert_true(packet_take(owner, &packet));
	assert_int_equal(packet.header.type, BARLEASE_PACKET_GRANT);
	close(owner);
	close(thief);
	close(outside);
}

static void what_is_of_others_cannot_be_had(void **state)
{
	host_twice(*state, what_is_of_others);
}

static void half_open(struct host *host)
{
	union packet packet;

	for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
		int sock = host_connect(host->path);
		struct host_report report;

		lease_get(sock, "one");
		assert_int_equal(shutdown(sock, how), 0);
		/* Who only does not listen is found out when told something. */
		if (how == SHUT_RD)
			host_tell(host, 1);
		host_wait(host, 0, &report);
		if (how != SHUT_RD)
			assert_false(packet_take(sock, &packet));
		close(sock);
	}
}

static void half_a_connection_is_none(void **state)
{
	host_twice(*state, half_open);
}

static void not_reading(struct host *host)
{
	int sock = host_connect(host->path);
	struct host_report before, now;
	union packet packet;
	unsigned int i;

	for (i = 0; i < HOST_PACKETS; i++)
		lease_get(sock, "shared");
	host_report(host, &before);
	/* It asks, too, until the server takes nothing more from it. */
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 5);
	while (!barlease_packet_send(sock, &packet, -1))
		;
	host_serves(host, "pool");
	host_report(host, &now);
	assert_int_equal(now.leases, HOST_PACKETS);
	assert_true(host_heap_within(&before, &now, HOST_PACKETS * 512));
	/* More than is kept for it, and more than a socket holds. */
	host_tell(host, 20);
	host_wait(host, 0, &now);
	host_serves(host, "pool");
	close(sock);
}

static void who_does_not_read_is_thrown_out(void **state)
{
	host_twice(*state, not_reading);
}

static void storm(struct host *host)
{
	const union packet packet = { 0 };

	for (unsigned int i = 0; i < 3000; i++) {
		int sock = host_connect(host->path);

		/* Nothing, something, half of something, and with a lease. */
		if (i % 4 == 1)
			request_send(sock, 5, "pool", BARLEASE_WAIT_FOR_EVER);
		if (i % 4 == 2)
			bytes_send(sock, &packet, 10);
		if (i % 40 == 3)
			lease_get(sock, "shared");
		close(sock);
	}
	host_serves(host, "one");
}

static void who_comes_and_goes_leaves_nothing(void **state)
{
	host_twice(*state, storm);
}

#define FLOODERS 100

static void flood(struct host *host)
{
	struct host_report report;
	int socks[FLOODERS];
	int holder = host_connect(host->path);

	lease_get(holder, "one");
	for (unsigned int i = 0; i < FLOODERS; i++) {
		socks[i] = host_connect(host->path);
		for (uint32_t j = 1; j <= 60; j++)
			request_send(socks[i], j, "one",
				     BARLEASE_WAIT_FOR_EVER);
	}
	host_serves(host, "pool");
	host_report(host, &report);
	assert_true(report.waiting <= FLOODERS * BARLEASE_REQUESTS_MAX);
	for (unsigned int i = 0; i < FLOODERS; i++)
		close(socks[i]);
	host_serves(host, "pool");
	close(holder);
}

static void a_flood_of_requests_holds_up_nobody(void **state)
{
	host_twice(*state, flood);
}

static unsigned int connection_count;

static void connections(struct host *host)
{
	int *socks = calloc(connection_count, sizeof(*socks));

	assert_non_null(socks);
	for (unsigned int i = 0; i < connection_count; i++)
		socks[i] = host_connect(host->path);
	host_wait(host, connection_count, &(struct host_report){ 0 });
	host_serves(host, "one");
	for (unsigned int i = 0; i < connection_count; i++)
		close(socks[i]);
	free(socks);
}

/* Each takes two fds of the server. */
static void connections_that_say_nothing_hold_up_nobody(void **state)
{
	struct rlimit usual, all;
	struct host host;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	all = usual;
	all.rlim_cur = all.rlim_max < 32768 ? all.rlim_max : 32768;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	connection_count = CONNECTIONS;
	if (all.rlim_cur < 2 * CONNECTIONS + 100) {
		connection_count = (unsigned int)(all.rlim_cur - 100) / 2;
		print_message("# only %u connections: no more fds\n",
			      connection_count);
	}
	host_start(&host, 0);
	host_twice(&host, connections);
	host_end(&host);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

#define FEW_FDS 40

/* Each of them is let in or told something. Return: how many were told. */
static unsigned int wait_decided(struct host *host, struct pollfd *socks)
{
	struct host_report report;
	int told = 0;

	for (int i = 0; i < 3000; i++) {
		told = poll(socks, FEW_FDS, 0);
		assert_true(told >= 0);
		host_report(host, &report);
		if (report.lessees == FEW_FDS + 1 - (unsigned int)told)
			return (unsigned int)told;
		usleep(10000);
	}
	fail_msg("of %d connections %d are told, and %d lessees are there",
		 FEW_FDS + 1, told, (int)report.lessees);
	return 0;
}

/* There is room for some lessees, and then not even for a lease. */
static void fds_of_server(struct host *host)
{
	int first = host_connect(host->path);
	struct pollfd socks[FEW_FDS];
	unsigned int turned_away;
	union packet packet;

	lease_get(first, "one");
	for (unsigned int i = 0; i < FEW_FDS; i++)
		socks[i] = (struct pollfd){ .fd = host_connect(host->path),
					    .events = POLLIN };
	turned_away = wait_decided(host, socks);
	assert_true(turned_away > 0 && turned_away < FEW_FDS);
	for (unsigned int i = 0; i < FEW_FDS; i++) {
		if (!socks[i].revents)
			continue;
		assert_refused(socks[i].fd, EMFILE);
		assert_false(packet_take(socks[i].fd, &packet));
	}
	/* Those who are in go on. */
	request_send(first, 5, "pool", 0);
	assert_refused(first, EMFILE);
	for (unsigned int i = 0; i < FEW_FDS; i++)
		close(socks[i].fd);
	host_wait(host, 1, &(struct host_report){ 0 });
	lease_get(first, "pool");
	close(first);
	host_wait(host, 0, &(struct host_report){ 0 });
	host_serves(host, "one");
}

static void fds_that_run_out_come_back(void **state)
{
	struct host host;

	(void)state;
	/* A lessee takes two: so the last one may find one left, or none. */
	for (unsigned int more = 0; more < 2; more++) {
		host_start(&host, FEW_FDS + more);
		host_twice(&host, fds_of_server);
		host_end(&host);
	}
}

/* The grant arrives without its fd, and the lessee gives it back. */
static void fds_of_lessee(struct host *host)
{
	const struct barlease_wanted wanted = { .name = "one" };
	struct barlease_lessee *lessee;
	struct barlease_granted granted;
	struct host_report report;
	struct rlimit usual, few;

	assert_int_equal(barlease_lessee_connect(host->path, &lessee), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	few = usual;
	few.rlim_cur = 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(barlease_lessee_request(lessee, &wanted,
							 &granted),
				 -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(barlease_lessee_request(lessee, &wanted, &granted), 0);
	host_report(host, &report);
	assert_int_equal(report.leases, 1);
	close(granted.fd);
	barlease_lessee_close(lessee);
}

static void who_has_no_room_for_a_lease_does_not_keep_it(void **state)
{
	host_twice(*state, fds_of_lessee);
}

#define host_test(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		host_test(a_packet_of_another_size_ends_the_connection),
		host_test(what_is_no_packet_of_a_lessee_ends_the_connection),
		host_test(an_fd_with_a_packet_ends_the_connection),
		host_test(what_is_of_others_cannot_be_had),
		host_test(half_a_connection_is_none),
		host_test(who_does_not_read_is_thrown_out),
		host_test(who_comes_and_goes_leaves_nothing),
		host_test(a_flood_of_requests_holds_up_nobody),
		cmocka_unit_test(connections_that_say_nothing_hold_up_nobody),
		cmocka_unit_test(fds_that_run_out_come_back),
		host_test(who_has_no_room_for_a_lease_does_not_keep_it),
	};

	host_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
