// SPDX-License-Identifier: MIT
/*
 * Telling those who wait their positions. When one leaves a queue, all behind
 * it move up: a pass from the front tells them, some with each dispatch. Who
 * leaves meanwhile before the place that it has come to makes it go through once
 * more; those behind that place get the right number at once.
 *
 * Requests for anything count among those of their lessee alone. What others wait
 * for, and get, may be what it must not know of.
 */
#include "server/server.h"

/* How many one call looks at. */
#define STEPS_MAX 256

static struct server_waiter *waiter_at(const struct server_queue *queue,
				       struct list *link)
{
	if (link == &queue->waiters)
		return NULL;
	return list_entry(link, struct server_waiter, link);
}

uint32_t server_position_own(const struct server_waiter *waiter)
{
	struct list *link, *next;
	uint32_t position = 0;

	list_for_each(link, next, &waiter->client->waiters) {
		const struct server_waiter *other = list_entry(
			link, struct server_waiter, of_client);

		position += !other->offer && other->order <= waiter->order;
	}
	return position;
}

/* There are BARLEASE_REQUESTS_MAX of them at most. */
static void own_leave(struct barlease_server *server,
		      const struct server_waiter *waiter)
{
	struct list *link, *next;

	list_for_each(link, next, &waiter->client->waiters) {
		struct server_waiter *other = list_entry(
			link, struct server_waiter, of_client);

		if (other->offer || other->order <= waiter->order)
			continue;
		other->position--;
		server_position_say(server, other);
	}
}

void server_position_leave(struct barlease_server *server,
			   const struct server_waiter *waiter)
{
	struct server_queue *queue = waiter->queue;

	if (!waiter->offer) {
		own_leave(server, waiter);
		return;
	}
	if (list_empty(&queue->stale)) {
		/* Nobody is behind the last one. */
		if (waiter->link.next == &queue->waiters)
			return;
		list_add_tail(&server->stale, &queue->stale);
		queue->cursor = waiter_at(queue, waiter->link.next);
		queue->position = waiter->position;
		return;
	}
	if (queue->cursor == waiter) {
		queue->cursor = waiter_at(queue, waiter->link.next);
	} else if (!queue->cursor || waiter->order < queue->cursor->order) {
		queue->position--;
		queue->again = true;
	}
}

void server_position_say(struct barlease_server *server,
			 struct server_waiter *waiter)
{
	struct server_client *client = waiter->client;

	list_move_tail(&client->unsaid, &waiter->unsaid);
	server_flush(server, client);
}

static void queue_done(struct barlease_server *server,
		       struct server_queue *queue)
{
	list_remove(&queue->stale);
	if (!queue->again)
		return;
	queue->again = false;
	queue->cursor = waiter_at(queue, queue->waiters.next);
	queue->position = 1;
	if (queue->cursor)
		list_add_tail(&server->stale, &queue->stale);
}

bool server_positions_tell(struct barlease_server *server)
{
	unsigned int steps = 0;

	while (steps < STEPS_MAX && !list_empty(&server->stale)) {
		struct server_queue *queue = list_entry(
			server->stale.next, struct server_queue, stale);
		struct server_waiter *waiter = queue->cursor;

		if (!waiter) {
			queue_done(server, queue);
			continue;
		}
		queue->cursor = waiter_at(queue, waiter->link.next);
		waiter->position = queue->position++;
		if (waiter->position != waiter->told)
			server_position_say(server, waiter);
		steps++;
	}
	return steps;
}
