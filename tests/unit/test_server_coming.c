// SPDX-License-Identifier: MIT
/* What it costs the server that somebody connects. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/server.h"

/* Of a user, in a second; what they may in ten they may at once. */
#define RATE 2
#define BURST (10 * RATE)
#define TURN (1000 / RATE) /* ms */

static unsigned int looks; /* into /proc */
static int look_error;
static uint64_t cgroup_id; /* what the kernel tells of it */

int __real_server_peer_get(int sock, struct peer *peer);
int __wrap_server_peer_get(int sock, struct peer *peer);
int __wrap_server_peer_get(int sock, struct peer *peer)
{
	int err = __real_server_peer_get(sock, peer);

	peer->cgroup_id = cgroup_id;
	return err;
}

int __real_server_peer_look(const struct peer *peer, struct peer_proc *proc);
int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc);
int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc)
{
	struct peer unknown = *peer;

	looks++;
	/* It is held against what it was before. */
	assert_int_equal(peer->cgroup_id, cgroup_id);
	unknown.cgroup_id = 0;
	return look_error ? look_error :
			    __real_server_peer_look(&unknown, proc);
}

static void begin(struct shop *shop)
{
	const struct barlease_server_terms terms = {
		.requests_max_per_uid = RATE,
		.lessees_max_per_uid = BURST + 10,
	};

	looks = 0;
	look_error = 0;
	cgroup_id = 4711;
	shop_restart(shop, &terms);
}

/* Have so many come, who are all that may at once. */
static void come_all(struct shop *shop, int *socks)
{
	for (unsigned int i = 0; i < BURST; i++)
		socks[i] = lessee_join(shop);
	assert_int_equal(looks, BURST);
	shop->journal[0] = '\0';
	looks = 0;
}

static void leave_all(struct shop *shop, const int *socks)
{
	for (unsigned int i = 0; i < BURST; i++)
		close(socks[i]);
	shop_settle(shop);
}

static void who_has_hung_up_before_has_not_come(void **state)
{
	struct shop *shop = *state;
	int sock;

	begin(shop);
	for (unsigned int i = 0; i < 2 * BURST; i++)
		close(lessee_connect(shop->path));
	shop_settle(shop);
	assert_journal(shop, "");
	assert_int_equal(looks, 0);
	assert_true(list_empty(&shop->server->users));
	sock = lessee_join(shop);
	assert_journal(shop, "came 1\n");
	assert_int_equal(looks, 1);
	close(sock);
}

/* It may be that it still reads. */
static void who_only_says_no_more_has_come(void **state)
{
	struct shop *shop = *state;
	int sock;

	begin(shop);
	sock = lessee_connect(shop->path);
	lessee_request(sock, 1, "nothing", 0);
	shutdown(sock, SHUT_WR);
	lessee_take_refused(shop, sock, 1, ENOENT);
	close(sock);
}

static void who_waits_to_be_let_in_is_not_looked_up(void **state)
{
	struct shop *shop = *state;
	int socks[BURST], late[3];
	char unknown[16];

	begin(shop);
	come_all(shop, socks);
	/* The first of them is told of. */
	late[0] = lessee_join(shop);
	assert_int_equal(looks, 1);
	assert_non_null(strstr(shop->slow_is, " test_server_com "));
	late[1] = lessee_join(shop);
	snprintf(unknown, sizeof(unknown), "  %d", -EAGAIN);
	assert_string_equal(shop->slow_is, unknown);
	late[2] = lessee_join(shop);
	assert_int_equal(looks, 1);
	assert_journal(shop, "slow 21\nagain 22\nagain 23\n");
	close(late[1]);
	shop_settle(shop);
	shop_pass(shop, TURN);
	assert_journal(shop, "came 21\n");
	assert_int_equal(looks, 1);
	shop_pass(shop, TURN);
	assert_journal(shop, "came 23\n");
	assert_int_equal(looks, 2);
	close(late[0]);
	close(late[2]);
	leave_all(shop, socks);
}

/* It could have itself moved meanwhile, and nobody would see that. */
static void who_waits_is_looked_up_where_no_move_could_be_seen(void **state)
{
	struct shop *shop = *state;
	int socks[BURST], late[2];

	begin(shop);
	cgroup_id = 0;
	come_all(shop, socks);
	late[0] = lessee_join(shop);
	late[1] = lessee_join(shop);
	assert_int_equal(looks, 2);
	shop_pass(shop, 2 * TURN);
	assert_journal(shop, "slow 21\nagain 22\ncame 21\ncame 22\n");
	assert_int_equal(looks, 2);
	close(late[0]);
	close(late[1]);
	leave_all(shop, socks);
}

