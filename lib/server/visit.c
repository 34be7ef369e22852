// SPDX-License-Identifier: MIT
/* Who has what, one after the other. */
#include "server/server.h"

/* Takes effect now what the visits wanted. */
static int visited(struct barlease_server *server, int found)
{
	server->depth--;
	if (!server->depth)
		server_settle(server);
	return found;
}

int barlease_server_each_offer(struct barlease_server *server,
			       barlease_server_visit_offer visit,
			       void *context)
{
	struct list *link, *next;
	int found = 0;

	server->depth++;
	list_for_each(link, next, &server->offers) {
		const struct server_offer *offer =
			list_entry(link, struct server_offer, link);
		const struct barlease_server_offer_state state = {
			.id = offer->id,
			.device = offer->device->device,
			.offer = &offer->terms,
			.slices = offer->count,
			.free = server_has_free(offer) ? offer->free_count : 0,
			.stuck = offer->stuck_count,
			.leases = offer->lease_count,
			.waiting = offer->queue.count,
			.removed = offer->removed,
		};

		found = visit(context, &state);
		if (found)
			break;
	}
	return visited(server, found);
}

int barlease_server_each_lessee(struct barlease_server *server,
				barlease_server_visit_lessee visit,
				void *context)
{
	struct list *link, *next;
	int found = 0;

	server->depth++;
	list_for_each(link, next, &server->clients) {
		const struct server_client *client =
			list_entry(link, struct server_client, link);
		struct barlease_server_lessee lessee =
			server_lessee_of(client);

		if (!client->let_in)
			continue;
		found = visit(context, &lessee);
		if (found)
			break;
	}
	return visited(server, found);
}

static int lease_visit(const struct barlease_server *server, struct list *link,
		       barlease_server_visit_lease visit, void *context)
{
	const struct server_lease *lease =
		list_entry(link, struct server_lease, of_offer);
	struct barlease_server_lease view = server_lease_of(server, lease);
	struct barlease_server_lessee lessee;

	if (lease->client)
		lessee = server_lessee_of(lease->client);
	return visit(context, lease->client ? &lessee : NULL, &view);
}

static int leases_visit(const struct barlease_server *server,
			struct list *leases, barlease_server_visit_lease visit,
			void *context)
{
	struct list *link, *next;
	int found = 0;

	list_for_each(link, next, leases) {
		found = lease_visit(server, link, visit, context);
		if (found)
			break;
	}
	return found;
}

int barlease_server_each_lease(struct barlease_server *server,
			       barlease_server_visit_lease visit,
			       void *context)
{
	struct list *link, *next;
	int found = 0;

	server->depth++;
	list_for_each(link, next, &server->offers) {
		struct server_offer *offer =
			list_entry(link, struct server_offer, link);

		found = leases_visit(server, &offer->leases, visit, context);
		if (!found)
			found = leases_visit(server, &offer->stuck, visit,
					     context);
		if (found)
			break;
	}
	return visited(server, found);
}

static int queue_visit(struct server_queue *queue,
		       barlease_server_visit_request visit, void *context)
{
	struct list *link, *next;
	int found = 0;

	list_for_each(link, next, &queue->waiters) {
		const struct server_waiter *waiter =
			list_entry(link, struct server_waiter, link);
		struct barlease_server_request request =
			server_request_of(waiter);
		struct barlease_server_lessee lessee =
			server_lessee_of(waiter->client);

		found = visit(context, &lessee, &request);
		if (found)
			break;
	}
	return found;
}

int barlease_server_each_request(struct barlease_server *server,
				 barlease_server_visit_request visit,
				 void *context)
{
	struct list *link, *next;
	int found = 0;

	server->depth++;
	list_for_each(link, next, &server->offers) {
		found = queue_visit(&list_entry(link, struct server_offer, link)
					     ->queue,
				    visit, context);
		if (found)
			return visited(server, found);
	}
	list_for_each(link, next, &server->listeners) {
		found = queue_visit(&list_entry(link, struct server_listener,
						link)
					     ->queue,
				    visit, context);
		if (found)
			break;
	}
	return visited(server, found);
}
