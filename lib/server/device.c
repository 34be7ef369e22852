// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "server/server.h"

struct server_device *server_device_find(struct barlease_server *server,
					 const struct barlease_device *device)
{
	struct list *link, *next;

	list_for_each(link, next, &server->devices) {
		struct server_device *found =
			list_entry(link, struct server_device, link);

		if (found->device == device)
			return found;
	}
	return NULL;
}

int barlease_server_add_device(struct barlease_server *server,
			       struct barlease_device *device)
{
	struct server_device *new;

	if (server->depth)
		return -EDEADLK;
	if (server_device_find(server, device))
		return -EEXIST;
	if (barlease_device_probe(device) < 0)
		return -EOPNOTSUPP;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->device = device;
	list_add_tail(&server->devices, &new->link);
	return 0;
}

/* One after the other, as what is done may take the offer away. */
static struct server_offer *first_of(struct barlease_server *server,
				     const struct server_device *device)
{
	struct list *link, *next;

	list_for_each(link, next, &server->offers) {
		struct server_offer *offer =
			list_entry(link, struct server_offer, link);

		if (offer->device == device)
			return offer;
	}
	return NULL;
}

static void leases_end(struct barlease_server *server,
		       struct server_offer *offer, enum barlease_end why)
{
	struct list *link, *next;

	list_for_each(link, next, &offer->leases)
		server_lease_end(server,
				 list_entry(link, struct server_lease,
					    of_offer),
				 why);
}

int barlease_server_remove_device(struct barlease_server *server,
				  struct barlease_device *device)
{
	struct server_device *found;
	struct server_offer *offer;

	if (server->depth)
		return -EDEADLK;
	found = server_device_find(server, device);
	if (!found)
		return -ENOENT;
	while ((offer = first_of(server, found))) {
		if (!offer->removed)
			server_offer_remove(server, offer,
					    BARLEASE_WAIT_FOR_EVER);
		leases_end(server, offer, BARLEASE_END_REVOKED);
		while (!list_empty(&offer->stuck))
			server_lease_abandon(server,
					     list_entry(offer->stuck.next,
							struct server_lease,
							of_offer));
		server_settle(server);
	}
	list_remove(&found->link);
	free(found);
	return 0;
}

/* Tell it to all that have a lease of it. */
static void tell(struct barlease_server *server,
		 const struct server_device *device,
		 enum barlease_device_state state)
{
	struct list *link, *next, *lease, *after;

	list_for_each(link, next, &server->offers) {
		struct server_offer *offer =
			list_entry(link, struct server_offer, link);

		if (offer->device != device)
			continue;
		list_for_each(lease, after, &offer->leases)
			server_tell_device(server,
					   list_entry(lease,
						      struct server_lease,
						      of_offer),
					   state);
		server_offer_changed(server, offer);
	}
}

static int set_away(struct barlease_server *server,
		    struct barlease_device *device, bool away)
{
	struct server_device *found;

	if (server->depth)
		return -EDEADLK;
	found = server_device_find(server, device);
	if (!found)
		return -ENOENT;
	if (found->lost)
		return -ENODEV;
	if (found->away == away)
		return -EALREADY;
	found->away = away;
	tell(server, found, away ? BARLEASE_DEVICE_AWAY : BARLEASE_DEVICE_BACK);
	server_settle(server);
	return 0;
}

int barlease_server_device_away(struct barlease_server *server,
				struct barlease_device *device)
{
	return set_away(server, device, true);
}

int barlease_server_device_back(struct barlease_server *server,
				struct barlease_device *device)
{
	return set_away(server, device, false);
}

int barlease_server_device_lost(struct barlease_server *server,
				struct barlease_device *device)
{
	struct server_device *found;
	struct list *link, *next;

	if (server->depth)
		return -EDEADLK;
	found = server_device_find(server, device);
	if (!found)
		return -ENOENT;
	if (found->lost)
		return -EALREADY;
	found->lost = true;
	list_for_each(link, next, &server->offers) {
		struct server_offer *offer =
			list_entry(link, struct server_offer, link);

		if (offer->device != found)
			continue;
		leases_end(server, offer, BARLEASE_END_DEVICE);
		server_offer_review(server, offer);
	}
	server_settle(server);
	return 0;
}
