// SPDX-License-Identifier: MIT
/* What lessees do that they should not, and what there is not enough of. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* It is told why, thrown out, and has no leases any more. */
static void assert_thrown_out(struct shop *shop, int sock, uint32_t serial,
			      int error)
{
	lessee_take_refused(shop, sock, serial, error);
	lessee_take_end(shop, sock);
	close(sock);
}

static int guest(struct shop *shop)
{
	int sock = lessee_join(shop);

	lessee_get(shop, sock, "slice", NULL);
	return sock;
}

static void send_bytes(int sock, const void *bytes, size_t length)
{
	assert_int_equal(send(sock, bytes, length, MSG_NOSIGNAL), length);
}

static void who_breaks_the_protocol_is_thrown_out(void **state)
{
	struct shop *shop = *state;
	char bytes[1000] = { 0 };
	union packet packet;
	int sock;

	shop_offer(shop, "slice", 0, 1, 0);
	sock = guest(shop);
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 8);
	packet.header.version = 2;
	lessee_send(sock, &packet);
	assert_thrown_out(shop, sock, 8, EPROTONOSUPPORT);

	sock = guest(shop);
	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASED, 9);
	lessee_send(sock, &packet);
	assert_thrown_out(shop, sock, 9, EPROTO);

	/* Too short for a serial, too long, and without one. */
	sock = guest(shop);
	send_bytes(sock, bytes, 1);
	assert_thrown_out(shop, sock, 1, EPROTO);
	sock = guest(shop);
	send_bytes(sock, bytes, sizeof(bytes));
	assert_thrown_out(shop, sock, 1, EPROTO);
	sock = guest(shop);
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 0);
	lessee_send(sock, &packet);
	assert_thrown_out(shop, sock, 1, EPROTO);

	/* What comes after that is not looked at. */
	sock = guest(shop);
	send_bytes(sock, bytes, 1);
	lessee_request(sock, 7, "slice", 0);
	assert_thrown_out(shop, sock, 1, EPROTO);
	close(guest(shop));
}

/* Linux 6.16 and later. */
static bool kernel_refuses_fds(int sock)
{
	int value;
	socklen_t size = sizeof(value);

	return !getsockopt(sock, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &value,
			   &size);
}

static void an_fd_with_a_packet_cannot_be_sent_or_is_a_violation(void **state)
{
	struct shop *shop = *state;
	union packet packet;
	unsigned int fds;
	int sock, err;

	shop_offer(shop, "slice", 0, 1, 0);
	fds = fd_count();
	sock = guest(shop);
	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 8);
	packet.release.lease = 1;
	err = barlease_packet_send(sock, &packet, STDERR_FILENO);
	if (!kernel_refuses_fds(sock)) {
		assert_int_equal(err, 0);
		assert_thrown_out(shop, sock, 8, EPROTO);
	} else {
		assert_int_equal(err, -EPERM);
		lessee_send(sock, &packet);
		lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 8);
		close(sock);
		/* Nor before the server has looked at the connection. */
		sock = lessee_connect(shop->path);
		err = barlease_packet_send(sock, &packet, STDERR_FILENO);
		assert_int_equal(err, -EPERM);
		close(sock);
		shop_settle(shop);
	}
	assert_int_equal(fd_count(), fds);
}

/* A socket that listened before there was a server. Return: it. */
static int listen_without(const struct shop *shop, struct sockaddr_un *address)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const int on = 1;

	assert_true(sock >= 0);
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "%s-given",
		 shop->path);
	unlink(address->sun_path);
	assert_int_equal(bind(sock, (struct sockaddr *)address,
			      sizeof(*address)),
			 0);
	assert_int_equal(listen(sock, 10), 0);
	/* As systemd's PassCredentials= has it. */
	assert_int_equal(setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on,
				    sizeof(on)),
			 0);
	return sock;
}

