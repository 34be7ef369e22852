// SPDX-License-Identifier: MIT
/* What is offered, from the first day to the last. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

struct server_offer *server_offer_find(struct barlease_server *server,
				       uint64_t id)
{
	struct list *link, *next;

	list_for_each(link, next, &server->offers) {
		struct server_offer *offer =
			list_entry(link, struct server_offer, link);

		if (offer->id == id && !offer->removed)
			return offer;
	}
	return NULL;
}

void server_offer_free(struct server_offer *offer)
{
	free(offer->slices);
	free(offer);
}

static void terms_set(struct server_offer *offer,
		      const struct barlease_server_offer *terms)
{
	offer->terms = *terms;
	offer->terms.name = offer->name;
}

static struct server_offer *
offer_make(struct server_device *device,
	   const struct barlease_server_offer *terms)
{
	struct server_offer *new = calloc(1, sizeof(*new));
	uint64_t size = terms->slice_size;

	if (!new)
		return NULL;
	strcpy(new->name, terms->name);
	terms_set(new, terms);
	new->device = device;
	new->count = size ? (uint32_t)(terms->range.length / size) : 1;
	list_init(&new->free);
	list_init(&new->leases);
	list_init(&new->stuck);
	list_init(&new->shown);
	list_init(&new->uneven);
	server_queue_init(&new->queue);
	new->slices = calloc(new->count, sizeof(*new->slices));
	if (!new->slices) {
		free(new);
		return NULL;
	}
	for (uint32_t i = 0; i < new->count; i++)
		list_init(&new->slices[i].free);
	server_slices_sort(new);
	return new;
}

int barlease_server_add_offer(struct barlease_server *server,
			      struct barlease_device *device,
			      const struct barlease_server_offer *offer,
			      uint64_t *id)
{
	struct server_device *found;
	struct server_offer *new;
	int err;

	if (server->depth)
		return -EDEADLK;
	found = server_device_find(server, device);
	if (!found)
		return -ENOENT;
	err = server_offer_check(server, found, offer);
	if (err)
		return err;
	new = offer_make(found, offer);
	if (!new)
		return -ENOMEM;
	new->id = ++server->last_offer;
	list_add_tail(&server->offers, &new->link);
	*id = new->id;
	return 0;
}

static bool is_same(const struct barlease_server_offer *a,
		    const struct barlease_server_offer *b)
{
	return a->name && b->name && !strcmp(a->name, b->name) &&
	       a->bar == b->bar && a->range.offset == b->range.offset &&
	       a->range.length == b->range.length &&
	       a->slice_size == b->slice_size && a->over_msix == b->over_msix;
}

/* Whoever waits may be unable to get it from now on. */
void server_offer_review(struct barlease_server *server,
			 struct server_offer *offer)
{
	struct list *link, *next;

	server_queue_review(server, &offer->queue);
	list_for_each(link, next, &offer->shown) {
		const struct server_shown *shown =
			list_entry(link, struct server_shown, of_offer);

		server_queue_review(server, &shown->listener->queue);
	}
	server_offer_changed(server, offer);
}

int barlease_server_change_offer(struct barlease_server *server, uint64_t id,
				 const struct barlease_server_offer *offer)
{
	struct server_offer *found;
	int err;

	if (server->depth)
		return -EDEADLK;
	found = server_offer_find(server, id);
	if (!found)
		return -ENOENT;
	if (!is_same(&found->terms, offer))
		return -EINVAL;
	err = server_offer_check_terms(found->device->device, offer);
	if (err)
		return err;
	terms_set(found, offer);
	server_slices_sort(found);
	server_offer_review(server, found);
	server_settle(server);
	return 0;
}

static void leases_recall(struct barlease_server *server,
			  struct server_offer *offer, uint64_t grace)
{
	struct list *link, *next;

	list_for_each(link, next, &offer->leases)
		server_lease_recall(server,
				    list_entry(link, struct server_lease,
					       of_offer),
				    grace);
}

void server_offer_remove(struct barlease_server *server,
			 struct server_offer *offer, uint64_t grace)
{
	while (!list_empty(&offer->shown))
		server_hide(server, list_entry(offer->shown.next,
					       struct server_shown, of_offer));
	offer->removed = true;
	if (grace != BARLEASE_WAIT_FOR_EVER)
		leases_recall(server, offer, grace);
	server_offer_changed(server, offer);
}

int barlease_server_remove_offer(struct barlease_server *server, uint64_t id,
				 uint64_t grace)
{
	struct server_offer *offer;

	if (server->depth)
		return -EDEADLK;
	offer = server_offer_find(server, id);
	if (!offer)
		return -ENOENT;
	server_offer_remove(server, offer, grace);
	server_settle(server);
	return 0;
}

void server_offer_changed(struct barlease_server *server,
			  struct server_offer *offer)
{
	if (!offer->removed)
		list_move_tail(&server->uneven, &offer->uneven);
	else if (!offer->lease_count && !offer->stuck_count)
		list_move_tail(&server->emptied, &offer->uneven);
}

void server_offer_vanish(struct barlease_server *server,
			 struct server_offer *offer)
{
	uint64_t id = offer->id;

	list_remove(&offer->uneven);
	list_remove(&offer->queue.stale);
	list_remove(&offer->link);
	server_offer_free(offer);
	server_call_offer_gone(server, id);
}