static void who_is_one_too_many_is_not_looked_up(void **state)
{
	const struct barlease_server_terms terms = { .lessees_max_per_uid = 1 };
	struct shop *shop = *state;
	int first, second;

	looks = 0;
	look_error = 0;
	shop_restart(shop, &terms);
	first = lessee_join(shop);
	second = lessee_join(shop);
	lessee_take_refused(shop, second, 1, EMFILE);
	assert_int_equal(looks, 1);
	close(first);
	close(second);
}

struct told {
	struct peer_proc proc; /* what they all are */
	unsigned int count;
};

static int tell(void *context, const struct barlease_server_lessee *lessee)
{
	struct told *told = context;

	assert_string_equal(lessee->cgroup, told->proc.cgroup);
	assert_string_equal(lessee->command, told->proc.command);
	assert_int_equal(lessee->cgroup_error, told->proc.cgroup_error);
	told->count++;
	return 0;
}

/* As is one that did not have to wait. */
static void who_waited_is_known_when_let_in(void **state)
{
	struct shop *shop = *state;
	static struct told told;
	int socks[BURST], late[3];
	struct peer peer;

	begin(shop);
	come_all(shop, socks);
	for (unsigned int i = 0; i < 3; i++)
		late[i] = lessee_join(shop);
	leave_all(shop, socks);
	assert_int_equal(server_peer_get(late[0], &peer), 0);
	assert_int_equal(server_peer_look(&peer, &told.proc), 0);
	close(peer.process);
	assert_true(told.proc.command[0]);
	barlease_server_each_lessee(shop->server, tell, &told);
	assert_int_equal(told.count, 0);
	shop_pass(shop, 3 * TURN);
	barlease_server_each_lessee(shop->server, tell, &told);
	assert_int_equal(told.count, 3);
	for (unsigned int i = 0; i < 3; i++)
		close(late[i]);
}

static void assert_turned_away(struct shop *shop, int sock, int error,
			       const char *word)
{
	struct received received =
		lessee_take(shop, sock, BARLEASE_PACKET_REFUSED, 1);

	assert_int_equal(received.packet.refused.error, error);
	assert_non_null(strstr(received.packet.refused.sentence, word));
	lessee_take_end(shop, sock);
	close(sock);
}

/* Its number in /proc may be that of another one by then. */
static void whose_process_ends_meanwhile_is_not_let_in(void **state)
{
	struct shop *shop = *state;
	int socks[BURST], late[3];

	begin(shop);
	look_error = -ESRCH;
	assert_turned_away(shop, lessee_join(shop), ESRCH, "process");
	assert_int_equal(looks, 1);
	assert_journal(shop, "");
	look_error = 0;
	shop_pass(shop, TURN);
	looks = 0;
	come_all(shop, socks);
	/* The first has to wait, and is looked up before. */
	look_error = -ESRCH;
	assert_turned_away(shop, lessee_join(shop), ESRCH, "process");
	assert_journal(shop, "");
	look_error = 0;
	for (unsigned int i = 0; i < 3; i++)
		late[i] = lessee_join(shop);
	look_error = -ESRCH;
	shop_pass(shop, 2 * TURN);
	assert_turned_away(shop, late[1], ESRCH, "process");
	/* In vain, but it had its turn. */
	lessee_take_nothing(shop, late[2]);
	look_error = 0;
	shop_pass(shop, TURN);
	assert_journal(shop, "slow 23\nagain 24\nagain 25\n"
			     "came 23\ncame 25\n");
	close(late[0]);
	close(late[2]);
	leave_all(shop, socks);
}

static void who_there_is_no_memory_for_is_told(void **state)
{
	struct shop *shop = *state;

	begin(shop);
	look_error = -ENOMEM;
	assert_turned_away(shop, lessee_join(shop), ENOMEM, "memory");
	assert_journal(shop, "");
	look_error = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(who_has_hung_up_before_has_not_come),
		shop_test(who_only_says_no_more_has_come),
		shop_test(who_waits_to_be_let_in_is_not_looked_up),
		shop_test(who_waits_is_looked_up_where_no_move_could_be_seen),
		shop_test(who_is_one_too_many_is_not_looked_up),
		shop_test(who_waited_is_known_when_let_in),
		shop_test(whose_process_ends_meanwhile_is_not_let_in),
		shop_test(who_there_is_no_memory_for_is_told),
	};

	return cmocka_run_group_tests_name("server_coming", tests, NULL, NULL);
}
