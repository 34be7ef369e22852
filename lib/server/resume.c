// SPDX-License-Identifier: MIT
/* Going on where another server was cut off, see keep.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/server.h"

/* A record on its way; type and number stay when it is given up. */
struct entry {
	enum keep_type type;
	uint64_t id;
	struct keep_record *record;
	struct server_client *client; /* of a lessee that is there */
	struct server_departed *departed; /* of one that is not */
};

struct resuming {
	struct barlease_server *server;
	struct entry *entries; /* by type and number */
	size_t count;
	bool some_gone;
};

static int compare(const void *a, const void *b)
{
	const struct entry *one = a;
	const struct entry *other = b;

	if (one->type != other->type)
		return one->type < other->type ? -1 : 1;
	if (one->id != other->id)
		return one->id < other->id ? -1 : 1;
	return 0;
}

static int entries_sort(struct resuming *resuming)
{
	const struct keep_file *file = &resuming->server->keep.file;
	uint64_t records = file->header->records;

	resuming->entries = calloc(records - file->free_count + 1,
				   sizeof(*resuming->entries));
	if (!resuming->entries)
		return -ENOMEM;
	for (uint64_t i = 0; i < records; i++)
		if (file->records[i].type != KEEP_NOTHING)
			resuming->entries[resuming->count++] = (struct entry){
				.type = file->records[i].type,
				.id = file->records[i].id,
				.record = &file->records[i],
			};
	qsort(resuming->entries, resuming->count, sizeof(struct entry),
	      compare);
	for (size_t i = 1; i < resuming->count; i++)
		if (!compare(&resuming->entries[i - 1], &resuming->entries[i]))
			return -EPROTO;
	return 0;
}

static void number_raise(uint64_t *last, uint64_t number)
{
	if (*last < number)
		*last = number;
}

/* What is in a record may be higher than what the header says, if that is it. */
static void numbers_restore(struct resuming *resuming)
{
	struct barlease_server *server = resuming->server;
	const struct keep_header *header = server->keep.file.header;

	number_raise(&server->last_listener, header->last_listener);
	number_raise(&server->last_client, header->last_lessee);
	number_raise(&server->last_lease, header->last_lease);
	for (size_t i = 0; i < resuming->count; i++) {
		const struct entry *entry = &resuming->entries[i];

		if (entry->type == KEEP_LESSEE)
			number_raise(&server->last_client, entry->id);
		else if (entry->type == KEEP_LEASE)
			number_raise(&server->last_lease, entry->id);
	}
}

static const struct entry *lessee_of(const struct resuming *resuming,
				     uint64_t id)
{
	const struct entry key = { .type = KEEP_LESSEE, .id = id };

	return bsearch(&key, resuming->entries, resuming->count, sizeof(key),
		       compare);
}

static struct server_client *client_of(const struct resuming *resuming,
				       uint64_t id)
{
	const struct entry *found = lessee_of(resuming, id);

	return found ? found->client : NULL;
}

/* It is gone, or has to: without a record its fd is thrown away. */
static int lessee_forget(struct resuming *resuming, struct entry *entry, int fd)
{
	entry->departed = server_departed_get(entry->record, fd);
	if (!entry->departed)
		return -ENOMEM;
	shutdown(fd, SHUT_RDWR);
	resuming->some_gone = true;
	keep_record_put(&resuming->server->keep.file, entry->record);
	return 0;
}

static int lessee_resume(struct resuming *resuming, struct entry *entry)
{
	struct barlease_server *server = resuming->server;
	struct server_kept *kept =
		server_keep_find(server, KEPT_LESSEE, entry->record->id);
	int err;

	if (!kept)
		return -EPROTO;
	/* What it was to be told was in a memory that is gone. */
	if (entry->record->of_lessee.behind)
		return lessee_forget(resuming, entry, kept->fd);
	err = server_client_resume(server, entry->record, kept->fd,
				   &entry->client);
	if (err == -ENOMEM)
		return err;
	if (err)
		return lessee_forget(resuming, entry, kept->fd);
	kept->fd = -1;
	return 0;
}