/* Also by those that were there before the server. */
static void a_socket_that_is_given_takes_neither_fds_nor_credentials(
	void **state)
{
	struct shop *shop = *state;
	struct sockaddr_un address;
	uint64_t offer, listener;
	int given, early, late, hostile;
	union packet packet;
	unsigned int fds;

	offer = shop_offer(shop, "slice", 0, 1, 0);
	given = listen_without(shop, &address);
	early = lessee_connect(address.sun_path);
	hostile = lessee_connect(address.sun_path);
	fds = fd_count();
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 8);
	assert_int_equal(barlease_packet_send(hostile, &packet, STDERR_FILENO),
			 0);
	assert_int_equal(barlease_server_listen_fd(shop->server, given,
						   &listener),
			 0);
	assert_int_equal(barlease_server_show_offer(shop->server, offer,
						    listener),
			 0);
	lessee_list(early, 1);
	late = lessee_connect(address.sun_path);
	lessee_list(late, 1);
	lessee_take(shop, early, BARLEASE_PACKET_OFFER, 1);
	lessee_take(shop, late, BARLEASE_PACKET_OFFER, 1);
	assert_thrown_out(shop, hostile, 8, EPROTO);
	close(early);
	close(late);
	shop_settle(shop);
	assert_int_equal(fd_count(), fds - 2);
	unlink(address.sun_path);
}

static void an_empty_packet_is_the_end(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	send_bytes(sock, NULL, 0);
	lessee_take_end(shop, sock);
	assert_journal(shop, "came 1\ngone 1\n");
	close(sock);
}

/* It asks and asks and does not read; so it is not listened to any more. */
static void who_does_not_read_is_not_answered_without_end(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop), other = lessee_join(shop);
	struct received received;
	unsigned int answers = 0, asked = 0;
	union packet packet;

	shop_offer(shop, "slice", 0, 1, 0);
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 8);
	/* Neither the one nor the other gets through. */
	while (!barlease_packet_send(sock, &packet, -1)) {
		asked++;
		if (asked % 16 == 0)
			shop_settle(shop);
		assert_true(asked < 10000);
	}
	shop_settle(shop);
	assert_int_equal(barlease_server_dispatch(shop->server), 0);
	lessee_get(shop, other, "slice", NULL);
	/* When it reads, it has all its answers. */
	while (!barlease_packet_receive(sock, &received)) {
		answers += received.packet.header.type ==
			   BARLEASE_PACKET_LISTED;
		shop_settle(shop);
	}
	assert_int_equal(answers, asked);
	close(sock);
	close(other);
}

/* Its half of the connection is closed, and it is not waited for. */
static void who_neither_reads_nor_speaks_is_gone(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);
	unsigned int asked = 0;
	union packet packet;

	shop_offer(shop, "slice", 0, 1, 0);
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 8);
	while (!barlease_packet_send(sock, &packet, -1)) {
		asked++;
		if (asked % 16 == 0)
			shop_settle(shop);
		assert_true(asked < 10000);
	}
	shop_settle(shop);
	assert_journal(shop, "came 1\n");
	shutdown(sock, SHUT_WR);
	for (unsigned int i = 0; i < 10; i++)
		barlease_server_dispatch(shop->server);
	assert_journal(shop, "gone 1\n");
	close(sock);
}

/*
 * Each GRANT that is not read is an fd of a file that nobody else has any more,
 * and they count for the user that the server runs as.
 */
static void who_does_not_read_has_few_fds_on_their_way(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop), err = 0;
	struct received received;
	unsigned int grants = 0;
	union packet packet;

	shop_offer(shop, "slice", 0, 1, 0);
	for (uint64_t lease = 1; !err && lease < 1000; lease++) {
		barlease_packet_begin(&packet, BARLEASE_PACKET_REQUEST, 1);
		err = barlease_packet_send(sock, &packet, -1);
		barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 2);
		packet.release.lease = lease;
		if (!err)
			err = barlease_packet_send(sock, &packet, -1);
		shop_settle(shop);
	}
	assert_int_equal(err, -EAGAIN);
	while (!barlease_packet_receive(sock, &received)) {
		if (received.fd >= 0)
			close(received.fd);
		grants += received.packet.header.type == BARLEASE_PACKET_GRANT;
	}
	assert_in_range(grants, 1, 16);
	close(sock);
}

#define PACKETS 8

