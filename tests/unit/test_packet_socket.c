// SPDX-License-Identifier: MIT
/* Packets on a socket, and the fds that come with them, wanted or not. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/socket.h"

/* A connection; *state is the array of its ends. */
static int connect_setup(void **state)
{
	static int ends[2];

	*state = ends;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int connect_teardown(void **state)
{
	int *ends = *state;

	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}

/* Anything, with any number of fds of this process. */
static void send_raw(int sock, size_t length, unsigned int fds)
{
	static char bytes[1000];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(300 * sizeof(int))];
	} control = { 0 };
	struct iovec vec = { .iov_base = bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };
	unsigned int i;

	for (i = 0; i < fds; i++)
		((int *)CMSG_DATA(&control.header))[i] = STDERR_FILENO;
	if (fds) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fds * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = control.header.cmsg_len;
	}
	assert_int_equal(sendmsg(sock, &message, MSG_NOSIGNAL), length);
}

static void a_packet_arrives_as_it_was_sent(void **state)
{
	struct received received;
	union packet packet;
	int *ends = *state;

	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 9);
	packet.release.lease = 0x123456789abcdef;
	assert_int_equal(barlease_packet_receive(ends[1], &received), -EAGAIN);
	assert_int_equal(barlease_packet_send(ends[0], &packet, -1), 0);
	assert_int_equal(barlease_packet_receive(ends[1], &received), 0);
	assert_int_equal(received.length, sizeof(packet.release));
	assert_memory_equal(&received.packet, &packet, sizeof(packet.release));
	assert_int_equal(received.fd, -1);
	assert_false(received.fds_lost);
}

static void a_packet_that_was_looked_at_is_still_there(void **state)
{
	struct received received;
	union packet packet;
	unsigned int fds;
	int *ends = *state;

	assert_int_equal(barlease_packet_peek(ends[1], &received), -EAGAIN);
	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 9);
	packet.release.lease = 0x123456789abcdef;
	assert_int_equal(barlease_packet_send(ends[0], &packet, STDERR_FILENO),
			 0);
	fds = fd_count();
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(barlease_packet_peek(ends[1], &received), 0);
		assert_int_equal(received.length, sizeof(packet.release));
		assert_memory_equal(&received.packet, &packet,
				    sizeof(packet.release));
		assert_true(received.fds_lost);
	}
	assert_int_equal(fd_count(), fds);
	assert_int_equal(barlease_packet_receive(ends[1], &received), 0);
	assert_int_equal(received.packet.release.lease, packet.release.lease);
	assert_true(received.fd >= 0);
	close(received.fd);
}

