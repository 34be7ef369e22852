// SPDX-License-Identifier: MIT
/*
 * Lessees as they connect, or are taken over, until they are let in. Anybody can
 * do that as often as he likes, so what is looked up of them is what it takes to
 * say who has to wait.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/socket.h"
#include "server/server.h"

/*
 * What the kernel keeps of what a lessee is sent, bytes (it takes twice as much,
 * and counts its own part): some 20 packets. As a rule it would be ten times
 * that, which the server's memory group pays for, and so would be the fds that
 * are on their way, of which the server's user may have so many.
 */
#define KEPT_BY_KERNEL (8 << 10)

#define CANNOT_WATCH "your process cannot be watched"
#define NO_MEMORY "the server has no memory"

/* Whoever has connected is gone, or wants it to look so. */
static bool has_hung_up(int fd)
{
	struct pollfd poller = { .fd = fd };

	/* That is told without having been asked for. */
	return poll(&poller, 1, 0) > 0;
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
	server_leftovers_take(fd);
	close(fd);
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
	new->cgroup_id = peer->cgroup_id;
	new->cgroup_error = -EAGAIN;
	new->socket.fd = -1;
	new->process.fd = -1;
	list_init(&new->leases);
	list_init(&new->waiters);
	list_init(&new->out);
	list_init(&new->unsaid);
	list_init(&new->turn);
	list_init(&new->failing);
	return new;
}

/* Takes both fds. Return: whether it can be heard; it is to be ended if not. */
static bool client_add(struct barlease_server *server,
		       struct server_client *client, int fd, int process)
{
	int err = server_client_hear(server, client, fd, process);

	list_add_tail(&server->clients, &client->link);
	list_add_tail(&client->listener->clients, &client->of_listener);
	server->client_count++;
	if (err)
		server_client_fail(server, client, "it cannot be watched");
	return !err;
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
		.cgroup_id = client->cgroup_id,
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

/* Return: whether it can be let in. */
static bool client_look(struct barlease_server *server,
			struct server_client *client)
{
	const struct peer peer = client_peer(client);
	struct peer_proc proc;
	int err = server_peer_look(&peer, &proc);

	if (!err)
		err = client_know(server, client, &proc);
	if (err)
		not_let_in(server, client, -err,
			   err == -ESRCH ? CANNOT_WATCH : NO_MEMORY);
	return !err;
}

void server_client_let_in(struct barlease_server *server,
			  struct server_client *client)
{
	server_user_charge(server, client->user);
	if (!client->cgroup && !client_look(server, client))
		return;
	if (server_keep_lessee(server, client, client->socket.fd)) {
		not_let_in(server, client, EMFILE,
			   "there is no room to keep one more lessee");
		return;
	}
	client->let_in = true;
	server_call_came(server, client);
}

/*
 * Nothing is looked up in /proc of who is one of many, so that they cost little:
 * only of the first, who is told of, and where it could not be seen later that one
 * is in another cgroup by then.
 */
static void have_wait(struct barlease_server *server,
		      struct server_client *client)
{
	if ((client->user->slowed && client->cgroup_id) ||
	    client_look(server, client))
		server_user_line_up(server, client);
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
	if (!client_add(server, client, fd, peer.process))
		return;
	if (server_user_may_ask(server, client->user))
		server_client_let_in(server, client);
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
	client_add(server, new, fd, peer.process);
	*client = new;
	return 0;
}