static void who_does_not_read_its_events_is_thrown_out(void **state)
{
	const struct barlease_server_terms terms = { .packets_max = PACKETS };
	struct shop *shop = *state;
	int sock, other;

	shop_restart(shop, &terms);
	shop_offer(shop, "slice", 0, 1, 0);
	shop_offer(shop, "other", 1, 1, 0);
	sock = lessee_join(shop);
	other = lessee_join(shop);
	lessee_get(shop, sock, "slice", NULL);
	lessee_get(shop, other, "other", NULL);
	for (unsigned int i = 0; i < 5000; i++) {
		struct received received;

		barlease_server_device_away(shop->server, shop->device);
		barlease_server_device_back(shop->server, shop->device);
		while (!barlease_packet_receive(other, &received))
			;
	}
	shop_settle(shop);
	assert_journal(shop, "came 1\ncame 2\ngrant 1\ngrant 2\nend 1 2\n"
			     "gone 1\n");
	lessee_get(shop, other, "slice", NULL);
	close(sock);
	close(other);
}

/* All at once, and before it can read any of it. */
static void who_has_many_leases_is_told_of_all(void **state)
{
	const struct barlease_server_terms terms = { .packets_max = PACKETS };
	unsigned int counts[BARLEASE_PACKET_DEVICE + 1] = { 0 };
	struct shop *shop = *state;
	struct received received;
	uint64_t pool;
	int sock;

	shop_restart(shop, &terms);
	pool = shop_offer(shop, "pool", 0, SIM_PAGES, 1);
	sock = lessee_join(shop);
	for (unsigned int i = 0; i < SIM_PAGES; i++)
		lessee_get(shop, sock, "pool", NULL);
	barlease_server_device_away(shop->server, shop->device);
	barlease_server_device_back(shop->server, shop->device);
	assert_int_equal(barlease_server_remove_offer(shop->server, pool, 1000),
			 0);
	shop_pass(shop, 1000);
	while (!barlease_packet_receive(sock, &received)) {
		counts[received.packet.header.type]++;
		shop_settle(shop);
	}
	assert_int_equal(counts[BARLEASE_PACKET_DEVICE], 2 * SIM_PAGES);
	assert_int_equal(counts[BARLEASE_PACKET_RECALLED], SIM_PAGES);
	assert_int_equal(counts[BARLEASE_PACKET_REVOKED], SIM_PAGES);
	/* With few, it gets few. */
	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	for (unsigned int i = 0; i < SIM_PAGES; i++) {
		barlease_server_device_away(shop->server, shop->device);
		barlease_server_device_back(shop->server, shop->device);
	}
	shop->journal[0] = '\0';
	shop_settle(shop);
	assert_journal(shop, "end 65 2\ngone 1\n");
	close(sock);
}

/* A GRANT on its way has its fd with it, even if the lease ends meanwhile. */
static void what_is_on_its_way_arrives(void **state)
{
	struct shop *shop = *state;
	struct received received;
	unsigned int kept = 0, grants = 0, ends = 0;
	union packet packet;
	int sock = lessee_join(shop);

	shop_offer(shop, "pool", 0, 4, 1);
	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 8);
	lessee_get(shop, sock, "pool", NULL);
	for (uint32_t i = 1; i <= 4; i++)
		lessee_request(sock, i, "pool", FOR_EVER);
	shop_settle(shop);
	/* From here on it takes nothing. */
	while (kept < 1000 && !barlease_packet_send(sock, &packet, -1)) {
		kept++;
		if (kept % 16 == 0)
			shop_settle(shop);
	}
	shop_settle(shop);
	assert_int_equal(barlease_server_revoke(shop->server, 1,
						BARLEASE_END_REVOKED),
			 0);
	assert_int_equal(barlease_server_revoke(shop->server, 5,
						BARLEASE_END_REVOKED),
			 0);
	while (!barlease_packet_receive(sock, &received)) {
		if (received.packet.header.type == BARLEASE_PACKET_GRANT) {
			assert_true(received.fd >= 0);
			close(received.fd);
			grants++;
		}
		ends += received.packet.header.type == BARLEASE_PACKET_REVOKED;
		shop_settle(shop);
	}
	assert_int_equal(grants, 4);
	assert_int_equal(ends, 2);
	close(sock);
}