static void an_fd_arrives_and_is_not_inherited(void **state)
{
	struct received received;
	union packet packet;
	int *ends = *state;
	int pipes[2];
	char byte = 0;

	assert_int_equal(pipe(pipes), 0);
	barlease_packet_begin(&packet, BARLEASE_PACKET_GRANT, 1);
	assert_int_equal(barlease_packet_send(ends[0], &packet, pipes[1]), 0);
	close(pipes[1]);
	assert_int_equal(barlease_packet_receive(ends[1], &received), 0);
	assert_true(received.fd >= 0);
	assert_int_equal(fcntl(received.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(received.fd, "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(received.fd);
	close(pipes[0]);
}

static void of_several_fds_none_is_left(void **state)
{
	unsigned int before = fd_count(), fds;
	struct received received;
	int *ends = *state;

	for (fds = 2; fds <= 253; fds++) {
		send_raw(ends[0], 16, fds);
		assert_int_equal(barlease_packet_receive(ends[1], &received),
				 0);
		assert_true(received.fds_lost);
		assert_true(received.fds_several);
		assert_int_equal(received.fd, -1);
	}
	assert_int_equal(fd_count(), before);
}

static void fds_that_are_not_wanted_are_never_there(void **state)
{
	unsigned int before = fd_count(), fds;
	struct received received;
	int *ends = *state;

	for (fds = 0; fds <= 253; fds += fds < 4 ? 1 : 83) {
		send_raw(ends[0], 16, fds);
		assert_int_equal(barlease_packet_receive_alone(ends[1],
							       &received),
				 0);
		assert_int_equal(received.length, 16);
		assert_int_equal(received.fd, -1);
		assert_int_equal(received.fds_lost, fds > 0);
	}
	assert_int_equal(fd_count(), before);
}

/* Which came with a socket that somebody else has made. */
static void credentials_do_not_take_the_room_of_an_fd(void **state)
{
	const int options[] = { SO_PASSCRED, SO_PASSSEC, 76 /* a pidfd */ };
	struct received received;
	int *ends = *state;
	const int on = 1;

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		setsockopt(ends[1], SOL_SOCKET, options[i], &on, sizeof(on));
	barlease_socket_prepare(ends[1], true);
	send_raw(ends[0], 16, 1);
	assert_int_equal(barlease_packet_receive(ends[1], &received), 0);
	assert_false(received.fds_lost);
	assert_true(received.fd >= 0);
	close(received.fd);
	send_raw(ends[0], 16, 0);
	assert_int_equal(barlease_packet_receive_alone(ends[1], &received), 0);
	assert_false(received.fds_lost);
}

static void an_fd_that_finds_no_room_is_said_to_be_lost(void **state)
{
	unsigned int before = fd_count();
	struct received received;
	int *ends = *state;
	int err;

	send_raw(ends[0], 16, 1);
	fds_exhaust(true);
	err = barlease_packet_receive(ends[1], &received);
	fds_exhaust(false);
	assert_int_equal(err, 0);
	assert_true(received.fds_lost);
	assert_false(received.fds_several);
	assert_int_equal(received.fd, -1);
	assert_int_equal(fd_count(), before);
}

static void what_is_too_long_tells_its_length(void **state)
{
	struct received received;
	int *ends = *state;

	send_raw(ends[0], sizeof(received.packet) + 1, 0);
	assert_int_equal(barlease_packet_receive(ends[1], &received), 0);
	assert_int_equal(received.length, sizeof(received.packet) + 1);
}

static void an_empty_packet_counts_as_the_end(void **state)
{
	unsigned int before = fd_count();
	struct received received;
	int *ends = *state;

	send_raw(ends[0], 0, 0);
	assert_int_equal(barlease_packet_receive(ends[1], &received),
			 -ECONNRESET);
	send_raw(ends[0], 0, 1);
	assert_int_equal(barlease_packet_receive(ends[1], &received),
			 -ECONNRESET);
	assert_int_equal(fd_count(), before);
}

static void the_end_is_told(void **state)
{
	struct received received;
	union packet packet;
	int *ends = *state;

	close(ends[1]);
	ends[1] = -1;
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 1);
	assert_int_equal(barlease_packet_send(ends[0], &packet, -1), -EPIPE);
	assert_int_equal(barlease_packet_receive(ends[0], &received),
			 -ECONNRESET);
}

static void who_does_not_read_is_not_waited_for(void **state)
{
	union packet packet;
	int *ends = *state;
	unsigned int sent = 0;
	int err;

	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 1);
	while (!(err = barlease_packet_send(ends[0], &packet, -1)))
		sent++;
	assert_int_equal(err, -EAGAIN);
	assert_true(sent > 0);
}

int main(void)
{
#define CONNECTED(test) \
	cmocka_unit_test_setup_teardown(test, connect_setup, connect_teardown)
	const struct CMUnitTest tests[] = {
		CONNECTED(a_packet_arrives_as_it_was_sent),
		CONNECTED(a_packet_that_was_looked_at_is_still_there),
		CONNECTED(an_fd_arrives_and_is_not_inherited),
		CONNECTED(of_several_fds_none_is_left),
		CONNECTED(fds_that_are_not_wanted_are_never_there),
		CONNECTED(credentials_do_not_take_the_room_of_an_fd),
		CONNECTED(an_fd_that_finds_no_room_is_said_to_be_lost),
		CONNECTED(what_is_too_long_tells_its_length),
		CONNECTED(an_empty_packet_counts_as_the_end),
		CONNECTED(the_end_is_told),
		CONNECTED(who_does_not_read_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
