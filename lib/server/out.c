// SPDX-License-Identifier: MIT
/*
 * What lessees are sent. Nobody is waited for: what a lessee does not take now
 * is kept, up to a limit, and meanwhile nothing more is taken from it. Positions
 * and lists are not kept, but made when there is room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "protocol/socket.h"
#include "server/server.h"

/* That it is away, is back, is recalled and has ended. */
#define EVENTS_OF_A_LEASE 4

bool server_has_unsent(const struct server_client *client)
{
	return !list_empty(&client->out) || client->listing;
}

void server_client_watch(struct barlease_server *server,
			 struct server_client *client)
{
	uint32_t events = EPOLLRDHUP;

	if (!server_has_unsent(client) && !server_waits_for_turn(client))
		events |= EPOLLIN;
	if (server_has_unsent(client) || !list_empty(&client->unsaid))
		events |= EPOLLOUT;
	server_keep_behind(client, server_has_unsent(client));
	server_source_watch(server, &client->socket, events);
}

void server_outgoing_free(struct server_outgoing *outgoing)
{
	if (outgoing->lease)
		outgoing->lease->grant = NULL;
	else if (outgoing->fd >= 0)
		close(outgoing->fd);
	list_remove(&outgoing->link);
	free(outgoing);
}

/*
 * A lessee that reads must not be thrown out for having many leases, which can
 * all be recalled, or go away with their device, before it gets to read. Those
 * that end meanwhile count as long as it has not read all.
 */
static bool has_room(const struct barlease_server *server,
		     struct server_client *client)
{
	uint64_t room = server->terms.packets_max +
			(uint64_t)EVENTS_OF_A_LEASE * client->lease_count;

	if (list_empty(&client->out) || room > client->out_room)
		client->out_room = room;
	return client->out_count < client->out_room;
}

static void keep(struct barlease_server *server, struct server_client *client,
		 const union packet *packet, struct server_lease *lease)
{
	struct server_outgoing *new;

	if (!has_room(server, client)) {
		server_client_fail(server, client,
				   "it does not read what it is sent");
		return;
	}
	new = malloc(sizeof(*new) + packet->header.size);
	if (!new) {
		server_client_fail(server, client,
				   "there is no memory to keep a packet for it");
		return;
	}
	new->lease = lease;
	new->fd = -1;
	memcpy(new->packet, packet, packet->header.size);
	if (lease)
		lease->grant = new;
	list_add_tail(&client->out, &new->link);
	client->out_count++;
	server_client_watch(server, client);
}

/*
 * This user has as many fds on their way as it may: nobody knows until when. So
 * the request is refused after all.
 */
static void grant_undo(struct barlease_server *server,
		       struct server_client *client,
		       struct server_lease *lease, uint32_t serial)
{
	if (lease)
		server_lease_drop(server, lease);
	server_tell_refused(server, client, serial, EMFILE,
			    "too many fds are on their way");
}

/* Return: whether there is room for more. */
static bool sent(struct barlease_server *server, struct server_client *client,
		 int err)
{
	if (!err)
		return true;
	if (err != -EAGAIN)
		server_client_fail(server, client, "it does not listen");
	return false;
}

void server_send(struct barlease_server *server, struct server_client *client,
		 const union packet *packet, struct server_lease *lease)
{
	int err;

	if (client->ended)
		return;
	if (server_has_unsent(client)) {
		keep(server, client, packet, lease);
		return;
	}
	err = barlease_packet_send(client->socket.fd, packet,
				   lease ? lease->fd : -1);
	if (err == -EAGAIN)
		keep(server, client, packet, lease);
	else if (err == -ETOOMANYREFS)
		grant_undo(server, client, lease, packet->header.serial);
	else if (sent(server, client, err) && lease)
		server_keep_told(lease);
}

static bool kept_send(struct barlease_server *server,
		      struct server_client *client)
{
	while (!list_empty(&client->out)) {
		struct server_outgoing *first = list_entry(
			client->out.next, struct server_outgoing, link);
		struct server_lease *lease = first->lease;
		uint32_t serial = first->packet->header.serial;
		int err;

		err = barlease_packet_send(client->socket.fd, first->packet,
					   lease ? lease->fd : first->fd);
		if (err && err != -ETOOMANYREFS)
			return sent(server, client, err);
		if (!err && lease)
			server_keep_told(lease);
		server_outgoing_free(first);
		client->out_count--;
		if (err)
			grant_undo(server, client, lease, serial);
	}
	return true;
}

static bool list_send(struct barlease_server *server,
		      struct server_client *client)
{
	union packet packet;
	int err;

	while (client->listing) {
		server_list_pack(server, client, &packet);
		err = barlease_packet_send(client->socket.fd, &packet, -1);
		if (!sent(server, client, err))
			return false;
		server_list_advance(client);
	}
	return true;
}

static bool positions_send(struct barlease_server *server,
			   struct server_client *client)
{
	union packet packet;
	int err;

	while (!list_empty(&client->unsaid)) {
		struct server_waiter *first = list_entry(
			client->unsaid.next, struct server_waiter, unsaid);

		server_pack_queued(&packet, first);
		err = barlease_packet_send(client->socket.fd, &packet, -1);
		if (!sent(server, client, err))
			return false;
		first->told = first->position;
		list_remove(&first->unsaid);
	}
	return true;
}

void server_flush(struct barlease_server *server, struct server_client *client)
{
	if (client->ended)
		return;
	if (kept_send(server, client) && list_send(server, client))
		positions_send(server, client);
	server_client_watch(server, client);
}
