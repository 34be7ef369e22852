// SPDX-License-Identifier: MIT
/* Keeping what a later server needs, see keep.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/server.h"

#define NAME_SIZE 40

static const char *const words[] = {
	[KEPT_STATE] = "state",
	[KEPT_LISTENER] = "listener",
	[KEPT_LESSEE] = "lessee",
	[KEPT_LEASE] = "lease",
};

#define KINDS (sizeof(words) / sizeof(*words))

static void name_print(char *name, enum server_kept_kind kind, uint64_t id)
{
	snprintf(name, NAME_SIZE, "%s-%llu", words[kind],
		 (unsigned long long)id);
}

static int name_read(const char *name, enum server_kept_kind *kind,
		     uint64_t *id)
{
	char again[NAME_SIZE];
	char *end;

	for (size_t i = 0; i < KINDS; i++) {
		size_t length = strlen(words[i]);

		if (strncmp(name, words[i], length) != 0 || name[length] != '-')
			continue;
		*kind = (enum server_kept_kind)i;
		*id = strtoull(name + length + 1, &end, 10);
		name_print(again, *kind, *id);
		if (!*id || *id > KEEP_NUMBER_MAX || strcmp(again, name) != 0)
			return -ENOENT;
		return 0;
	}
	return -ENOENT;
}

int server_keep_put(struct barlease_server *server, enum server_kept_kind kind,
		    uint64_t id, int fd)
{
	const struct barlease_server_store *store = &server->terms.store;
	char name[NAME_SIZE];
	int err;

	if (server->keep.stored >= store->max)
		return -ENFILE;
	name_print(name, kind, id);
	err = store->put(server->terms.context, name, fd);
	if (!err)
		server->keep.stored++;
	return err;
}

void server_keep_remove(struct barlease_server *server,
			enum server_kept_kind kind, uint64_t id)
{
	char name[NAME_SIZE];

	name_print(name, kind, id);
	server->terms.store.remove(server->terms.context, name);
	server->keep.stored--;
}

int barlease_server_take(struct barlease_server *server, const char *name,
			 int fd)
{
	struct server_keep *keep = &server->keep;
	struct server_kept new = { .fd = fd };
	struct server_kept *more;

	if (server->depth)
		return -EDEADLK;
	if (keep->on || !server->terms.store.put)
		return -EINVAL;
	if (name_read(name, &new.kind, &new.id))
		return -ENOENT;
	if (server_keep_find(server, new.kind, new.id))
		return -EEXIST;
	more = reallocarray(keep->taken, keep->taken_count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		keep->taken = more;
		return -errno;
	}
	keep->taken = more;
	more[keep->taken_count++] = new;
	keep->stored++;
	/* What is new gets another one. */
	if (new.kind == KEPT_LISTENER && server->last_listener < new.id)
		server->last_listener = new.id;
	return 0;
}

struct server_kept *server_keep_find(struct barlease_server *server,
				     enum server_kept_kind kind, uint64_t id)
{
	struct server_keep *keep = &server->keep;

	for (size_t i = 0; i < keep->taken_count; i++)
		if (keep->taken[i].kind == kind && keep->taken[i].id == id &&
		    keep->taken[i].fd >= 0)
			return &keep->taken[i];
	return NULL;
}

void server_address(int fd, char *path)
{
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address);

	path[0] = '\0';
	if (!getsockname(fd, (struct sockaddr *)&address, &size) &&
	    address.sun_family == AF_UNIX &&
	    memchr(address.sun_path, '\0', sizeof(address.sun_path)))
		strcpy(path, address.sun_path);
}

int server_keep_socket(struct barlease_server *server, const char *path,
		       uint64_t *id)
{
	struct server_keep *keep = &server->keep;
	char other[KEEP_PATH_SIZE];
	int fd;

	for (size_t i = 0; i < keep->taken_count; i++) {
		struct server_kept *kept = &keep->taken[i];

		if (kept->kind != KEPT_LISTENER || kept->fd < 0)
			continue;
		server_address(kept->fd, other);
		if (strcmp(other, path) != 0)
			continue;
		*id = kept->id;
		fd = kept->fd;
		kept->fd = -1;
		return fd;
	}
	return -ENOENT;
}

void server_keep_listener(struct barlease_server *server,
			  struct server_listener *listener)
{
	/* Who has handed over a socket keeps it. */
	if (!server->keep.on || listener->kept || !listener->path)
		return;
	/* Without it there is another one later, and who waits tries again. */
	listener->kept = !server_keep_put(server, KEPT_LISTENER, listener->id,
					  listener->source.fd);
	server->keep.file.header->last_listener = server->last_listener;
}

void server_keep_leave_listener(struct barlease_server *server,
				struct server_listener *listener)
{
	if (listener->kept)
		server_keep_remove(server, KEPT_LISTENER, listener->id);
	listener->kept = false;
}

void server_keep_end_listener(struct barlease_server *server,
			      struct server_listener *listener)
{
	/* The store has a copy, for a moment, that nobody serves. */
	if (listener->kept)
		shutdown(listener->source.fd, SHUT_RDWR);
	server_keep_leave_listener(server, listener);
}

int server_keep_lessee(struct barlease_server *server,
		       struct server_client *client, int fd)
{
	struct keep_record *record;
	int err;