static struct server_device *device_of(struct barlease_server *server,
				       const struct keep_lease *lease)
{
	struct list *link, *next;

	list_for_each(link, next, &server->devices) {
		struct server_device *device =
			list_entry(link, struct server_device, link);

		if (!strcmp(barlease_device_bdf(device->device),
			    lease->device))
			return device;
	}
	return NULL;
}

static bool is_slice_of(const struct server_offer *offer,
			const struct server_device *device,
			const struct keep_lease *lease)
{
	struct barlease_range range;

	if (offer->removed || offer->device != device ||
	    strcmp(offer->name, lease->name) != 0 ||
	    offer->terms.bar != lease->bar || lease->index >= offer->count)
		return false;
	range = server_slice_range(offer, lease->index);
	return range.offset == lease->offset && range.length == lease->length;
}

static struct server_offer *offer_of(struct barlease_server *server,
				     const struct server_device *device,
				     const struct keep_lease *lease)
{
	struct list *link, *next;

	list_for_each(link, next, &server->offers) {
		struct server_offer *offer =
			list_entry(link, struct server_offer, link);

		if (is_slice_of(offer, device, lease))
			return offer;
	}
	return NULL;
}

static int take_back(struct barlease_device *device, int fd)
{
	int err = barlease_lease_revoke(device, fd);

	if (err && err != -EBADFD)
		err = barlease_lease_revoke(device, fd);
	return err == -EBADFD ? 0 : err;
}

/* It has ended meanwhile, or does now. */
static void lease_tell(struct resuming *resuming, struct keep_record *record,
		       struct server_device *device)
{
	const struct entry *lessee = lessee_of(resuming, record->lessee);
	struct server_client *client = lessee ? lessee->client : NULL;
	struct server_lease lease = { .id = record->id, .client = client };

	server_call_end_meanwhile(resuming->server, client,
				  lessee ? lessee->departed : NULL, record,
				  device->device);
	if (client)
		server_tell_revoked(resuming->server, &lease,
				    BARLEASE_END_REVOKED);
	keep_record_put(&resuming->server->keep.file, record);
}

static int lease_build(struct resuming *resuming, struct keep_record *record,
		       struct server_offer *offer, struct server_kept *kept)
{
	struct server_client *client = client_of(resuming, record->lessee);
	uint32_t sharers = offer->terms.sharers ? offer->terms.sharers : 1;
	int err;

	if (offer->slices[record->of_lease.index].leases >= sharers)
		return -EPROTO;
	err = server_lease_resume(resuming->server, client, offer, record,
				  kept->fd);
	if (!err)
		kept->fd = -1;
	return err;
}

static int lease_resume(struct resuming *resuming, struct keep_record *record)
{
	const struct keep_lease *lease = &record->of_lease;
	struct barlease_server *server = resuming->server;
	struct server_device *device = device_of(server, lease);
	struct server_kept *kept =
		server_keep_find(server, KEPT_LEASE, record->id);
	const struct barlease_range range = { lease->offset, lease->length };
	const struct barlease_terms terms = {
		.access = (enum barlease_access)lease->access,
		.attribute = (enum barlease_attribute)lease->attribute,
	};
	struct server_offer *offer;
	int err;

	if (!kept || !device)
		return -EPROTO;
	err = barlease_lease_resume(device->device, kept->fd, lease->bar,
				    &range, &terms);
	if (err && err != -EBADFD)
		return err;
	offer = offer_of(server, device, lease);
	if (!err && offer && client_of(resuming, record->lessee))
		return lease_build(resuming, record, offer, kept);
	if (!err)
		err = take_back(device->device, kept->fd);
	if (err && err != -EBADFD)
		return err;
	lease_tell(resuming, record, device);
	return 0;
}

/* Of one that was granted, the GRANT is told anew. */
static bool is_granted(const struct server_client *client, uint32_t serial)
{
	struct list *link, *next;

	list_for_each(link, next, &client->leases) {
		const struct keep_lease *lease =
			&list_entry(link, struct server_lease, of_client)
				 ->record->of_lease;

		if (!lease->told && lease->serial == serial)
			return true;
	}
	return false;
}

