// SPDX-License-Identifier: MIT
/* How a lease begins. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/server.h"

struct server_lease *server_lease_find(struct barlease_server *server,
				       uint64_t id)
{
	uint64_t hash = table_hash(0, id);
	struct table_node *node;

	for (node = table_first(&server->leases, hash); node;
	     node = node->next) {
		struct server_lease *lease =
			container_of(node, struct server_lease, by_id);

		if (lease->id == id)
			return lease;
	}
	return NULL;
}

/* What the kernel lists it by: nothing where the offer's name is too long. */
static const char *name_of(const struct server_offer *offer, uint32_t index,
			   char *name)
{
	int length;

	if (offer->count == 1)
		length = snprintf(name, BARLEASE_LEASE_NAME_MAX, "%s",
				  offer->name);
	else
		length = snprintf(name, BARLEASE_LEASE_NAME_MAX, "%s/%u",
				  offer->name, index);
	return length < BARLEASE_LEASE_NAME_MAX ? name : NULL;
}

static int export(const struct server_lease *lease)
{
	const struct server_offer *offer = lease->offer;
	struct barlease_range range = server_slice_range(offer, lease->index);
	char name[BARLEASE_LEASE_NAME_MAX];
	const struct barlease_terms terms = {
		.access = lease->access,
		.attribute = lease->attribute,
		.name = name_of(offer, lease->index, name),
		.over_msix = offer->terms.over_msix,
	};

	return barlease_lease_export_as(offer->device->device, offer->terms.bar,
					&range, 1, &terms);
}

static void count(struct barlease_server *server, struct server_lease *lease)
{
	struct server_client *client = lease->client;
	struct server_offer *offer = lease->offer;

	table_add(&server->leases, &lease->by_id, table_hash(0, lease->id));
	list_add_tail(&offer->leases, &lease->of_offer);
	offer->lease_count++;
	list_add_tail(&client->leases, &lease->of_client);
	client->lease_count++;
	list_init(&lease->doomed);
}

int server_grant(struct barlease_server *server, struct server_client *client,
		 struct server_offer *offer, const struct server_wish *wish,
		 struct server_share *share, uint32_t serial)
{
	struct server_lease *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	err = server_timer_init(&server->timers, &new->timer,
				server_lease_expire);
	if (err)
		goto err_free;
	new->client = client;
	new->offer = offer;
	new->access = wish->access;
	new->attribute = wish->attribute;
	new->since = server_now(server);
	new->index = server_slice_take(offer);
	new->fd = export(new);
	if (new->fd < 0) {
		err = new->fd;
		goto err_give_back;
	}
	if (offer->terms.time_limit) {
		new->timer_why = BARLEASE_END_EXPIRED;
		server_timer_set(&server->timers, &new->timer,
				 server_due(server, offer->terms.time_limit));
	}
	new->id = ++server->last_lease;
	err = server_keep_lease(server, new, serial);
	if (err)
		goto err_revoke;
	new->share = *share;
	*share = (struct server_share){ { NULL } };
	count(server, new);
	server_call_grant(server, new);
	server_tell_granted(server, new, serial);
	return 0;

err_revoke:
	/* Nobody else has seen it. */
	barlease_lease_revoke(offer->device->device, new->fd);
	close(new->fd);
err_give_back:
	server_slice_give_back(offer, new->index);
	server_timer_end(&server->timers, &new->timer);
err_free:
	free(new);
	return err;
}

int server_lease_resume(struct barlease_server *server,
			struct server_client *client,
			struct server_offer *offer, struct keep_record *record,
			int fd)
{
	const struct keep_lease *kept = &record->of_lease;
	struct server_lease *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	err = server_timer_init(&server->timers, &new->timer,
				server_lease_expire);
	if (err)
		goto err_free;
	err = server_share_take(server, client, offer, &new->share);
	if (err)
		goto err_timer;
	new->id = record->id;
	new->client = client;
	new->offer = offer;
	new->fd = fd;
	new->index = kept->index;
	new->access = (enum barlease_access)kept->access;
	new->attribute = (enum barlease_attribute)kept->attribute;
	new->since = kept->since;
	new->recalled = kept->recalled;
	new->timer_why = kept->due_why;
	new->record = record;
	server_slice_take_at(offer, new->index);
	server_timer_set(&server->timers, &new->timer, kept->due);
	count(server, new);
	return 0;

err_timer:
	server_timer_end(&server->timers, &new->timer);
err_free:
	free(new);
	return err;
}

void server_say_failed(char *sentence, const struct server_offer *offer,
		       int err)
{
	snprintf(sentence, BARLEASE_SENTENCE_SIZE,
		 "\"%s\" could not be lent: %s", offer->name,
		 strerror(-err));
}
