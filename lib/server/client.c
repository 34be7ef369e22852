// SPDX-License-Identifier: MIT
/* Lessees, from the moment when they are heard until nothing of them is left. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "protocol/socket.h"
#include "server/server.h"

/* Packets of one lessee before it is the next one's turn. */
#define PACKETS_AT_ONCE 4

/* That are thrown away when it is to go. */
#define LEFTOVERS_MAX 64

/*
 * Closed with something unread in it, a socket says ECONNRESET to the other end
 * before what was sent there last.
 */
void server_leftovers_take(int fd)
{
	struct received received;

	for (unsigned int i = 0; i < LEFTOVERS_MAX; i++)
		if (barlease_packet_receive_alone(fd, &received))
			return;
}

void server_client_fail(struct barlease_server *server,
			struct server_client *client, const char *reason)
{
	if (client->ended)
		return;
	client->ended = reason;
	list_add_tail(&server->failing, &client->failing);
}

/* It has broken the protocol, and is told so. */
static void violate(struct barlease_server *server,
		    struct server_client *client,
		    const struct received *received, int err,
		    const char *reason)
{
	uint32_t serial = received->packet.header.serial;
	union packet packet;

	if (received->length < sizeof(struct barlease_packet) || !serial)
		serial = 1;
	server_pack_refused(&packet, serial, -err, reason);
	barlease_packet_send(client->socket.fd, &packet, -1);
	server_client_fail(server, client, reason);
}

static void packet_take(struct barlease_server *server,
			struct server_client *client,
			const struct received *received)
{
	const char *reason;
	int err;

	if (received->fds_lost) {
		violate(server, client, received, -EPROTO,
			"an fd came with a packet");
		return;
	}
	err = barlease_packet_check(&received->packet, received->length,
				    PACKET_OF_LESSEE, &reason);
	if (err)
		violate(server, client, received, err, reason);
	else
		server_packet_handle(server, client, &received->packet);
}

/* Whether its user may ask or not. Return: whether there was one. */
static bool packet_next(struct barlease_server *server,
			struct server_client *client)
{
	struct received received;
	int err;

	err = barlease_packet_receive_alone(client->socket.fd, &received);
	if (err == -EAGAIN)
		return false;
	if (err) {
		server_client_fail(server, client,
				   "it has closed its connection");
		return false;
	}
	if (server_packet_asks(server, client, &received.packet))
		server_user_charge(server, client->user);
	packet_take(server, client, &received);
	return true;
}

/* What would be too much of its user stays where it is. */
static bool has_turn(struct barlease_server *server,
		     const struct server_client *client)
{
	struct received received;

	return server_user_may_ask(server, client->user) ||
	       barlease_packet_peek(client->socket.fd, &received) ||
	       !server_packet_asks(server, client, &received.packet);
}

static void packets_take(struct barlease_server *server,
			 struct server_client *client)
{
	for (unsigned int i = 0; i < PACKETS_AT_ONCE; i++) {
		if (client->ended || server_has_unsent(client))
			return;
		if (!has_turn(server, client)) {
			server_user_line_up(server, client);
			return;
		}
		if (!packet_next(server, client))
			return;
		server_settle(server);
	}
}

static void socket_ready(struct barlease_server *server,
			 struct server_source *source, uint32_t events)
{
	struct server_client *client =
		container_of(source, struct server_client, socket);

	/* Nobody is there to be answered. */
	if (events & (EPOLLHUP | EPOLLERR)) {
		server_client_fail(server, client,
				   "it has closed its connection");
		return;
	}
	if (events & EPOLLOUT)
		server_flush(server, client);
	/* It will not say anything any more, and does not read either, or has
	 * said too much to be waited for.
	 */
	if ((events & EPOLLRDHUP) &&
	    (server_has_unsent(client) || server_waits_for_turn(client)))
		server_client_fail(server, client,
				   "it has closed its connection");
	if (events & (EPOLLIN | EPOLLRDHUP))
		packets_take(server, client);
}

static void process_ready(struct barlease_server *server,
			  struct server_source *source, uint32_t events)
{
	struct server_client *client =
		container_of(source, struct server_client, process);

	(void)events;
	server_client_fail(server, client, "its process has ended");
}

int server_client_hear(struct barlease_server *server,
		       struct server_client *client, int fd, int process)
{
	int err, other;

	client->socket.ready = socket_ready;
	client->process.ready = process_ready;
	/* Both are the client's from here on, whether that works or not. */
	err = server_source_add(server, &client->socket, fd,
				EPOLLIN | EPOLLRDHUP);
	other = server_source_add(server, &client->process, process, EPOLLIN);
	return err ? err : other;
}

void server_client_turn(struct barlease_server *server,
			struct server_client *client)
{
	server_client_watch(server, client);
	if (!client->let_in)
		server_client_let_in(server, client);
	else if (!server_has_unsent(client))
		packet_next(server, client);
}

void server_client_end(struct barlease_server *server,
		       struct server_client *client)
{
	list_remove(&client->failing);
	list_remove(&client->turn);
	server_leftovers_take(client->socket.fd);
	server_keep_end_lessee(server, client);
	server_source_end(server, &client->socket);
	server_source_end(server, &client->process);
	while (!list_empty(&client->out))
		server_outgoing_free(list_entry(client->out.next,
						struct server_outgoing, link));
	client->listing = NULL;
	while (!list_empty(&client->waiters))
		server_waiter_free(server, list_entry(client->waiters.next,
						      struct server_waiter,
						      of_client));
	server->client_count--;
	server_user_put(server, client->user);
	list_move_tail(&server->ended, &client->link);
}

static void forget(struct barlease_server *server,
		   struct server_client *client)
{
	struct server_listener *listener = client->listener;

	if (client->let_in)
		server_call_gone(server, client);
	list_remove(&client->of_listener);
	server_listener_put(server, listener);
	if (client->cgroup)
		server_cgroup_put(server, client->cgroup);
	list_move_tail(&server->buried, &client->link);
}

void server_client_clear(struct barlease_server *server,
			 struct server_client *client)
{
	if (list_empty(&client->leases))
		forget(server, client);
	else
		server_lease_end(server,
				 list_entry(client->leases.next,
					    struct server_lease, of_client),
				 BARLEASE_END_DIED);
}

void server_client_free(struct server_client *client)
{
	free(client->groups);
	free(client);
}