static int waiter_resume(struct resuming *resuming, struct keep_record *record)
{
	struct server_client *client = client_of(resuming, record->lessee);
	uint32_t serial = record->of_waiter.serial;
	struct server_offer *offer = NULL;

	if (!client || is_granted(client, serial)) {
		keep_record_put(&resuming->server->keep.file, record);
		return 0;
	}
	if (record->of_waiter.name[0]) {
		const struct server_shown *shown =
			server_shown_find(resuming->server, client->listener,
					  record->of_waiter.name);

		offer = shown ? shown->offer : NULL;
	}
	if (record->of_waiter.name[0] && !offer) {
		keep_record_put(&resuming->server->keep.file, record);
		server_tell_refused(resuming->server, client, serial, ENOENT,
				    "it is not offered any longer");
		return 0;
	}
	return server_waiter_resume(resuming->server, client, offer, record,
				    resuming->some_gone);
}

static void grants_tell(struct resuming *resuming)
{
	for (size_t i = 0; i < resuming->count; i++) {
		const struct entry *entry = &resuming->entries[i];
		struct server_lease *lease;

		if (entry->type != KEEP_LEASE)
			continue;
		lease = server_lease_find(resuming->server, entry->id);
		if (lease && !lease->record->of_lease.told)
			server_tell_granted(resuming->server, lease,
					    lease->record->of_lease.serial);
	}
}

static int entry_resume(struct resuming *resuming, struct entry *entry)
{
	switch (entry->type) {
	case KEEP_LESSEE:
		return lessee_resume(resuming, entry);
	case KEEP_LEASE:
		return lease_resume(resuming, entry->record);
	default:
		return waiter_resume(resuming, entry->record);
	}
}

static int entries_resume(struct barlease_server *server)
{
	struct resuming resuming = { .server = server };
	int err = entries_sort(&resuming);

	if (!err)
		numbers_restore(&resuming);
	for (size_t i = 0; !err && i < resuming.count; i++)
		err = entry_resume(&resuming, &resuming.entries[i]);
	if (!err)
		grants_tell(&resuming);
	for (size_t i = 0; i < resuming.count; i++)
		free(resuming.entries[i].departed);
	free(resuming.entries);
	return err;
}

/* Each lessee and each lease has an fd there. */
static uint64_t records_of(const struct barlease_server *server)
{
	return (uint64_t)server->terms.store.max + server->terms.waiting_max;
}

static int state_make(struct barlease_server *server)
{
	struct server_keep *keep = &server->keep;
	int err;

	/* Without it nobody knows what the rest is. */
	for (size_t i = 0; i < keep->taken_count; i++)
		if (keep->taken[i].kind == KEPT_LEASE && keep->taken[i].fd >= 0)
			return -EPROTO;
	err = keep_file_make(&keep->file, records_of(server));
	if (!err)
		err = server_keep_put(server, KEPT_STATE, KEEP_VERSION,
				      keep->file.fd);
	return err;
}

static int state_resume(struct barlease_server *server)
{
	struct server_kept *kept =
		server_keep_find(server, KEPT_STATE, KEEP_VERSION);
	int err;

	if (!kept)
		return state_make(server);
	err = keep_file_open(&server->keep.file, kept->fd);
	if (err)
		return err;
	kept->fd = -1;
	return entries_resume(server);
}

int barlease_server_resume(struct barlease_server *server)
{
	struct list *link, *next;
	int err;

	if (server->depth)
		return -EDEADLK;
	if (server->keep.on || !server->terms.store.put)
		return -EINVAL;
	err = state_resume(server);
	if (err)
		return err;
	server->keep.on = true;
	/* Their end, or their beginning, was cut off. */
	server_keep_drop(server);
	list_for_each(link, next, &server->listeners)
		server_keep_listener(server,
				     list_entry(link, struct server_listener,
						link));
	list_for_each(link, next, &server->offers)
		server_offer_changed(server,
				     list_entry(link, struct server_offer,
						link));
	server_settle(server);
	return 0;
}
