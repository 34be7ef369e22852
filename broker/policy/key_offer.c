// SPDX-License-Identifier: MIT
/* What is said of a slice or a pool. */
#include <grp.h>
#include <string.h>

#include "policy/reading.h"
#include "policy/value.h"

/* What the reader of a value has said of it. */
static void judge(struct reading *reading, const struct raw_entry *entry,
		  const char *wrong)
{
	if (wrong)
		reading_wrong(reading, entry, "%s", wrong);
}

/* Which device it is can be told when all are known. */
static void take_device(struct reading *reading, const struct raw_entry *entry)
{
	(void)reading;
	(void)entry;
}

static void take_bar(struct reading *reading, const struct raw_entry *entry)
{
	const char *text = entry->value;

	if (text[0] < '0' || text[0] >= '0' + BARLEASE_BARS || text[1])
		reading_wrong(reading, entry, "not a BAR, from 0 to 5");
	else
		reading->offer->terms.bar = (unsigned int)(text[0] - '0');
}

static void take_range(struct reading *reading, const struct raw_entry *entry)
{
	judge(reading, entry,
	      value_range(entry->value, &reading->offer->terms.range));
}

static void take_slice(struct reading *reading, const struct raw_entry *entry)
{
	judge(reading, entry,
	      value_size(entry->value, &reading->offer->terms.slice_size));
}

static void take_access(struct reading *reading, const struct raw_entry *entry)
{
	if (!strcmp(entry->value, "ro"))
		reading->offer->terms.access = BARLEASE_READ_ONLY;
	else if (strcmp(entry->value, "rw") != 0)
		reading_wrong(reading, entry, "neither rw nor ro");
}

static void take_cache(struct reading *reading, const struct raw_entry *entry)
{
	if (!strcmp(entry->value, "wc"))
		reading->offer->terms.attribute = BARLEASE_WRITE_COMBINING;
	else if (strcmp(entry->value, "nc") != 0)
		reading_wrong(reading, entry,
			      "neither nc (non-cached) nor wc (write-combining)");
}

static void take_exclusive(struct reading *reading,
			   const struct raw_entry *entry)
{
	bool exclusive = true;

	judge(reading, entry, value_yes(entry->value, &exclusive));
	reading->offer->terms.sharers = exclusive ? 1 : UINT32_MAX;
}

static void take_over_msix(struct reading *reading,
			   const struct raw_entry *entry)
{
	judge(reading, entry,
	      value_yes(entry->value, &reading->offer->terms.over_msix));
}

static void take_max_leases(struct reading *reading,
			    const struct raw_entry *entry)
{
	judge(reading, entry,
	      value_count(entry->value, &reading->offer->terms.max_per_uid));
}

static void take_max_leases_per_group(struct reading *reading,
				      const struct raw_entry *entry)
{
	judge(reading, entry,
	      value_count(entry->value, &reading->offer->terms.max_per_gid));
}

static void take_max_leases_per_cgroup(struct reading *reading,
				       const struct raw_entry *entry)
{
	judge(reading, entry,
	      value_count(entry->value, &reading->offer->terms.max_per_cgroup));
}

static void take_max_waiting(struct reading *reading,
			     const struct raw_entry *entry)
{
	judge(reading, entry,
	      value_count(entry->value, &reading->offer->terms.max_waiting));
}

static void take_time_limit(struct reading *reading,
			    const struct raw_entry *entry)
{
	uint64_t *limit = &reading->offer->terms.time_limit;
	const char *wrong = value_time(entry->value, limit);

	if (!wrong && !*limit)
		wrong = "no time at all; without this key there is no limit";
	judge(reading, entry, wrong);
}

static void take_grace(struct reading *reading, const struct raw_entry *entry)
{
	judge(reading, entry,
	      value_time(entry->value, &reading->offer->terms.grace));
}

/* So that each socket has one path. */
static bool is_plain(const char *path)
{
	while ((path = strchr(path, '/'))) {
		size_t length = strcspn(++path, "/");

		if (!length || (length == 1 && path[0] == '.') ||
		    (length == 2 && path[0] == '.' && path[1] == '.'))
			return false;
	}
	return true;
}

static void take_socket(struct reading *reading, const struct raw_entry *entry)
{
	const char *path = entry->value;
	size_t length = strlen(path);

	if (path[0] != '/' || path[length - 1] == '/')
		reading_wrong(reading, entry,
			      "not the path of a socket from the root, such as /run/barlease/queues.sock");
	else if (!is_plain(path))
		reading_wrong(reading, entry,
			      "write it without //, /. and /.., so that each socket has one path");
	else if (length >= sizeof(reading->offer->socket))
		reading_wrong(reading, entry,
			      "has %zu bytes, and a socket's path can have %zu",
			      length, sizeof(reading->offer->socket) - 1);
	else
		strcpy(reading->offer->socket, path);
}

static void take_mode(struct reading *reading, const struct raw_entry *entry)
{
	judge(reading, entry, value_mode(entry->value, &reading->offer->mode));
}

static void take_socket_group(struct reading *reading,
			      const struct raw_entry *entry)
{
	const struct group *group;

	if (!value_id(entry->value, &reading->offer->socket_group))
		return;
	group = getgrnam(entry->value);
	if (group)
		reading->offer->socket_group = group->gr_gid;
	else if (!reading->kept)
		reading_wrong(reading, entry,
			      "there is no such group on this machine");
}

const struct key offer_keys[] = {
	{ "device", SECTION_OFFER, SECTION_OFFER, false, take_device },
	{ "bar", SECTION_OFFER, SECTION_OFFER, false, take_bar },
	{ "range", SECTION_OFFER, SECTION_OFFER, false, take_range },
	{ "slice", SECTION_POOL, SECTION_POOL, false, take_slice },
	{ "access", SECTION_OFFER, 0, false, take_access },
	{ "cache", SECTION_OFFER, 0, false, take_cache },
	{ "allow", SECTION_OFFER, SECTION_OFFER, true, take_allow },
	{ "exclusive", SECTION_OFFER, 0, false, take_exclusive },
	{ "over-msix", SECTION_OFFER, 0, false, take_over_msix },
	{ "max-leases", SECTION_OFFER, 0, false, take_max_leases },
	{ "max-leases-per-group", SECTION_OFFER, 0, false,
	  take_max_leases_per_group },
	{ "max-leases-per-cgroup", SECTION_OFFER, 0, false,
	  take_max_leases_per_cgroup },
	{ "max-waiting", SECTION_OFFER, 0, false, take_max_waiting },
	{ "time-limit", SECTION_OFFER, 0, false, take_time_limit },
	{ "grace", SECTION_OFFER, 0, false, take_grace },
	{ "socket", SECTION_OFFER, 0, false, take_socket },
	{ "mode", SECTION_OFFER, 0, false, take_mode },
	{ "socket-group", SECTION_OFFER, 0, false, take_socket_group },
	{ NULL, 0, 0, false, NULL },
};
