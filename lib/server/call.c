// SPDX-License-Identifier: MIT
/* The callbacks, and what they get to see. */
#include <errno.h>

#include "server/server.h"

/* While one is called, it must not change what its caller is at. */
static const struct barlease_server_calls *enter(struct barlease_server *server)
{
	server->depth++;
	return &server->terms.calls;
}

static void leave(struct barlease_server *server)
{
	server->depth--;
}

struct barlease_server_lessee
server_lessee_of(const struct server_client *client)
{
	return (struct barlease_server_lessee){
		.id = client->id,
		.listener = client->listener->id,
		.pid = client->pid,
		.uid = client->uid,
		.gid = client->gid,
		.groups = client->groups,
		.group_count = client->group_count,
		.cgroup = client->cgroup ? client->cgroup->path : "",
		.command = client->command,
		.leases = client->lease_count,
		.waiting = client->waiter_count,
		.cgroup_error = client->cgroup_error,
	};
}

struct barlease_server_lease
server_lease_of(const struct barlease_server *server,
		const struct server_lease *lease)
{
	const struct server_offer *offer = lease->offer;

	return (struct barlease_server_lease){
		.id = lease->id,
		.offer = offer->id,
		.name = offer->name,
		.device = offer->device->device,
		.index = lease->index,
		.bar = offer->terms.bar,
		.range = server_slice_range(offer, lease->index),
		.access = lease->access,
		.attribute = lease->attribute,
		.age = (server_now(server) - lease->since) / NSEC_PER_MSEC,
		.time_left = server_left(server, lease->timer.due),
		.recalled = lease->recalled,
		.stuck = lease->stuck,
	};
}

struct barlease_server_request
server_request_of(const struct server_waiter *waiter)
{
	return (struct barlease_server_request){
		.offer = waiter->offer ? waiter->offer->id : 0,
		.name = waiter->offer ? waiter->offer->name : "",
		.access = waiter->access,
		.attribute = waiter->attribute,
		.minimum = waiter->minimum,
		.wait = waiter->wait,
		.position = waiter->position,
	};
}

int server_call_request(struct barlease_server *server,
			const struct server_client *client,
			const struct barlease_server_request *request,
			char *sentence)
{
	struct barlease_server_lessee lessee = server_lessee_of(client);
	int err = 0;

	if (!server->terms.calls.request)
		return 0;
	server->depth++;
	err = server->terms.calls.request(server->terms.context, &lessee,
					  request, sentence);
	server->depth--;
	sentence[BARLEASE_SENTENCE_SIZE - 1] = '\0';
	/* What is no errno is no permission either. */
	if (err > 0 || err < -4095)
		return EACCES;
	return -err;
}

bool server_call_visible(struct barlease_server *server,
			 const struct server_client *client,
			 const struct server_offer *offer)
{
	struct barlease_server_lessee lessee = server_lessee_of(client);
	bool visible;

	if (!server->terms.calls.visible)
		return true;
	server->depth++;
	visible = server->terms.calls.visible(server->terms.context, &lessee,
					      offer->id);
	server->depth--;
	return visible;
}

void server_call_grant(struct barlease_server *server,
		       const struct server_lease *lease)
{
	struct barlease_server_lessee lessee = server_lessee_of(lease->client);
	struct barlease_server_lease view = server_lease_of(server, lease);
	const struct barlease_server_calls *calls = enter(server);

	if (calls->grant)
		calls->grant(server->terms.context, &lessee, &view);
	leave(server);
}

void server_call_recall(struct barlease_server *server,
			const struct server_lease *lease)
{
	struct barlease_server_lessee lessee = server_lessee_of(lease->client);
	struct barlease_server_lease view = server_lease_of(server, lease);
	const struct barlease_server_calls *calls = enter(server);

	if (calls->recall)
		calls->recall(server->terms.context, &lessee, &view);
	leave(server);
}

void server_call_end(struct barlease_server *server,
		     const struct server_lease *lease, enum barlease_end why)
{
	struct barlease_server_lessee lessee = server_lessee_of(lease->client);
	struct barlease_server_lease view = server_lease_of(server, lease);
	const struct barlease_server_calls *calls = enter(server);

	if (calls->end)
		calls->end(server->terms.context, &lessee, &view, why);
	leave(server);
}

void server_call_stuck(struct barlease_server *server,
		       const struct server_lease *lease, int error)
{
	struct barlease_server_lessee lessee = server_lessee_of(lease->client);
	struct barlease_server_lease view = server_lease_of(server, lease);
	const struct barlease_server_calls *calls = enter(server);

	if (calls->stuck)
		calls->stuck(server->terms.context, &lessee, &view, error);
	leave(server);
}

void server_call_refuse(struct barlease_server *server,
			const struct server_client *client,
			const struct barlease_server_request *request,
			int error, const char *sentence)
{
	struct barlease_server_lessee lessee = server_lessee_of(client);
	const struct barlease_server_calls *calls = enter(server);

	if (calls->refuse)
		calls->refuse(server->terms.context, &lessee, request, error, sentence);
	leave(server);
}

void server_call_slow(struct barlease_server *server,
		      const struct server_client *client, bool first)
{
	struct barlease_server_lessee lessee = server_lessee_of(client);
	const struct barlease_server_calls *calls = enter(server);

	if (calls->slow)
		calls->slow(server->terms.context, &lessee, first);
	leave(server);
}

void server_call_came(struct barlease_server *server,
		      const struct server_client *client)
{
	struct barlease_server_lessee lessee = server_lessee_of(client);
	const struct barlease_server_calls *calls = enter(server);

	if (calls->came)
		calls->came(server->terms.context, &lessee);
	leave(server);
}

void server_call_gone(struct barlease_server *server,
		      const struct server_client *client)
{
	struct barlease_server_lessee lessee = server_lessee_of(client);
	const struct barlease_server_calls *calls = enter(server);

	if (calls->gone)
		calls->gone(server->terms.context, &lessee, client->ended);
	leave(server);
}

void server_call_offer_gone(struct barlease_server *server, uint64_t id)
{
	const struct barlease_server_calls *calls = enter(server);

	if (calls->offer_gone)
		calls->offer_gone(server->terms.context, id);
	leave(server);
}
