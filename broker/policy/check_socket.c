// SPDX-License-Identifier: MIT
/* Slices that share a socket share its file. */
#include <string.h>

#include "policy/reading.h"

/* The key that makes the difference, or the section that lacks it. */
static void differs(struct reading *reading, const struct policy_offer *offer,
		    const struct policy_offer *other, const char *key)
{
	const struct raw_section *section =
		&reading->raw.sections[offer->section];
	const struct raw_entry *entry = raw_find(section, key);
	unsigned int line = reading->raw.sections[other->section].line;

	if (entry)
		reading_wrong(reading, entry,
			      "differs from %s of line %u, which has the same socket",
			      other->name, line);
	else
		reading_wrong_section(reading, offer->section,
				      "%s differs from %s of line %u, which has the same socket",
				      key, other->name, line);
}

void sockets_check(struct reading *reading)
{
	const struct policy *policy = reading->policy;

	for (size_t i = 0; i < policy->offer_count; i++) {
		const struct policy_offer *offer = &policy->offers[i];

		for (size_t j = 0; j < i; j++) {
			const struct policy_offer *other = &policy->offers[j];

			if (strcmp(offer->socket, other->socket) != 0)
				continue;
			if (offer->mode != other->mode)
				differs(reading, offer, other, "mode");
			if (offer->socket_group != other->socket_group)
				differs(reading, offer, other, "socket-group");
			break;
		}
	}
}
