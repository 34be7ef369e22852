// SPDX-License-Identifier: MIT
#include "holding_tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "barlease.h"
#include "words.h"

#define NUMBER_SIZE 24
#define TEXT_SIZE (4 * CONTROL_CGROUP_SIZE)

const char *service_words(unsigned int service)
{
	switch (service) {
	case BARLEASE_BY_DRIVER:
		return "barlease-vfio-pci";
	case BARLEASE_BY_KERNEL:
		return "the kernel's vfio-pci";
	case BARLEASE_BY_SIMULATION:
		return "a simulation";
	}
	return "";
}

const char *end_words(unsigned int why)
{
	static const char *const words[] = {
		[BARLEASE_END_RELEASED] = "given back",
		[BARLEASE_END_DIED] = "the lessee has gone",
		[BARLEASE_END_EXPIRED] = "its time limit",
		[BARLEASE_END_RECALLED] = "recalled, and not given back in time",
		[BARLEASE_END_REVOKED] = "revoked by the lessor",
		[BARLEASE_END_DEVICE] = "the device is lost",
		[BARLEASE_END_SERVER] = "the server ends",
	};

	if (why && why < sizeof(words) / sizeof(*words))
		return words[why];
	return "for a reason that this program does not know";
}

static void number(char *buf, uint64_t value)
{
	snprintf(buf, NUMBER_SIZE, "%" PRIu64, value);
}

/* For people in words, for programs in bytes or milliseconds. */
static void size_cell(const struct tables *tables, char *buf, uint64_t value)
{
	if (tables->json)
		number(buf, value);
	else
		size_words(value, buf, NUMBER_SIZE);
}

static void time_cell(const struct tables *tables, char *buf, uint64_t value)
{
	if (tables->json)
		number(buf, value);
	else
		time_words(value, buf, NUMBER_SIZE);
}

static void range_cell(char *buf, size_t room, uint64_t offset,
		       uint64_t length)
{
	snprintf(buf, room, "0x%" PRIx64 "+0x%" PRIx64, offset, length);
}

static const char *access_of(uint32_t access)
{
	return access == BARLEASE_READ_ONLY ? "ro" : "rw";
}

static const char *cache_of(uint32_t attribute)
{
	return attribute == BARLEASE_WRITE_COMBINING ? "wc" : "nc";
}

static const struct table_column offer_columns[] = {
	{ "SLICE", "slice", SCOLS_JSON_STRING, 0 },
	{ "DEVICE", "device", SCOLS_JSON_STRING, 0 },
	{ "BAR", "bar", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "RANGE", "range", SCOLS_JSON_STRING, 0 },
	{ "SIZE", "size", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "NUMBER", "slices", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "FREE", "free", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "WAITING", "waiting", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "ACCESS", "access", SCOLS_JSON_STRING, 0 },
	{ "CACHE", "cache", SCOLS_JSON_STRING, 0 },
	{ "SHARED", "shared", SCOLS_JSON_BOOLEAN, 0 },
	{ "LIMIT", "time_limit", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "LEASES BY", "leases_by", SCOLS_JSON_STRING, 0 },
	{ "SOCKET", "socket", SCOLS_JSON_STRING, 0 },
};

#define OFFER_COLUMNS (sizeof(offer_columns) / sizeof(*offer_columns))

static const char *shared_of(const struct tables *tables, uint32_t flags)
{
	bool shared = flags & BARLEASE_OFFER_SHARED;

	if (tables->json)
		return shared ? "1" : "0";
	return shared ? "yes" : "no";
}

static int offer_row(const struct tables *tables, struct table *table,
		     const struct control_packet_offer *offer)
{
	char bar[NUMBER_SIZE], range[64], size[NUMBER_SIZE];
	char slices[NUMBER_SIZE], left[NUMBER_SIZE], waiting[NUMBER_SIZE];
	char limit[NUMBER_SIZE], name[TEXT_SIZE], device[TEXT_SIZE];
	char socket[TEXT_SIZE];
	const char *cells[OFFER_COLUMNS] = {
		name,	 device,  bar,
		range,	 size,	  slices,
		left,	 waiting, NULL,
		NULL,	 NULL,	  offer->time_limit ? limit : NULL,
		service_words(offer->service), socket,
	};

	clean_words(offer->name, name, sizeof(name));
	clean_words(offer->device, device, sizeof(device));
	clean_words(offer->socket, socket, sizeof(socket));
	if (offer->flags & CONTROL_OFFER_REMOVED)
		snprintf(socket, sizeof(socket), "%s",
			 tables->json ? "" : "(offered no longer)");
	number(bar, offer->bar);
	range_cell(range, sizeof(range), offer->offset, offer->length);
	size_cell(tables, size, offer->slice_size);
	number(slices, offer->slices);
	number(left, offer->free);
	number(waiting, offer->waiting);
	time_cell(tables, limit, offer->time_limit);
	cells[8] = offer->flags & BARLEASE_OFFER_READ_ONLY ? "ro" : "rw";
	cells[9] = offer->flags & BARLEASE_OFFER_WRITE_COMBINING ? "wc" : "nc";
	cells[10] = shared_of(tables, offer->flags);
	return table_row(table, cells);
}

