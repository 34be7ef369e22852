// SPDX-License-Identifier: MIT
/* What lessees ask for. */
#include <errno.h>
#include <stdio.h>

#include "server/server.h"

#define SAY(...) snprintf(sentence, BARLEASE_SENTENCE_SIZE, __VA_ARGS__)

/* A request on its way through the checks. */
struct asking {
	struct server_client *client;
	const struct barlease_packet_request *packet;
	struct server_wish wish;
	struct server_offer *offer; /* NULL: anything */
};

static struct server_waiter *waiter_find(const struct server_client *client,
					 uint32_t serial)
{
	struct list *link, *next;

	list_for_each(link, next, &client->waiters) {
		struct server_waiter *waiter =
			list_entry(link, struct server_waiter, of_client);

		if (waiter->serial == serial)
			return waiter;
	}
	return NULL;
}

static struct barlease_server_request view_of(const struct asking *asking)
{
	return (struct barlease_server_request){
		.offer = asking->offer ? asking->offer->id : 0,
		.name = asking->packet->name,
		.access = asking->wish.access,
		.attribute = asking->wish.attribute,
		.minimum = asking->packet->minimum,
		.wait = asking->packet->wait,
	};
}

static int offer_choose(struct barlease_server *server, struct asking *asking,
			char *sentence)
{
	const struct server_shown *shown;

	if (!asking->packet->name[0])
		return 0;
	shown = server_shown_find(server, asking->client->listener,
				  asking->packet->name);
	if (!shown ||
	    !server_call_visible(server, asking->client, shown->offer)) {
		SAY("nothing of that name is offered here");
		return ENOENT;
	}
	asking->offer = shown->offer;
	return 0;
}

/* May it have it at all, now or later? */
static int asking_check(struct barlease_server *server,
			const struct asking *asking, char *sentence)
{
	const struct server_listener *listener = asking->client->listener;
	struct list *link, *next;
	int err;

	if (asking->offer) {
		err = server_fit(asking->offer, &asking->wish, sentence);
		return err ? err
			   : server_share_check(server, asking->client,
						asking->offer, sentence);
	}
	err = server_fit_any(server, asking->client, &asking->wish, sentence);
	if (err)
		return err;
	list_for_each(link, next, &listener->shown) {
		struct server_offer *offer =
			list_entry(link, struct server_shown, of_listener)
				->offer;

		if (server_fit(offer, &asking->wish, NULL) ||
		    !server_call_visible(server, asking->client, offer))
			continue;
		err = server_share_check(server, asking->client, offer,
					 sentence);
		if (!err)
			return 0;
	}
	return err;
}

/* The offer that can serve it now, or NULL. */
static struct server_offer *free_find(struct barlease_server *server,
				      const struct asking *asking)
{
	struct list *link, *next;

	if (asking->offer)
		return server_has_free(asking->offer) ? asking->offer : NULL;
	list_for_each(link, next, &asking->client->listener->shown) {
		struct server_offer *offer =
			list_entry(link, struct server_shown, of_listener)
				->offer;

		if (server_has_free(offer) &&
		    !server_fit(offer, &asking->wish, NULL) &&
		    server_call_visible(server, asking->client, offer) &&
		    !server_share_check(server, asking->client, offer, NULL))
			return offer;
	}
	return NULL;
}

/* Where there is one holder, people want to know who. */
static int say_busy(const struct asking *asking, char *sentence)
{
	const struct server_offer *offer = asking->offer;
	const struct server_client *holder;

	if (!offer) {
		SAY("nothing that fits is free");
		return EBUSY;
	}
	if (offer->device->away) {
		SAY("the device of \"%s\" is away for the moment",
		    offer->name);
		return ENODEV;
	}
	SAY("all %u of \"%s\" are lent", offer->count, offer->name);
	if (offer->lease_count == 1 && offer->count == 1) {
		holder = list_entry(offer->leases.next, struct server_lease,
				    of_offer)
				 ->client;
		SAY("\"%s\" is lent to process %d (%s) of user %u", offer->name,
		    holder->pid, holder->command, holder->uid);
	}
	return EBUSY;
}

