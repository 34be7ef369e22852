// SPDX-License-Identifier: MIT
/* What it costs the server that somebody connects. */
#include "server.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/server.h"

/* Of a user, in a second; what they may in ten they may at once. */
#define RATE 2
#define BURST (10 * RATE)
#define TURN (1000 / RATE) /* ms */

static unsigned int looks; /* into /proc */
static int look_error;

int __real_server_peer_look(const struct peer *peer, struct peer_proc *proc);
int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc);
int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc)
{
	looks++;
	return look_error ? look_error : __real_server_peer_look(peer, proc);
}

static void begin(struct shop *shop)
{
	const struct barlease_server_terms terms = {
		.requests_max_per_uid = RATE,
		.lessees_max_per_uid = BURST + 10,
	};

	looks = 0;
	look_error = 0;
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

	begin(shop);
	come_all(shop, socks);
	/* The first of them is told of. */
	late[0] = lessee_join(shop);
	assert_int_equal(looks, 1);
	assert_true(shop->slow_is[0]);
	late[1] = lessee_join(shop);
	assert_string_equal(shop->slow_is, "");
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

static int who(void *context, const struct barlease_server_lessee *lessee)
{
	assert_string_equal(lessee->cgroup, *(const char **)context);
	assert_true(lessee->command[0]);
	*(const char **)context = NULL;
	return 0;
}

/* As is one that did not have to wait. */
static void who_waited_is_known_when_let_in(void **state)
{
	struct shop *shop = *state;
	static struct peer_proc proc;
	const char *cgroup = proc.cgroup;
	int socks[BURST], late;
	struct peer peer;

	begin(shop);
	come_all(shop, socks);
	late = lessee_join(shop);
	leave_all(shop, socks);
	assert_int_equal(barlease_server_each_lessee(shop->server, who,
						     &cgroup),
			 0);
	assert_non_null(cgroup);
	shop_pass(shop, TURN);
	assert_int_equal(server_peer_get(late, &peer), 0);
	assert_int_equal(server_peer_look(&peer, &proc), 0);
	close(peer.process);
	barlease_server_each_lessee(shop->server, who, &cgroup);
	assert_null(cgroup);
	close(late);
}

/* Its number in /proc may be that of another one by then. */
static void whose_process_ends_meanwhile_is_not_let_in(void **state)
{
	struct shop *shop = *state;
	int socks[BURST], late[2];

	begin(shop);
	look_error = -ESRCH;
	late[0] = lessee_join(shop);
	assert_int_equal(looks, 1);
	lessee_take_refused(shop, late[0], 1, ESRCH);
	lessee_take_end(shop, late[0]);
	close(late[0]);
	assert_journal(shop, "");
	look_error = 0;
	shop_pass(shop, TURN);
	looks = 0;
	come_all(shop, socks);
	look_error = -ESRCH;
	late[0] = lessee_join(shop);
	late[1] = lessee_join(shop);
	shop_pass(shop, TURN);
	lessee_take_refused(shop, late[0], 1, ESRCH);
	/* In vain, but it had its turn. */
	lessee_take_nothing(shop, late[1]);
	look_error = 0;
	shop_pass(shop, TURN);
	assert_journal(shop, "slow 22\nagain 23\ncame 23\n");
	close(late[0]);
	close(late[1]);
	leave_all(shop, socks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(who_has_hung_up_before_has_not_come),
		shop_test(who_only_says_no_more_has_come),
		shop_test(who_waits_to_be_let_in_is_not_looked_up),
		shop_test(who_is_one_too_many_is_not_looked_up),
		shop_test(who_waited_is_known_when_let_in),
		shop_test(whose_process_ends_meanwhile_is_not_let_in),
	};

	return cmocka_run_group_tests_name("server_coming", tests, NULL, NULL);
}