static const struct table_column lease_columns[] = {
	{ "LEASE", "lease", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "SLICE", "slice", SCOLS_JSON_STRING, 0 },
	{ NULL, "index", SCOLS_JSON_NUMBER, 0 },
	{ "DEVICE", "device", SCOLS_JSON_STRING, 0 },
	{ "BAR", "bar", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "RANGE", "range", SCOLS_JSON_STRING, 0 },
	{ NULL, "offset", SCOLS_JSON_NUMBER, 0 },
	{ NULL, "size", SCOLS_JSON_NUMBER, 0 },
	{ "ACCESS", "access", SCOLS_JSON_STRING, 0 },
	{ "CACHE", "cache", SCOLS_JSON_STRING, 0 },
	{ "PID", "pid", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "COMMAND", "command", SCOLS_JSON_STRING, 0 },
	{ "USER", "user", SCOLS_JSON_STRING, 0 },
	{ NULL, "uid", SCOLS_JSON_NUMBER, 0 },
	{ NULL, "gid", SCOLS_JSON_NUMBER, 0 },
	{ "CGROUP", "cgroup", SCOLS_JSON_STRING, 0 },
	{ "AGE", "age", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "LEFT", "time_left", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "STATE", "state", SCOLS_JSON_STRING, 0 },
};

#define LEASE_COLUMNS (sizeof(lease_columns) / sizeof(*lease_columns))

static const char *state_of(const struct control_lease *lease)
{
	if (lease->flags & CONTROL_LEASE_STUCK)
		return "stuck";
	return lease->flags & CONTROL_LEASE_RECALLED ? "recalled" : "live";
}

/* Which of a pool: people read it with the name. */
static void slice_cell(const struct tables *tables,
		       const struct control_lease *lease, char *buf,
		       size_t room)
{
	char name[4 * BARLEASE_NAME_SIZE];

	clean_words(lease->offer, name, sizeof(name));
	if (tables->json)
		snprintf(buf, room, "%s", name);
	else
		snprintf(buf, room, "%s/%" PRIu32, name, lease->index);
}

/* Cells of "who"; NULL where it is not known. */
struct who_cells {
	char pid[NUMBER_SIZE], user[TEXT_SIZE], uid[NUMBER_SIZE];
	char gid[NUMBER_SIZE], command[TEXT_SIZE], cgroup[TEXT_SIZE];
	bool known;
};

static void who_print(const struct control_who *who, struct who_cells *cells)
{
	memset(cells, 0, sizeof(*cells));
	cells->known = who->uid != CONTROL_UNKNOWN;
	if (who->pid)
		number(cells->pid, who->pid);
	if (!cells->known)
		return;
	number(cells->uid, who->uid);
	number(cells->gid, who->gid);
	user_words(who->uid, cells->user, sizeof(cells->user));
	clean_words(who->command, cells->command, sizeof(cells->command));
	clean_words(who->cgroup, cells->cgroup, sizeof(cells->cgroup));
}

static int lease_row(const struct tables *tables, struct table *table,
		     const struct control_lease *lease)
{
	char id[NUMBER_SIZE], index[NUMBER_SIZE], bar[NUMBER_SIZE], range[64];
	char offset[NUMBER_SIZE], size[NUMBER_SIZE], age[NUMBER_SIZE];
	char left[NUMBER_SIZE], slice[TEXT_SIZE], device[TEXT_SIZE];
	bool limited = lease->time_left != UINT64_MAX;
	struct who_cells who;
	const char *const cells[LEASE_COLUMNS] = {
		id,	     slice,
		index,	     device,
		bar,	     range,
		offset,	     size,
		access_of(lease->access), cache_of(lease->attribute),
		who.pid,     who.command,
		who.user,    who.uid,
		who.gid,     who.cgroup,
		age,	     limited ? left : NULL,
		state_of(lease),
	};

	who_print(&lease->who, &who);
	number(id, lease->lease);
	slice_cell(tables, lease, slice, sizeof(slice));
	number(index, lease->index);
	clean_words(lease->device, device, sizeof(device));
	number(bar, lease->bar);
	range_cell(range, sizeof(range), lease->offset, lease->size);
	number(offset, lease->offset);
	number(size, lease->size);
	time_cell(tables, age, lease->age);
	time_cell(tables, left, lease->time_left);
	return table_row(table, cells);
}

