// SPDX-License-Identifier: MIT
/*
 * Who gets what has come free: of all who can have it, the one who came first,
 * whether he asked for it by name or for anything on a socket that shows it.
 */
#include <stdio.h>

#include "server/server.h"

static struct server_wish wish_of(const struct server_waiter *waiter)
{
	return (struct server_wish){
		.access = waiter->access,
		.attribute = waiter->attribute,
		.minimum = waiter->minimum,
	};
}

/* The first in a queue for anything who may have it, if before @best. */
static struct server_waiter *first_of(struct barlease_server *server,
				      struct server_offer *offer,
				      struct server_queue *queue,
				      struct server_waiter *best)
{
	struct list *link, *next;

	list_for_each(link, next, &queue->waiters) {
		struct server_waiter *waiter =
			list_entry(link, struct server_waiter, link);
		struct server_wish wish = wish_of(waiter);

		if (best && best->order < waiter->order)
			break;
		if (!server_fit(offer, &wish, NULL) &&
		    server_call_visible(server, waiter->client, offer) &&
		    !server_share_check(server, waiter->client, offer, NULL))
			return waiter;
	}
	return best;
}

static struct server_waiter *next_of(struct barlease_server *server,
				     struct server_offer *offer)
{
	struct server_waiter *best = NULL;
	struct list *link, *next;

	if (!list_empty(&offer->queue.waiters))
		best = list_entry(offer->queue.waiters.next,
				  struct server_waiter, link);
	list_for_each(link, next, &offer->shown) {
		const struct server_shown *shown =
			list_entry(link, struct server_shown, of_offer);

		best = first_of(server, offer, &shown->listener->queue, best);
	}
	return best;
}

static void give(struct barlease_server *server, struct server_offer *offer,
		 struct server_waiter *waiter)
{
	char sentence[BARLEASE_SENTENCE_SIZE];
	struct server_wish wish = wish_of(waiter);
	int err = 0;

	if (!waiter->offer)
		err = server_share_take(server, waiter->client, offer,
					&waiter->share);
	if (!err)
		err = server_grant(server, waiter->client, offer, &wish,
				   &waiter->share, waiter->serial);
	if (!err) {
		server_waiter_free(server, waiter);
		return;
	}
	server_say_failed(sentence, offer, err);
	server_waiter_refuse(server, waiter, -err, sentence);
}

void server_offer_serve(struct barlease_server *server,
			struct server_offer *offer)
{
	struct server_waiter *waiter;

	list_remove(&offer->uneven);
	while (server_has_free(offer) && (waiter = next_of(server, offer)))
		give(server, offer, waiter);
}