static void only_so_many_lessees_are_let_in(void **state)
{
	const struct barlease_server_terms terms = { .lessees_max = 2 };
	struct shop *shop = *state;
	int first, second, third;

	shop_restart(shop, &terms);
	first = lessee_join(shop);
	second = lessee_join(shop);
	third = lessee_join(shop);
	lessee_take_refused(shop, third, 1, EMFILE);
	lessee_take_end(shop, third);
	close(third);
	close(first);
	shop_settle(shop);
	third = lessee_join(shop);
	lessee_take_nothing(shop, third);
	close(second);
	close(third);
}

/* Each of them takes longer than a packet of those that are there. */
static void who_comes_in_numbers_comes_by_and_by(void **state)
{
	struct shop *shop = *state;
	int socks[5];

	for (unsigned int i = 0; i < 5; i++)
		socks[i] = lessee_connect(shop->path);
	assert_int_equal(barlease_server_dispatch(shop->server), 1);
	assert_journal(shop, "came 1\ncame 2\ncame 3\ncame 4\n");
	shop_settle(shop);
	assert_journal(shop, "came 5\n");
	for (unsigned int i = 0; i < 5; i++)
		close(socks[i]);
}

/* What it has asked meanwhile must not be all that it hears of. */
static void who_is_turned_away_and_has_asked_is_told(void **state)
{
	const struct barlease_server_terms terms = { .lessees_max = 1 };
	struct shop *shop = *state;
	int first, second;

	shop_restart(shop, &terms);
	first = lessee_join(shop);
	second = lessee_connect(shop->path);
	lessee_list(second, 7);
	lessee_list(second, 8);
	lessee_take_refused(shop, second, 1, EMFILE);
	lessee_take_end(shop, second);
	close(first);
	close(second);
}

/* Who is there stays. */
static void other_numbers_of_lessees_count_from_then_on(void **state)
{
	struct shop *shop = *state;
	int socks[3], late;

	for (unsigned int i = 0; i < 3; i++)
		socks[i] = lessee_join(shop);
	assert_int_equal(barlease_server_limit_lessees(shop->server, 9, 2), 0);
	late = lessee_join(shop);
	lessee_take_refused(shop, late, 1, EMFILE);
	close(late);
	assert_int_equal(barlease_server_limit_lessees(shop->server, 3, 9), 0);
	late = lessee_join(shop);
	lessee_take_refused(shop, late, 1, EMFILE);
	close(late);
	assert_int_equal(barlease_server_limit_lessees(shop->server, 0, 0), 0);
	late = lessee_join(shop);
	lessee_take_nothing(shop, late);
	close(late);
	for (unsigned int i = 0; i < 3; i++) {
		lessee_take_nothing(shop, socks[i]);
		close(socks[i]);
	}
}

static void limit_fds(rlim_t count)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = count ? count : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* As each takes two of them. */
static void lessees_leave_a_third_of_the_fds_for_leases(void **state)
{
	const struct barlease_server_terms terms = {
		.lessees_max_per_uid = 90,
	};
	struct shop *shop = *state;
	int socks[31];

	if (valgrind_runs_this())
		skip();
	limit_fds(90);
	shop_restart(shop, &terms);
	limit_fds(0);
	shop_offer(shop, "slice", 0, 1, 0);
	for (unsigned int i = 0; i < 31; i++)
		socks[i] = lessee_join(shop);
	lessee_take_refused(shop, socks[30], 1, EMFILE);
	lessee_get(shop, socks[29], "slice", NULL);
	for (unsigned int i = 0; i < 31; i++)
		close(socks[i]);
}

/* Connect as another user. Return: the connection. */
static int connect_as(const struct shop *shop, uid_t user)
{
	int sock;

	assert_int_equal(chmod(shop->path, 0666), 0);
	assert_int_equal(seteuid(user), 0);
	sock = lessee_connect(shop->path);
	assert_int_equal(seteuid(0), 0);
	return sock;
}

static void one_user_leaves_connections_for_others(void **state)
{
	const struct barlease_server_terms terms = { .lessees_max = 8 };
	struct shop *shop = *state;
	int socks[9];

	if (geteuid())
		skip();
	shop_restart(shop, &terms);
	for (unsigned int i = 0; i < 7; i++)
		socks[i] = connect_as(shop, 1000);
	lessee_take_refused(shop, socks[6], 1, EMFILE);
	lessee_take_end(shop, socks[6]);
	for (unsigned int i = 7; i < 9; i++) {
		socks[i] = connect_as(shop, 1001);
		lessee_take_nothing(shop, socks[i]);
	}
	for (unsigned int i = 0; i < 9; i++)
		close(socks[i]);
}