static const struct table_column waiting_columns[] = {
	{ "POSITION", "position", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "FOR", "slice", SCOLS_JSON_STRING, 0 },
	{ "ACCESS", "access", SCOLS_JSON_STRING, 0 },
	{ "CACHE", "cache", SCOLS_JSON_STRING, 0 },
	{ "PID", "pid", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "COMMAND", "command", SCOLS_JSON_STRING, 0 },
	{ "USER", "user", SCOLS_JSON_STRING, 0 },
	{ NULL, "uid", SCOLS_JSON_NUMBER, 0 },
	{ "CGROUP", "cgroup", SCOLS_JSON_STRING, 0 },
};

#define WAITING_COLUMNS (sizeof(waiting_columns) / sizeof(*waiting_columns))

static int waiting_row(const struct tables *tables, struct table *table,
		       const struct control_packet_waiting *waiting)
{
	char position[NUMBER_SIZE], name[TEXT_SIZE];
	struct who_cells who;
	const char *const cells[WAITING_COLUMNS] = {
		position,
		name,
		access_of(waiting->access),
		cache_of(waiting->attribute),
		who.pid,
		who.command,
		who.user,
		who.uid,
		who.cgroup,
	};

	number(position, waiting->position);
	clean_words(waiting->name, name, sizeof(name));
	if (!name[0] && !tables->json)
		strcpy(name, "(anything)");
	who_print(&waiting->who, &who);
	return table_row(table, cells);
}

int holding_tables_print(const struct holdings *holdings, const char *bdf,
			 struct tables *tables)
{
	struct table table;
	int err;

	err = table_begin("slices", offer_columns, OFFER_COLUMNS, tables->json,
			  &table);
	if (err)
		return err;
	for (size_t i = 0; i < holdings->offer_count && !err; i++)
		if (!bdf || !strcmp(holdings->offers[i].device, bdf))
			err = offer_row(tables, &table, &holdings->offers[i]);
	err = tables_print(tables, &table, "Slices that barleased lends:", err);
	if (err)
		return err;
	err = table_begin("leases", lease_columns, LEASE_COLUMNS, tables->json,
			  &table);
	if (err)
		return err;
	for (size_t i = 0; i < holdings->lease_count && !err; i++)
		if (!bdf || !strcmp(holdings->leases[i].device, bdf))
			err = lease_row(tables, &table, &holdings->leases[i]);
	err = tables_print(tables, &table, "Leases:", err);
	if (err)
		return err;
	err = table_begin("waiting", waiting_columns, WAITING_COLUMNS,
			  tables->json, &table);
	if (err)
		return err;
	for (size_t i = 0; i < holdings->waiting_count && !err && !bdf; i++)
		err = waiting_row(tables, &table, &holdings->waiting[i]);
	return tables_print(tables, &table, "Who waits:", err);
}

static const struct table_column seen_columns[] = {
	{ "SLICE", "slice", SCOLS_JSON_STRING, 0 },
	{ "SIZE", "size", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "NUMBER", "slices", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "FREE", "free", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "WAITING", "waiting", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "ACCESS", "access", SCOLS_JSON_STRING, 0 },
	{ "CACHE", "cache", SCOLS_JSON_STRING, 0 },
	{ "SHARED", "shared", SCOLS_JSON_BOOLEAN, 0 },
	{ "LIMIT", "time_limit", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "SOCKET", "socket", SCOLS_JSON_STRING, 0 },
};

#define SEEN_COLUMNS (sizeof(seen_columns) / sizeof(*seen_columns))

static int seen_row(const struct tables *tables, struct table *table,
		    const struct seen *seen)
{
	const struct barlease_offer *offer = &seen->offer;
	char size[NUMBER_SIZE], slices[NUMBER_SIZE], left[NUMBER_SIZE];
	char waiting[NUMBER_SIZE], limit[NUMBER_SIZE];
	char name[TEXT_SIZE], socket[TEXT_SIZE];
	const char *const cells[SEEN_COLUMNS] = {
		name,
		size,
		slices,
		left,
		waiting,
		offer->flags & BARLEASE_OFFER_READ_ONLY ? "ro" : "rw",
		offer->flags & BARLEASE_OFFER_WRITE_COMBINING ? "wc" : "nc",
		shared_of(tables, offer->flags),
		offer->time_limit ? limit : NULL,
		socket,
	};

	clean_words(offer->name, name, sizeof(name));
	clean_words(seen->socket, socket, sizeof(socket));
	size_cell(tables, size, offer->size);
	number(slices, offer->slices);
	number(left, offer->free);
	number(waiting, offer->waiting);
	time_cell(tables, limit, offer->time_limit);
	return table_row(table, cells);
}

int seen_table_print(const struct seen *seen, size_t count,
		     struct tables *tables)
{
	struct table table;
	int err;

	err = table_begin("slices", seen_columns, SEEN_COLUMNS, tables->json,
			  &table);
	if (err)
		return err;
	for (size_t i = 0; i < count && !err; i++)
		err = seen_row(tables, &table, &seen[i]);
	return tables_print(tables, &table, "Slices that you may ask for:",
			    err);
}
