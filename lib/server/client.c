// SPDX-License-Identifier: MIT
/* Lessees, from the moment when they connect until nothing of them is left. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/socket.h"
#include "server/server.h"

/* Packets of one lessee before it is the next one's turn. */
#define PACKETS_AT_ONCE 4

/*
 * What the kernel keeps of what a lessee is sent, bytes (it takes twice as much,
 * and counts its own part): some 20 packets. As a rule it would be ten times
 * that, which the server's memory group pays for, and so would be the fds that
 * are on their way, of which the server's user may have so many.
 */
#define KEPT_BY_KERNEL (8 << 10)

#define CANNOT_WATCH "your process cannot be watched"
#define NO_MEMORY "the server has no memory"

/* That are thrown away when it is to go. */
#define LEFTOVERS_MAX 64

/*
 * Closed with something unread in it, a socket says ECONNRESET to the other end
 * before what was sent there last.
 */
static void leftovers_take(int fd)
{
	struct received received;

	for (unsigned int i = 0; i < LEFTOVERS_MAX; i++)
		if (barlease_packet_receive_alone(fd, &received))
			return;
}

/* Whoever has connected is gone, or wants it to look so. */
static bool has_hung_up(int fd)
{
	struct pollfd poller = { .fd = fd };

	return poll(&poller, 1, 0) > 0 && (poller.revents & POLLHUP);
}

static void tell_not_let_in(int fd, int error, const char *sentence)
{
	union packet packet;

	/* There is no packet that it could answer. */
	server_pack_refused(&packet, 1, error, sentence);
	barlease_packet_send(fd, &packet, -1);
	/* It may ask at once, and nothing more than that may come. */
	shutdown(fd, SHUT_RD);
}

