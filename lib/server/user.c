// SPDX-License-Identifier: MIT
/*
 * Users: how many processes of one are connected, and how often they ask. What
 * is too much is not refused. It waits where it is, in sockets that are not read,
 * and the clients it is of take turns, in the order in which theirs was too much.
 * So a user has nothing here but his connections, of which there are so many.
 *
 * Who is gone is forgotten when all that he has asked for is paid, and not
 * before: he could connect anew.
 */
#include <errno.h>
#include <stdlib.h>

#include "server/server.h"

/* What one may ask for at once is what he may in that time. */
#define BURST (10 * NSEC_PER_SEC)

/* In nanoseconds, of one thing that is asked for. */
static uint64_t price(const struct barlease_server *server)
{
	uint32_t max = server->terms.requests_max_per_uid;

	return max ? NSEC_PER_SEC / max : 0;
}

/* When it may ask for one more. */
static uint64_t turn_due(const struct barlease_server *server,
			 const struct server_user *user)
{
	uint64_t ahead = BURST - price(server);

	return user->paid > ahead ? user->paid - ahead : 0;
}

static void watch(struct barlease_server *server, struct server_user *user)
{
	uint64_t due = SERVER_NEVER;

	if (!list_empty(&user->line))
		due = turn_due(server, user);
	else if (user->slowed || !user->connections)
		due = user->paid;
	server_timer_set(&server->timers, &user->timer, due);
}

static void forget(struct barlease_server *server, struct server_user *user)
{
	server_timer_end(&server->timers, &user->timer);
	table_remove(&server->uids, &user->by_uid);
	list_remove(&user->link);
	free(user);
}

static void go_on(struct barlease_server *server, struct server_timer *timer)
{
	struct server_user *user =
		container_of(timer, struct server_user, timer);
	struct server_client *first;

	if (!list_empty(&user->line)) {
		first = list_entry(user->line.next, struct server_client, turn);
		list_remove(&first->turn);
		watch(server, user);
		server_client_turn(server, first);
		return;
	}
	if (user->paid > server_now(server)) {
		watch(server, user);
		return;
	}
	user->slowed = false;
	if (!user->connections)
		forget(server, user);
}

static struct server_user *find(const struct barlease_server *server, uid_t uid)
{
	struct table_node *node;

	for (node = table_first(&server->uids, table_hash(0, uid)); node;
	     node = node->next) {
		struct server_user *user =
			container_of(node, struct server_user, by_uid);

		if (user->uid == uid)
			return user;
	}
	return NULL;
}

static struct server_user *make(struct barlease_server *server, uid_t uid)
{
	struct server_user *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	if (server_timer_init(&server->timers, &new->timer, go_on)) {
		free(new);
		return NULL;
	}
	new->uid = uid;
	list_init(&new->line);
	list_add_tail(&server->users, &new->link);
	table_add(&server->uids, &new->by_uid, table_hash(0, uid));
	return new;
}

struct server_user *server_user_get(struct barlease_server *server, uid_t uid)
{
	struct server_user *user = find(server, uid);

	if (!user)
		user = make(server, uid);
	if (user)
		user->connections++;
	return user;
}

void server_user_put(struct barlease_server *server, struct server_user *user)
{
	user->connections--;
	watch(server, user);
}

bool server_user_may_ask(const struct barlease_server *server,
			 const struct server_user *user)
{
	return list_empty(&user->line) &&
	       turn_due(server, user) <= server_now(server);
}

void server_user_charge(struct barlease_server *server,
			struct server_user *user)
{
	uint64_t now = server_now(server);

	/* What is not used is not saved up. */
	if (user->paid < now)
		user->paid = now;
	user->paid += price(server);
	if (!list_empty(&user->line))
		watch(server, user);
}

bool server_waits_for_turn(const struct server_client *client)
{
	return !list_empty(&client->turn);
}

void server_user_line_up(struct barlease_server *server,
			 struct server_client *client)
{
	struct server_user *user = client->user;
	bool first = !user->slowed;

	list_add_tail(&user->line, &client->turn);
	user->slowed = true;
	watch(server, user);
	server_client_watch(server, client);
	server_call_slow(server, client, first);
}

int barlease_server_limit_requests(struct barlease_server *server,
				   uint32_t max_per_uid)
{
	struct list *link, *next;

	if (server->depth)
		return -EDEADLK;
	server->terms.requests_max_per_uid = max_per_uid;
	list_for_each(link, next, &server->users)
		watch(server, list_entry(link, struct server_user, link));
	server_settle(server);
	return 0;
}

void server_users_end(struct barlease_server *server)
{
	while (!list_empty(&server->users))
		forget(server, list_entry(server->users.next,
					  struct server_user, link));
}