static void only_so_many_lessees_of_a_user_are_let_in(void **state)
{
	const struct barlease_server_terms terms = { .lessees_max_per_uid = 1 };
	struct shop *shop = *state;
	int first, second;

	shop_restart(shop, &terms);
	first = lessee_join(shop);
	second = lessee_join(shop);
	lessee_take_refused(shop, second, 1, EMFILE);
	lessee_take_end(shop, second);
	close(second);
	close(first);
	shop_settle(shop);
	second = lessee_join(shop);
	lessee_take_nothing(shop, second);
	close(second);
}

/* The fd that would be opened next: all below are in use. */
static rlim_t fd_next(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	assert_true(fd >= 0);
	close(fd);
	return (rlim_t)fd;
}

/* Also no busy loop: the fd is not readable then. */
static void who_comes_when_no_fd_is_left_is_told(void **state)
{
	struct shop *shop = *state;
	int socks[3];

	if (valgrind_runs_this())
		skip();
	/* One is left for the connection, none for its pidfd. */
	socks[0] = lessee_connect(shop->path);
	limit_fds(fd_next() + 1);
	barlease_server_dispatch(shop->server);
	limit_fds(0);
	/* None is left for these. */
	socks[1] = lessee_connect(shop->path);
	socks[2] = lessee_connect(shop->path);
	limit_fds(fd_next());
	for (unsigned int i = 0; i < 10; i++)
		barlease_server_dispatch(shop->server);
	assert_int_equal(barlease_server_dispatch(shop->server), 0);
	limit_fds(0);
	for (unsigned int i = 0; i < 3; i++) {
		lessee_take_refused(shop, socks[i], 1, EMFILE);
		lessee_take_end(shop, socks[i]);
		close(socks[i]);
	}
	assert_journal(shop, "");
	close(lessee_join(shop));
}

/* Where even the fd that is kept for this is of no use. */
static void a_server_without_any_fd_waits_for_one(void **state)
{
	struct shop *shop = *state;
	int sock;

	if (valgrind_runs_this())
		skip();
	sock = lessee_connect(shop->path);
	limit_fds(3);
	for (unsigned int i = 0; i < 10; i++)
		barlease_server_dispatch(shop->server);
	assert_int_equal(barlease_server_dispatch(shop->server), 0);
	limit_fds(0);
	/* It has not forgotten the one who waits. */
	assert_int_equal(barlease_server_dispatch(shop->server), 0);
	shop_pass(shop, 99);
	lessee_take_nothing(shop, sock);
	assert_journal(shop, "");
	shop_pass(shop, 1);
	assert_journal(shop, "came 1\n");
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(who_breaks_the_protocol_is_thrown_out),
		shop_test(an_fd_with_a_packet_cannot_be_sent_or_is_a_violation),
		shop_test(a_socket_that_is_given_takes_neither_fds_nor_credentials),
		shop_test(an_empty_packet_is_the_end),
		shop_test(who_does_not_read_is_not_answered_without_end),
		shop_test(who_neither_reads_nor_speaks_is_gone),
		shop_test(who_does_not_read_has_few_fds_on_their_way),
		shop_test(who_does_not_read_its_events_is_thrown_out),
		shop_test(who_has_many_leases_is_told_of_all),
		shop_test(what_is_on_its_way_arrives),
		shop_test(only_so_many_lessees_are_let_in),
		shop_test(who_comes_in_numbers_comes_by_and_by),
		shop_test(who_is_turned_away_and_has_asked_is_told),
		shop_test(other_numbers_of_lessees_count_from_then_on),
		shop_test(lessees_leave_a_third_of_the_fds_for_leases),
		shop_test(one_user_leaves_connections_for_others),
		shop_test(only_so_many_lessees_of_a_user_are_let_in),
		shop_test(who_comes_when_no_fd_is_left_is_told),
		shop_test(a_server_without_any_fd_waits_for_one),
	};

	return cmocka_run_group_tests_name("server_bounds", tests, NULL, NULL);
}