void server_turn_away(int fd, int error, const char *sentence)
{
	tell_not_let_in(fd, error, sentence);
	leftovers_take(fd);
	close(fd);
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

static void client_unmake(struct barlease_server *server,
			  struct server_client *client)
{
	if (client->cgroup)
		server_cgroup_put(server, client->cgroup);
	server_user_put(server, client->user);
	server_client_free(client);
}

static struct server_client *client_make(struct barlease_server *server,
					 struct server_listener *listener,
					 const struct peer *peer)
{
	struct server_client *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	new->user = server_user_get(server, peer->uid);
	if (!new->user) {
		free(new);
		return NULL;
	}
	new->listener = listener;
	new->pid = peer->pid;
	new->uid = peer->uid;
	new->gid = peer->gid;
	new->socket.fd = -1;
	new->socket.ready = socket_ready;
	new->process.fd = -1;
	new->process.ready = process_ready;
	list_init(&new->leases);
	list_init(&new->waiters);
	list_init(&new->out);
	list_init(&new->unsaid);
	list_init(&new->turn);
	list_init(&new->failing);
	return new;
}

static int watch(struct barlease_server *server, struct server_client *client,
		 int fd, int process)
{
	int err, other;

	/* Both are the client's from here on, whether that works or not. */
	err = server_source_add(server, &client->socket, fd,
				EPOLLIN | EPOLLRDHUP);
	other = server_source_add(server, &client->process, process, EPOLLIN);
	return err ? err : other;
}

static void client_add(struct barlease_server *server,
		       struct server_client *client)
{
	list_add_tail(&server->clients, &client->link);
	list_add_tail(&client->listener->clients, &client->of_listener);
	server->client_count++;
}

static void socket_prepare(int fd)
{
	const int size = KEPT_BY_KERNEL;

	barlease_socket_prepare(fd, false);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void not_let_in(struct barlease_server *server,
		       struct server_client *client, int error,
		       const char *sentence)
{
	tell_not_let_in(client->socket.fd, error, sentence);
	server_client_fail(server, client, sentence);
}

static struct peer client_peer(const struct server_client *client)
{
	return (struct peer){
		.pid = client->pid,
		.uid = client->uid,
		.gid = client->gid,
		.process = client->process.fd,
	};
}

static int client_know(struct barlease_server *server,
		       struct server_client *client,
		       const struct peer_proc *proc)
{
	client->cgroup = server_cgroup_get(server, proc->cgroup);
	client->cgroup_error = proc->cgroup_error;
	memcpy(client->command, proc->command, sizeof(client->command));
	return client->cgroup ? 0 : -ENOMEM;
}

/* Return: 0, or -errno when it cannot be let in. */
static int client_look(struct barlease_server *server,
		       struct server_client *client)
{
	const struct peer peer = client_peer(client);
	struct peer_proc proc;
	int err = server_peer_look(&peer, &proc);

	return err ? err : client_know(server, client, &proc);
}

static void let_in(struct barlease_server *server, struct server_client *client)
{
	int err = 0;

	server_user_charge(server, client->user);
	if (!client->cgroup)
		err = client_look(server, client);
	if (err) {
		not_let_in(server, client, -err,
			   err == -ESRCH ? CANNOT_WATCH : NO_MEMORY);
		return;
	}
	if (server_keep_lessee(server, client, client->socket.fd)) {
		not_let_in(server, client, EMFILE,
			   "there is no room to keep one more lessee");
		return;
	}
	client->let_in = true;
	server_call_came(server, client);
}

/*
 * Nothing is looked up in /proc of who is one of many, that they cost little; but
 * of the first, who is told of, it is.
 */
static void have_wait(struct barlease_server *server,
		      struct server_client *client)
{
	if (!client->user->slowed)
		client_look(server, client);
	server_user_line_up(server, client);
}

void server_client_turn(struct barlease_server *server,
			struct server_client *client)
{
	server_client_watch(server, client);
	if (!client->let_in)
		let_in(server, client);
	else if (!server_has_unsent(client))
		packet_next(server, client);
}

void server_client_come(struct barlease_server *server,
			struct server_listener *listener, int fd)
{
	uint32_t per_uid = server->terms.lessees_max_per_uid;
	struct server_client *client;
	ssize_t groups;
	struct peer peer;
	int err;

	if (has_hung_up(fd)) {
		close(fd);
		return;
	}
	socket_prepare(fd);
	if (server->client_count >= server->terms.lessees_max) {
		server_turn_away(fd, EMFILE, "too many lessees are connected");
		return;
	}
	err = server_peer_get(fd, &peer);
	if (err) {
		server_turn_away(fd, -err, CANNOT_WATCH);
		return;
	}
	client = client_make(server, listener, &peer);
	if (!client) {
		close(peer.process);
		server_turn_away(fd, ENOMEM, NO_MEMORY);
		return;
	}
	if (per_uid && client->user->connections > per_uid) {
		client_unmake(server, client);
		close(peer.process);
		server_turn_away(fd, EMFILE,
				 "too many lessees of this user are connected");
		return;
	}
	groups = server_peer_groups(fd, &client->groups);
	if (groups < 0) {
		client_unmake(server, client);
		close(peer.process);
		server_turn_away(fd, (int)-groups,
				 "your groups cannot be known");
		return;
	}
	client->group_count = (size_t)groups;
	client->id = ++server->last_client;
	err = watch(server, client, fd, peer.process);
	client_add(server, client);
	if (err)
		server_client_fail(server, client, "it cannot be watched");
	else if (server_user_may_ask(server, client->user))
		let_in(server, client);
	else
		have_wait(server, client);
}

static int resumed_peer(const struct keep_lessee *kept, int fd,
			struct peer *peer, struct peer_proc *proc)
{
	int err = server_peer_get(fd, peer);

	if (err)
		return err;
	err = server_peer_look(peer, proc);
	if (err) {
		close(peer->process);
		return err;
	}
	/* Who it is counts as it was then, unless there was no room for that. */
	if (kept->cgroup[0]) {
		strcpy(proc->cgroup, kept->cgroup);
		proc->cgroup_error = 0;
	}
	strcpy(proc->command, kept->command);
	return 0;
}

int server_client_resume(struct barlease_server *server,
			 struct keep_record *record, int fd,
			 struct server_client **client)
{
	struct server_listener *listener;
	struct server_client *new;
	struct peer_proc proc;
	struct peer peer;
	ssize_t groups;
	int err;

	err = resumed_peer(&record->of_lessee, fd, &peer, &proc);
	if (err)
		return err;
	listener = server_listener_resume(server, record->of_lessee.path);
	new = listener ? client_make(server, listener, &peer) : NULL;
	groups = new ? client_know(server, new, &proc) : -ENOMEM;
	if (!groups)
		groups = server_peer_groups(fd, &new->groups);
	if (groups < 0) {
		if (new)
			client_unmake(server, new);
		if (listener)
			server_listener_put(server, listener);
		close(peer.process);
		return (int)groups;
	}
	new->group_count = (size_t)groups;
	new->id = record->id;
	new->record = record;
	new->let_in = true;
	err = watch(server, new, fd, peer.process);
	client_add(server, new);
	if (err)
		server_client_fail(server, new, "it cannot be watched");
	*client = new;
	return 0;
}

void server_client_end(struct barlease_server *server,
		       struct server_client *client)
{
	list_remove(&client->failing);
	list_remove(&client->turn);
	leftovers_take(client->socket.fd);
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
