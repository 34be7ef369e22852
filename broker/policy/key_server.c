// SPDX-License-Identifier: MIT
/* What is said of the server as a whole. */
#include "policy/reading.h"
#include "policy/value.h"

static void take_count(struct reading *reading, const struct raw_entry *entry,
		       uint32_t *count)
{
	const char *wrong = value_count(entry->value, count);

	if (wrong)
		reading_wrong(reading, entry, "%s", wrong);
}

static void take_connections(struct reading *reading,
			     const struct raw_entry *entry)
{
	take_count(reading, entry, &reading->policy->connections_max);
}

static void take_connections_per_user(struct reading *reading,
				      const struct raw_entry *entry)
{
	take_count(reading, entry, &reading->policy->connections_max_per_user);
}

static void take_requests(struct reading *reading,
			  const struct raw_entry *entry)
{
	take_count(reading, entry, &reading->policy->requests_max);
}

const struct key server_keys[] = {
	{ "max-connections", SECTION_SERVER, 0, false, take_connections },
	{ "max-connections-per-user", SECTION_SERVER, 0, false,
	  take_connections_per_user },
	{ "max-requests-per-second", SECTION_SERVER, 0, false, take_requests },
	{ NULL, 0, 0, false, NULL },
};