	if (!server->keep.on)
		return 0;
	record = keep_record_get(&server->keep.file);
	if (!record)
		return -ENFILE;
	record->id = client->id;
	server_address(client->listener->source.fd, record->of_lessee.path);
	memcpy(record->of_lessee.command, client->command,
	       sizeof(client->command));
	if (strlen(client->cgroup->path) < KEEP_CGROUP_SIZE)
		strcpy(record->of_lessee.cgroup, client->cgroup->path);
	server->keep.file.header->last_lessee = server->last_client;
	err = server_keep_put(server, KEPT_LESSEE, client->id, fd);
	if (err) {
		keep_record_put(&server->keep.file, record);
		return err;
	}
	keep_record_set(record, KEEP_LESSEE);
	client->record = record;
	return 0;
}

void server_keep_behind(const struct server_client *client, bool behind)
{
	if (client->record)
		client->record->of_lessee.behind = behind;
}

void server_keep_end_lessee(struct barlease_server *server,
			    struct server_client *client)
{
	if (!client->record)
		return;
	keep_record_put(&server->keep.file, client->record);
	client->record = NULL;
	/* The store has a copy, for a moment. */
	shutdown(client->socket.fd, SHUT_RDWR);
	server_keep_remove(server, KEPT_LESSEE, client->id);
}

static void lease_write(struct keep_record *record,
			const struct server_lease *lease, uint32_t serial)
{
	const struct server_offer *offer = lease->offer;
	struct barlease_range range = server_slice_range(offer, lease->index);

	record->id = lease->id;
	record->lessee = lease->client->id;
	record->of_lease = (struct keep_lease){
		.offset = range.offset,
		.length = range.length,
		.since = lease->since,
		.due = lease->timer.due,
		.bar = offer->terms.bar,
		.index = lease->index,
		.access = lease->access,
		.attribute = lease->attribute,
		.due_why = lease->timer_why,
		.serial = serial,
	};
	strcpy(record->of_lease.device,
	       barlease_device_bdf(offer->device->device));
	strcpy(record->of_lease.name, offer->name);
}

/* What it has waited for is this. */
static void waiter_forget(struct barlease_server *server,
			  const struct server_client *client, uint32_t serial)
{
	struct list *link, *next;

	list_for_each(link, next, &client->waiters) {
		struct server_waiter *waiter =
			list_entry(link, struct server_waiter, of_client);

		if (waiter->serial == serial)
			server_keep_end_waiter(server, waiter);
	}
}

int server_keep_lease(struct barlease_server *server,
		      struct server_lease *lease, uint32_t serial)
{
	struct keep_record *record;
	int err;

	if (!server->keep.on)
		return 0;
	record = keep_record_get(&server->keep.file);
	if (!record)
		return -ENFILE;
	lease_write(record, lease, serial);
	server->keep.file.header->last_lease = server->last_lease;
	err = server_keep_put(server, KEPT_LEASE, lease->id, lease->fd);
	if (err) {
		keep_record_put(&server->keep.file, record);
		return err;
	}
	keep_record_set(record, KEEP_LEASE);
	lease->record = record;
	waiter_forget(server, lease->client, serial);
	return 0;
}

void server_keep_due(const struct server_lease *lease)
{
	if (!lease->record)
		return;
	lease->record->of_lease.due_why = lease->timer_why;
	lease->record->of_lease.recalled = lease->recalled;
	__atomic_store_n(&lease->record->of_lease.due, lease->timer.due,
			 __ATOMIC_RELEASE);
}

void server_keep_told(const struct server_lease *lease)
{
	if (lease->record)
		lease->record->of_lease.told = 1;
}

void server_keep_end_lease(struct barlease_server *server,
			   struct server_lease *lease)
{
	if (!lease->record)
		return;
	keep_record_put(&server->keep.file, lease->record);
	lease->record = NULL;
	server_keep_remove(server, KEPT_LEASE, lease->id);
}

int server_keep_waiter(struct barlease_server *server,
		       struct server_waiter *waiter)
{
	struct keep_record *record;

	if (!server->keep.on)
		return 0;
	record = keep_record_get(&server->keep.file);
	if (!record)
		return -ENFILE;
	record->id = waiter->order;
	record->lessee = waiter->client->id;
	record->of_waiter = (struct keep_waiter){
		.minimum = waiter->minimum,
		.wait = waiter->wait,
		.due = waiter->timeout.due,
		.access = waiter->access,
		.attribute = waiter->attribute,
		.serial = waiter->serial,
	};
	if (waiter->offer)
		strcpy(record->of_waiter.name, waiter->offer->name);
	keep_record_set(record, KEEP_WAITER);
	waiter->record = record;
	return 0;
}

void server_keep_end_waiter(struct barlease_server *server,
			    struct server_waiter *waiter)
{
	if (waiter->record)
		keep_record_put(&server->keep.file, waiter->record);
	waiter->record = NULL;
}

void server_keep_drop(struct barlease_server *server)
{
	struct server_keep *keep = &server->keep;

	for (size_t i = 0; i < keep->taken_count; i++) {
		if (keep->taken[i].fd < 0)
			continue;
		/* Where it is no socket, it does nothing. */
		shutdown(keep->taken[i].fd, SHUT_RDWR);
		close(keep->taken[i].fd);
		keep->taken[i].fd = -1;
		server_keep_remove(server, keep->taken[i].kind,
				   keep->taken[i].id);
	}
}

void server_keep_end(struct barlease_server *server)
{
	struct server_keep *keep = &server->keep;

	server_keep_drop(server);
	free(keep->taken);
	if (keep->file.header)
		server_keep_remove(server, KEPT_STATE, KEEP_VERSION);
	keep_file_end(&keep->file);
}
