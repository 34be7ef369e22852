// SPDX-License-Identifier: MIT
/* Requests that wait. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/server.h"

#define SAY(...) snprintf(sentence, BARLEASE_SENTENCE_SIZE, __VA_ARGS__)

void server_queue_init(struct server_queue *queue)
{
	list_init(&queue->waiters);
	list_init(&queue->stale);
}

static void timed_out(struct barlease_server *server,
		      struct server_timer *timer)
{
	server_waiter_refuse(server,
			     container_of(timer, struct server_waiter, timeout),
			     ETIMEDOUT, "nothing came free in time");
}

/* May one more wait there? */
static int room_check(const struct barlease_server *server,
		      const struct server_client *client,
		      const struct server_offer *offer, char *sentence)
{
	if (client->waiter_count >= BARLEASE_REQUESTS_MAX) {
		SAY("%u requests of this lessee wait already",
		    client->waiter_count);
		return EDQUOT;
	}
	if (server->waiter_count >= server->terms.waiting_max) {
		SAY("%u requests wait already", server->waiter_count);
		return EBUSY;
	}
	if (server->keep.on && !server->keep.file.free_count) {
		SAY("there is no room to keep one more request");
		return EBUSY;
	}
	if (offer && offer->terms.max_waiting &&
	    offer->queue.count >= offer->terms.max_waiting) {
		SAY("%u requests wait for \"%s\" already", offer->queue.count,
		    offer->name);
		return EBUSY;
	}
	return 0;
}

static struct server_waiter *
waiter_make(struct barlease_server *server, struct server_client *client,
	    struct server_offer *offer,
	    const struct barlease_packet_request *request)
{
	struct server_waiter *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	if (server_timer_init(&server->timers, &new->timeout, timed_out)) {
		free(new);
		return NULL;
	}
	if (offer && server_share_take(server, client, offer, &new->share)) {
		server_timer_end(&server->timers, &new->timeout);
		free(new);
		return NULL;
	}
	new->client = client;
	new->offer = offer;
	new->queue = offer ? &offer->queue : &client->listener->queue;
	new->order = ++server->last_order;
	new->minimum = request->minimum;
	new->wait = request->wait;
	new->access = (enum barlease_access)request->access;
	new->attribute = (enum barlease_attribute)request->attribute;
	new->serial = request->header.serial;
	list_init(&new->unsaid);
	return new;
}

static uint32_t last_position(const struct server_waiter *waiter)
{
	return waiter->offer ? waiter->queue->count :
			       server_position_own(waiter);
}

static void waiter_add(struct barlease_server *server,
		       struct server_waiter *waiter, uint64_t due)
{
	list_add_tail(&waiter->queue->waiters, &waiter->link);
	list_add_tail(&waiter->client->waiters, &waiter->of_client);
	waiter->queue->count++;
	waiter->client->waiter_count++;
	server->waiter_count++;
	server_timer_set(&server->timers, &waiter->timeout, due);
	waiter->position = last_position(waiter);
}

int server_wait(struct barlease_server *server, struct server_client *client,
		struct server_offer *offer,
		const struct barlease_packet_request *request, char *sentence)
{
	struct server_waiter *new;
	int err;

	err = room_check(server, client, offer, sentence);
	if (err)
		return err;
	new = waiter_make(server, client, offer, request);
	if (!new) {
		SAY("the server has no memory");
		return ENOMEM;
	}
	waiter_add(server, new, server_due(server, new->wait));
	server_keep_waiter(server, new);
	server_position_say(server, new);
	return 0;
}

int server_waiter_resume(struct barlease_server *server,
			 struct server_client *client,
			 struct server_offer *offer, struct keep_record *record,
			 bool tell)
{
	const struct keep_waiter *kept = &record->of_waiter;
	const struct barlease_packet_request request = {
		.header.serial = kept->serial,
		.minimum = kept->minimum,
		.wait = kept->wait,
		.access = kept->access,
		.attribute = kept->attribute,
	};
	struct server_waiter *new;

	new = waiter_make(server, client, offer, &request);
	if (!new)
		return -ENOMEM;
	waiter_add(server, new, kept->due);
	/* Orders begin anew, and stay in order meanwhile. */
	record->id = new->order;
	new->record = record;
	if (tell)
		server_position_say(server, new);
	else
		new->told = new->position;
	return 0;
}

void server_waiter_free(struct barlease_server *server,
			struct server_waiter *waiter)
{
	server_keep_end_waiter(server, waiter);
	server_position_leave(server, waiter);
	list_remove(&waiter->link);
	list_remove(&waiter->of_client);
	list_remove(&waiter->unsaid);
	waiter->queue->count--;
	waiter->client->waiter_count--;
	server->waiter_count--;
	server_timer_end(&server->timers, &waiter->timeout);
	/* While it waited for something by name, there was none of that: so
	 * what it counted there has kept nobody else from it.
	 */
	server_share_drop(server, &waiter->share);
	free(waiter);
}

void server_waiter_refuse(struct barlease_server *server,
			  struct server_waiter *waiter, int error,
			  const char *sentence)
{
	struct barlease_server_request request = server_request_of(waiter);
	struct server_client *client = waiter->client;
	uint32_t serial = waiter->serial;

	request.position = 0;
	/* Before those behind it are told that they have moved up. */
	server_tell_refused(server, client, serial, error, sentence);
	/* The name of what it asked for lives on. */
	server_waiter_free(server, waiter);
	server_call_refuse(server, client, &request, error, sentence);
}

/* Can it get it there, now or later? Else a positive errno with a sentence. */
static int waiter_check(struct barlease_server *server,
			const struct server_waiter *waiter, char *sentence)
{
	const struct server_wish wish = {
		.access = waiter->access,
		.attribute = waiter->attribute,
		.minimum = waiter->minimum,
	};

	if (!waiter->offer)
		return server_fit_any(server, waiter->client, &wish, sentence);
	if (!server_call_visible(server, waiter->client, waiter->offer)) {
		SAY("it is not offered any longer");
		return ENOENT;
	}
	return server_fit(waiter->offer, &wish, sentence);
}

void server_queue_review(struct barlease_server *server,
			 struct server_queue *queue)
{
	char sentence[BARLEASE_SENTENCE_SIZE];
	struct list *link, *next;

	list_for_each(link, next, &queue->waiters) {
		struct server_waiter *waiter =
			list_entry(link, struct server_waiter, link);
		int err = waiter_check(server, waiter, sentence);

		if (err)
			server_waiter_refuse(server, waiter, err, sentence);
	}
}
