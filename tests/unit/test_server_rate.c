// SPDX-License-Identifier: MIT
/* Users who ask more often than they may. */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/server.h"

/* Of a user, in a second; what they may in ten they may at once. */
#define RATE 2
#define BURST (10 * RATE)
#define TURN (1000 / RATE) /* ms */
#define ALL_PAID 10000

/* What each of these has asked for is refused, which is an answer as well. */
static void ask(int sock, uint32_t first, unsigned int count)
{
	for (uint32_t i = 0; i < count; i++)
		lessee_request(sock, first + i, "nothing", 0);
}

/* Exactly that many answers come now. */
static void assert_answered(struct shop *shop, int sock, uint32_t first,
			    unsigned int count)
{
	for (uint32_t i = 0; i < count; i++)
		lessee_take_refused(shop, sock, first + i, ENOENT);
	lessee_take_nothing(shop, sock);
}

/* A server whose users may not ask that often, and one that has come. */
static int begin(struct shop *shop)
{
	const struct barlease_server_terms terms = {
		.requests_max_per_uid = RATE,
	};

	shop_restart(shop, &terms);
	return lessee_join(shop);
}

/* The same, with nothing left of what may be asked for at once. */
static int begin_with_nothing_left(struct shop *shop)
{
	int sock = begin(shop);

	ask(sock, 1, BURST - 1);
	assert_answered(shop, sock, 1, BURST - 1);
	shop->journal[0] = '\0';
	return sock;
}

static void what_is_too_much_waits_for_its_turn(void **state)
{
	struct shop *shop = *state;
	int sock = begin(shop);

	/* To connect counts, too. */
	ask(sock, 1, BURST + 2);
	assert_answered(shop, sock, 1, BURST - 1);
	shop_pass(shop, TURN - 1);
	lessee_take_nothing(shop, sock);
	shop_pass(shop, 1);
	assert_answered(shop, sock, BURST, 1);
	shop_pass(shop, TURN);
	assert_answered(shop, sock, BURST + 1, 1);
	shop_pass(shop, TURN);
	assert_answered(shop, sock, BURST + 2, 1);
	close(sock);
}

static void what_was_not_asked_for_is_not_saved_up(void **state)
{
	struct shop *shop = *state;
	int sock = begin(shop);

	shop_pass(shop, 1000000);
	ask(sock, 1, BURST + 1);
	assert_answered(shop, sock, 1, BURST);
	shop_pass(shop, TURN);
	assert_answered(shop, sock, BURST + 1, 1);
	close(sock);
}

static void who_may_ask_as_often_as_he_likes_does_not_wait(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	for (unsigned int i = 0; i < 20; i++) {
		ask(sock, 1, BURST);
		assert_answered(shop, sock, 1, BURST);
	}
	close(sock);
}

/* Nothing is done in vain meanwhile. */
static void who_waits_for_his_turn_is_not_looked_at(void **state)
{
	struct shop *shop = *state;
	int sock = begin_with_nothing_left(shop);
	struct pollfd poller = {
		.fd = barlease_server_get_fd(shop->server),
		.events = POLLIN,
	};

	ask(sock, 1, 1);
	shop_settle(shop);
	assert_int_equal(poll(&poller, 1, 0), 0);
	ask(sock, 2, 1);
	assert_int_equal(poll(&poller, 1, 0), 0);
	close(sock);
}

static void more_connections_are_no_way_round(void **state)
{
	struct shop *shop = *state;
	int first = begin(shop);
	int second = lessee_join(shop);

	ask(first, 1, BURST - 3);
	assert_answered(shop, first, 1, BURST - 3);
	ask(second, 1, 2);
	assert_answered(shop, second, 1, 1);
	shop_pass(shop, TURN);
	assert_answered(shop, second, 2, 1);
	close(first);
	close(second);
}

static void to_come_again_and_again_is_no_way_round(void **state)
{
	struct shop *shop = *state;
	int sock = begin(shop);

	for (unsigned int i = 1; i < BURST; i++) {
		close(sock);
		shop_settle(shop);
		sock = lessee_join(shop);
	}
	lessee_take_nothing(shop, sock);
	close(sock);
	shop_settle(shop);
	assert_non_null(strstr(shop->journal, "came 20\ngone 20\n"));
	shop->journal[0] = '\0';
	sock = lessee_join(shop);
	shop_pass(shop, TURN - 1);
	assert_journal(shop, "slow 21\n");
	shop_pass(shop, 1);
	assert_journal(shop, "came 21\n");
	close(sock);
}