/* Return: 0 where it has its answer, or waits; or a positive errno. */
static int asking_serve(struct barlease_server *server, struct asking *asking,
			char *sentence)
{
	struct server_offer *offer = free_find(server, asking);
	struct server_share share;
	int err;

	if (!offer) {
		if (!asking->packet->wait)
			return say_busy(asking, sentence);
		return server_wait(server, asking->client, asking->offer,
				   asking->packet, sentence);
	}
	err = server_share_take(server, asking->client, offer, &share);
	if (!err) {
		err = server_grant(server, asking->client, offer, &asking->wish,
				   &share, asking->packet->header.serial);
		if (err)
			server_share_drop(server, &share);
	}
	if (err)
		server_say_failed(sentence, offer, err);
	return -err;
}

static int asking_run(struct barlease_server *server, struct asking *asking,
		      char *sentence)
{
	struct barlease_server_request view;
	int err;

	if (waiter_find(asking->client, asking->packet->header.serial)) {
		SAY("request %u waits already", asking->packet->header.serial);
		return EEXIST;
	}
	err = offer_choose(server, asking, sentence);
	if (err)
		return err;
	view = view_of(asking);
	err = server_call_request(server, asking->client, &view, sentence);
	if (err) {
		if (!sentence[0])
			SAY("not for this lessee");
		return err;
	}
	/* The callback may have taken something back for it. */
	server_settle(server);
	if (asking->client->ended) {
		SAY("its lessee has ended");
		return ECONNRESET;
	}
	err = asking_check(server, asking, sentence);
	return err ? err : asking_serve(server, asking, sentence);
}

static void request_handle(struct barlease_server *server,
			   struct server_client *client,
			   const struct barlease_packet_request *packet)
{
	char sentence[BARLEASE_SENTENCE_SIZE] = "";
	struct asking asking = {
		.client = client,
		.packet = packet,
		.wish = {
			.access = (enum barlease_access)packet->access,
			.attribute = (enum barlease_attribute)packet->attribute,
			.minimum = packet->minimum,
		},
	};
	struct barlease_server_request view;
	int err;

	err = asking_run(server, &asking, sentence);
	if (!err)
		return;
	view = view_of(&asking);
	server_tell_refused(server, client, packet->header.serial, err,
			    sentence);
	server_call_refuse(server, client, &view, err, sentence);
}

static void cancel_handle(struct barlease_server *server,
			  const struct server_client *client,
			  const struct barlease_packet_cancel *packet)
{
	struct server_waiter *waiter = waiter_find(client, packet->request);

	if (waiter)
		server_waiter_refuse(server, waiter, ECANCELED, "as was asked");
}

static void release_handle(struct barlease_server *server,
			   struct server_client *client,
			   const struct barlease_packet_release *packet)
{
	struct server_lease *lease = server_lease_find(server, packet->lease);
	char sentence[BARLEASE_SENTENCE_SIZE];
	uint32_t serial = packet->header.serial;
	int err;

	if (!lease || lease->client != client) {
		SAY("this lessee has no lease %llu",
		    (unsigned long long)packet->lease);
		server_tell_refused(server, client, serial, ENOENT, sentence);
		return;
	}
	err = server_lease_end(server, lease, BARLEASE_END_RELEASED);
	if (err) {
		SAY("it could not be taken back: error %d", -err);
		server_tell_refused(server, client, serial, EIO, sentence);
		return;
	}
	server_tell_released(server, client, serial, packet->lease);
}

bool server_packet_asks(struct barlease_server *server,
			const struct server_client *client,
			const union packet *packet)
{
	const struct server_lease *lease;

	switch (packet->header.type) {
	case BARLEASE_PACKET_CANCEL:
		return !waiter_find(client, packet->cancel.request);
	case BARLEASE_PACKET_RELEASE:
		lease = server_lease_find(server, packet->release.lease);
		return !lease || lease->client != client;
	default:
		return true;
	}
}

void server_packet_handle(struct barlease_server *server,
			  struct server_client *client,
			  const union packet *packet)
{
	switch (packet->header.type) {
	case BARLEASE_PACKET_LIST:
		server_list_begin(server, client, packet->header.serial);
		break;
	case BARLEASE_PACKET_REQUEST:
		request_handle(server, client, &packet->request);
		break;
	case BARLEASE_PACKET_CANCEL:
		cancel_handle(server, client, &packet->cancel);
		break;
	case BARLEASE_PACKET_RELEASE:
		release_handle(server, client, &packet->release);
		break;
	}
}
