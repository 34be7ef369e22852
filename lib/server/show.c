// SPDX-License-Identifier: MIT
/* Which socket offers what. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

static uint64_t hash_of(const struct server_listener *listener,
			const char *name)
{
	return table_hash_text(listener->id, name);
}

struct server_shown *server_shown_find(struct barlease_server *server,
				       const struct server_listener *listener,
				       const char *name)
{
	uint64_t hash = hash_of(listener, name);
	struct table_node *node;

	for (node = table_first(&server->names, hash); node;
	     node = node->next) {
		struct server_shown *shown =
			container_of(node, struct server_shown, by_name);

		if (node->hash == hash && shown->listener == listener &&
		    !strcmp(shown->offer->name, name))
			return shown;
	}
	return NULL;
}

int barlease_server_show_offer(struct barlease_server *server, uint64_t offer,
			       uint64_t listener)
{
	struct server_listener *where;
	struct server_offer *what;
	struct server_shown *shown;

	if (server->depth)
		return -EDEADLK;
	what = server_offer_find(server, offer);
	where = server_listener_find(server, listener);
	if (!what || !where)
		return -ENOENT;
	shown = server_shown_find(server, where, what->name);
	if (shown)
		return shown->offer == what ? -EALREADY : -EEXIST;
	shown = calloc(1, sizeof(*shown));
	if (!shown)
		return -ENOMEM;
	shown->offer = what;
	shown->listener = where;
	list_add_tail(&what->shown, &shown->of_offer);
	list_add_tail(&where->shown, &shown->of_listener);
	table_add(&server->names, &shown->by_name, hash_of(where, what->name));
	/* Somebody may wait for anything there. */
	server_offer_changed(server, what);
	server_settle(server);
	return 0;
}

/* Those that came by this socket and wait for it by name. */
static void waiters_refuse(struct barlease_server *server,
			   const struct server_shown *shown)
{
	struct list *link, *next;

	list_for_each(link, next, &shown->offer->queue.waiters) {
		struct server_waiter *waiter =
			list_entry(link, struct server_waiter, link);

		if (waiter->client->listener == shown->listener)
			server_waiter_refuse(server, waiter, ENOENT,
					     "it is not offered any longer");
	}
}

/* A list of it that is being sent goes on with the next. */
static void listings_pass(const struct server_shown *shown)
{
	struct list *link, *next;

	list_for_each(link, next, &shown->listener->clients) {
		struct server_client *client =
			list_entry(link, struct server_client, of_listener);

		if (client->listing == &shown->of_listener)
			client->listing = shown->of_listener.next;
	}
}

void server_hide(struct barlease_server *server, struct server_shown *shown)
{
	struct server_listener *listener = shown->listener;

	waiters_refuse(server, shown);
	listings_pass(shown);
	table_remove(&server->names, &shown->by_name);
	list_remove(&shown->of_offer);
	list_remove(&shown->of_listener);
	free(shown);
	server_queue_review(server, &listener->queue);
}

int barlease_server_hide_offer(struct barlease_server *server, uint64_t offer,
			       uint64_t listener)
{
	struct server_listener *where;
	struct server_offer *what;
	struct server_shown *shown;

	if (server->depth)
		return -EDEADLK;
	what = server_offer_find(server, offer);
	where = server_listener_find(server, listener);
	if (!what || !where)
		return -ENOENT;
	shown = server_shown_find(server, where, what->name);
	if (!shown || shown->offer != what)
		return -ENOENT;
	server_hide(server, shown);
	server_settle(server);
	return 0;
}