static int lessee_count(void *context,
			const struct barlease_server_lessee *lessee)
{
	(void)lessee;
	++*(unsigned int *)context;
	return 0;
}

/* Nor told of when it goes. */
static void who_is_not_let_in_yet_is_not_told_of(void **state)
{
	struct shop *shop = *state;
	int sock = begin_with_nothing_left(shop);
	unsigned int count = 0;
	int late = lessee_join(shop);

	barlease_server_each_lessee(shop->server, lessee_count, &count);
	assert_int_equal(count, 1);
	close(late);
	shop_pass(shop, TURN);
	assert_journal(shop, "slow 2\n");
	close(sock);
}

static void what_was_asked_for_before_one_was_let_in_is_answered(void **state)
{
	struct shop *shop = *state;
	int sock = begin_with_nothing_left(shop);
	int late = lessee_join(shop);

	ask(late, 1, 1);
	shop_pass(shop, TURN);
	lessee_take_nothing(shop, late);
	shop_pass(shop, TURN);
	assert_answered(shop, late, 1, 1);
	close(late);
	close(sock);
}

/* One who asks a lot does not keep others of his user from asking. */
static void turns_are_in_the_order_of_who_waits(void **state)
{
	struct shop *shop = *state;
	int first = begin(shop), second = lessee_join(shop);

	ask(first, 1, BURST + 1);
	assert_answered(shop, first, 1, BURST - 2);
	ask(second, 1, 2);
	shop_settle(shop);
	shop_pass(shop, TURN);
	assert_answered(shop, first, BURST - 1, 1);
	lessee_take_nothing(shop, second);
	shop_pass(shop, TURN);
	assert_answered(shop, second, 1, 1);
	lessee_take_nothing(shop, first);
	shop_pass(shop, TURN);
	assert_answered(shop, first, BURST, 1);
	lessee_take_nothing(shop, second);
	shop_pass(shop, TURN);
	assert_answered(shop, second, 2, 1);
	close(first);
	close(second);
}

static void who_asks_later_overtakes_nobody(void **state)
{
	struct shop *shop = *state;
	int first = begin(shop), second = lessee_join(shop);

	ask(first, 1, BURST - 1);
	assert_answered(shop, first, 1, BURST - 2);
	/* It is heard of just when there is a turn. */
	shop->now += TURN * 1000000ull;
	ask(second, 1, 1);
	assert_answered(shop, first, BURST - 1, 1);
	lessee_take_nothing(shop, second);
	shop_pass(shop, TURN);
	assert_answered(shop, second, 1, 1);
	close(first);
	close(second);
}

static void what_gives_something_back_does_not_wait(void **state)
{
	struct shop *shop = *state;
	int sock, other;
	uint64_t lease;

	sock = begin(shop);
	other = lessee_join(shop);
	shop_offer(shop, "slice", 0, 1, 0);
	lease = lessee_get(shop, sock, "slice", NULL);
	lessee_request(sock, 7, "slice", FOR_EVER);
	lessee_take_queued(shop, sock, 7, 1);
	ask(other, 1, BURST - 3);
	assert_answered(shop, other, 1, BURST - 4);
	lessee_cancel(sock, 8, 7);
	lessee_take_refused(shop, sock, 7, ECANCELED);
	lessee_release(sock, 9, lease);
	lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 9);
	/* But what gives nothing back does. */
	lessee_release(sock, 10, lease);
	lessee_take_nothing(shop, sock);
	shop_pass(shop, TURN);
	assert_answered(shop, other, BURST - 3, 1);
	shop_pass(shop, TURN);
	lessee_take_refused(shop, sock, 10, ENOENT);
	lessee_cancel(sock, 11, 7);
	ask(sock, 12, 1);
	shop_pass(shop, TURN);
	lessee_take_nothing(shop, sock);
	shop_pass(shop, TURN);
	assert_answered(shop, sock, 12, 1);
	close(sock);
	close(other);
}

/* Nor does it count. */
static void what_gives_something_back_leaves_as_many_to_ask_for(void **state)
{
	struct shop *shop = *state;
	int sock = begin(shop);
	uint64_t lease;

	shop_offer(shop, "slice", 0, 1, 0);
	for (unsigned int i = 1; i < BURST; i++) {
		lease = lessee_get(shop, sock, "slice", NULL);
		lessee_release(sock, i, lease);
		lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, i);
	}
	lessee_request(sock, 1, "slice", 0);
	lessee_take_nothing(shop, sock);
	close(sock);
}

/* A lessee with a lease that waits for its turn. */
static int holder(struct shop *shop)
{
	int sock = begin(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	ask(sock, 1, BURST - 1);
	assert_answered(shop, sock, 1, BURST - 2);
	shop->journal[0] = '\0';
	return sock;
}

static void who_hangs_up_loses_his_leases_at_once(void **state)
{
	struct shop *shop = *state;
	int sock = holder(shop);

	close(sock);
	shop_settle(shop);
	assert_journal(shop, "end 1 2\ngone 1\n");
}

/* It will not say anything any more, and keeps nobody waiting. */
static void who_speaks_no_more_loses_his_leases_at_once(void **state)
{
	struct shop *shop = *state;
	int sock = holder(shop);

	shutdown(sock, SHUT_WR);
	shop_settle(shop);
	assert_journal(shop, "end 1 2\ngone 1\n");
	close(sock);
}

static void leases_of_who_waits_are_taken_back_in_time(void **state)
{
	struct shop *shop = *state;
	int sock = holder(shop);

	assert_int_equal(barlease_server_recall(shop->server, 1, TURN / 2), 0);
	lessee_take(shop, sock, BARLEASE_PACKET_RECALLED, 0);
	shop_pass(shop, TURN / 2);
	lessee_take_revoked(shop, sock, 1, BARLEASE_END_RECALLED);
	close(sock);
}

/* Its turn is no reason to hear one who does not read. */
static void who_does_not_read_is_not_heard_at_his_turn(void **state)
{
	struct shop *shop = *state;
	int sock = holder(shop);
	struct received received;
	unsigned int answers = 0;

	for (unsigned int i = 0; i < 100; i++) {
		barlease_server_device_away(shop->server, shop->device);
		barlease_server_device_back(shop->server, shop->device);
	}
	shop->journal[0] = '\0';
	shop_pass(shop, ALL_PAID);
	assert_journal(shop, "");
	while (!barlease_packet_receive(sock, &received)) {
		answers += received.packet.header.type ==
			   BARLEASE_PACKET_REFUSED;
		shop_settle(shop);
	}
	assert_int_equal(answers, 1);
	close(sock);
}

static void another_number_counts_at_once(void **state)
{
	struct shop *shop = *state;
	int sock = begin_with_nothing_left(shop);

	ask(sock, 1, 3);
	lessee_take_nothing(shop, sock);
	/* A hundred times as often. */
	assert_int_equal(barlease_server_limit_requests(shop->server,
							100 * RATE),
			 0);
	shop_pass(shop, 3 * TURN / 100);
	assert_answered(shop, sock, 1, 3);
	ask(sock, 1, 10 * BURST);
	shop_settle(shop);
	assert_int_equal(barlease_server_limit_requests(shop->server, 0), 0);
	assert_answered(shop, sock, 1, 10 * BURST);
	assert_int_equal(barlease_server_limit_requests(shop->server, RATE), 0);
	shop_pass(shop, ALL_PAID);
	ask(sock, 1, BURST + 1);
	assert_answered(shop, sock, 1, BURST);
	shop_pass(shop, TURN);
	assert_answered(shop, sock, BURST + 1, 1);
	close(sock);
}

/* With the clock of the machine. */
static void the_fd_is_readable_when_it_is_a_turn(void **state)
{
	const struct barlease_server_terms terms = {
		.requests_max_per_uid = 10,
	};
	struct shop *shop = *state;
	struct pollfd poller = { .events = POLLIN };
	int sock;

	barlease_server_destroy(shop->server);
	assert_int_equal(barlease_server_create(&terms, &shop->server), 0);
	assert_int_equal(barlease_server_listen(shop->server, shop->path, 0600,
						&shop->listener),
			 0);
	poller.fd = barlease_server_get_fd(shop->server);
	sock = lessee_join(shop);
	ask(sock, 1, 140);
	for (uint32_t i = 1; i < 100; i++)
		lessee_take_refused(shop, sock, i, ENOENT);
	for (uint32_t i = 100; i <= 105; i++) {
		assert_int_equal(poll(&poller, 1, 1000), 1);
		lessee_take_refused(shop, sock, i, ENOENT);
	}
	assert_int_equal(barlease_server_limit_requests(shop->server, 1), 0);
	shop_settle(shop);
	assert_int_equal(poll(&poller, 1, 0), 0);
	assert_int_equal(barlease_server_limit_requests(shop->server, 0), 0);
	assert_int_equal(poll(&poller, 1, 0), 1);
	assert_answered(shop, sock, 106, 35);
	close(sock);
}

static void the_lessor_is_told_who_is_slow(void **state)
{
	struct shop *shop = *state;
	int sock = begin(shop);

	ask(sock, 1, BURST + 1);
	assert_answered(shop, sock, 1, BURST - 1);
	assert_non_null(strstr(shop->journal, "slow 1\n"));
	assert_null(strstr(shop->journal, "again"));
	shop->journal[0] = '\0';
	shop_pass(shop, TURN);
	assert_journal(shop, "refuse nothing 2\nagain 1\n");
	shop_pass(shop, TURN);
	assert_answered(shop, sock, BURST, 2);
	/* A moment before all is paid. */
	shop_pass(shop, ALL_PAID - 1);
	shop->journal[0] = '\0';
	ask(sock, 1, BURST);
	assert_answered(shop, sock, 1, BURST - 1);
	assert_non_null(strstr(shop->journal, "again 1\n"));
	assert_null(strstr(shop->journal, "slow"));
	shop_pass(shop, 1);
	assert_answered(shop, sock, BURST, 1);
	/* Not at once: the last one was to be paid later than those before. */
	for (unsigned int i = 0; i < ALL_PAID / TURN; i++)
		shop_pass(shop, TURN);
	shop->journal[0] = '\0';
	ask(sock, 1, BURST + 1);
	assert_answered(shop, sock, 1, BURST);
	assert_non_null(strstr(shop->journal, "slow 1\n"));
	assert_null(strstr(shop->journal, "again"));
	close(sock);
}

/* Whoever was here some time ago takes no memory. */
static void a_user_is_forgotten_when_all_is_paid(void **state)
{
	struct shop *shop = *state;
	int sock = begin(shop);

	ask(sock, 1, 2);
	assert_answered(shop, sock, 1, 2);
	close(sock);
	shop_pass(shop, 3 * TURN - 1);
	assert_false(list_empty(&shop->server->users));
	shop_pass(shop, 1);
	assert_true(list_empty(&shop->server->users));
	/* And not while he is here, also if he was gone before. */
	close(lessee_join(shop));
	shop_settle(shop);
	sock = lessee_join(shop);
	shop_pass(shop, ALL_PAID);
	assert_false(list_empty(&shop->server->users));
	close(sock);
}

/* Connect as another user. Return: the connection. */
static int join_as(struct shop *shop, uid_t user)
{
	int sock;

	assert_int_equal(chmod(shop->path, 0666), 0);
	assert_int_equal(seteuid(user), 0);
	sock = lessee_join(shop);
	assert_int_equal(seteuid(0), 0);
	return sock;
}

static void other_users_do_not_wait(void **state)
{
	struct shop *shop = *state;
	int sock, other;

	if (geteuid())
		skip();
	sock = begin_with_nothing_left(shop);
	ask(sock, 1, 1);
	other = join_as(shop, 1000);
	ask(other, 1, BURST);
	assert_answered(shop, other, 1, BURST - 1);
	/* Nor is root another one than others are. */
	lessee_take_nothing(shop, sock);
	shop_pass(shop, TURN);
	assert_answered(shop, sock, 1, 1);
	assert_answered(shop, other, BURST, 1);
	close(sock);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(what_is_too_much_waits_for_its_turn),
		shop_test(what_was_not_asked_for_is_not_saved_up),
		shop_test(who_may_ask_as_often_as_he_likes_does_not_wait),
		shop_test(who_waits_for_his_turn_is_not_looked_at),
		shop_test(more_connections_are_no_way_round),
		shop_test(to_come_again_and_again_is_no_way_round),
		shop_test(who_is_not_let_in_yet_is_not_told_of),
		shop_test(what_was_asked_for_before_one_was_let_in_is_answered),
		shop_test(turns_are_in_the_order_of_who_waits),
		shop_test(who_asks_later_overtakes_nobody),
		shop_test(what_gives_something_back_does_not_wait),
		shop_test(what_gives_something_back_leaves_as_many_to_ask_for),
		shop_test(who_hangs_up_loses_his_leases_at_once),
		shop_test(who_speaks_no_more_loses_his_leases_at_once),
		shop_test(leases_of_who_waits_are_taken_back_in_time),
		shop_test(who_does_not_read_is_not_heard_at_his_turn),
		shop_test(another_number_counts_at_once),
		shop_test(the_fd_is_readable_when_it_is_a_turn),
		shop_test(the_lessor_is_told_who_is_slow),
		shop_test(a_user_is_forgotten_when_all_is_paid),
		shop_test(other_users_do_not_wait),
	};

	return cmocka_run_group_tests_name("server_rate", tests, NULL, NULL);
}
