// SPDX-License-Identifier: MIT
/* Sections: what kind each is, which keys it has and lacks. */
#include <stdlib.h>
#include <string.h>

#include "policy/nearest.h"
#include "policy/reading.h"

/* How long a lessee has to give a lease back where the policy does not say. */
#define GRACE 1000

#define NAME_CHARACTERS                          \
	"abcdefghijklmnopqrstuvwxyz"             \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@+-"

static const struct section {
	const char *name;
	enum section_type type;
	const struct key *keys;
} kinds[] = {
	{ "Device", SECTION_DEVICE, device_keys },
	{ "Slice", SECTION_SLICE, offer_keys },
	{ "Pool", SECTION_POOL, offer_keys },
	{ "Server", SECTION_SERVER, server_keys },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

void reading_wrong(struct reading *reading, const struct raw_entry *entry,
		   const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	mistakes_add(reading->mistakes, entry->line, "%s = %s: %s", entry->key,
		     entry->value, text);
}

void reading_wrong_section(struct reading *reading, size_t section,
			   const char *format, ...)
{
	const struct raw_section *raw = &reading->raw.sections[section];
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	mistakes_add(reading->mistakes, raw->line, "[%s%s%s]: %s", raw->type,
		     *raw->name ? " " : "", raw->name, text);
}

/* "[Device NAME]", or what has no name. */
static const char *name_of(const char *kind)
{
	return strcmp(kind, "Server") ? " NAME" : "";
}

static const struct section *kind_find(struct reading *reading)
{
	const char *type = reading->raw.sections[reading->section].type;
	struct nearest nearest;

	for (size_t i = 0; i < KINDS; i++)
		if (!strcmp(kinds[i].name, type))
			return &kinds[i];
	nearest_begin(&nearest, type);
	for (size_t i = 0; i < KINDS; i++)
		nearest_try(&nearest, kinds[i].name);
	if (nearest.best)
		reading_wrong_section(reading, reading->section,
				      "no such section; do you mean [%s%s]?",
				      nearest.best, name_of(nearest.best));
	else
		reading_wrong_section(reading, reading->section,
				      "no such section; there are [Device NAME], [Slice NAME], [Pool NAME] and [Server]");
	return NULL;
}

static void name_check(struct reading *reading, const char *kind)
{
	const char *name = reading->raw.sections[reading->section].name;

	if (!*name)
		reading_wrong_section(reading, reading->section,
				      "has no name; write [%s NAME]", kind);
	else if (name[strspn(name, NAME_CHARACTERS)])
		reading_wrong_section(reading, reading->section,
				      "a name has letters, digits and . _ : @ + - only");
}

/* The server is one. */
static void server_check(struct reading *reading)
{
	const struct raw_section *raw = reading->raw.sections;

	if (*raw[reading->section].name)
		reading_wrong_section(reading, reading->section,
				      "has a name; write [Server]");
	for (size_t i = 0; i < reading->section; i++) {
		if (strcmp(raw[i].type, "Server") != 0)
			continue;
		reading_wrong_section(reading, reading->section,
				      "line %u has this section already",
				      raw[i].line);
		return;
	}
}

/* Slices and pools are one another's namesakes, too. */
static void namesake_check(struct reading *reading, const struct section *kind)
{
	const struct raw_section *raw = reading->raw.sections;
	const char *name = raw[reading->section].name;
	bool of_device = kind->type == SECTION_DEVICE;

	for (size_t i = 0; i < reading->section; i++) {
		bool is_device = !strcmp(raw[i].type, "Device");

		if (strcmp(raw[i].name, name) != 0 || !*name ||
		    is_device != of_device)
			continue;
		if (!is_device && strcmp(raw[i].type, "Slice") != 0 &&
		    strcmp(raw[i].type, "Pool") != 0)
			continue;
		reading_wrong_section(reading, reading->section,
				      "the name is that of line %u",
				      raw[i].line);
		return;
	}
}

static const struct key *key_find(struct reading *reading,
				  const struct section *kind,
				  const struct raw_entry *entry)
{
	struct nearest nearest;
	const struct key *key;

	nearest_begin(&nearest, entry->key);
	for (key = kind->keys; key->name; key++) {
		if (key->sections & kind->type) {
			if (!strcmp(key->name, entry->key))
				return key;
			nearest_try(&nearest, key->name);
		}
	}
	for (size_t i = 0; i < KINDS; i++)
		for (key = kinds[i].keys; key->name; key++)
			if (key->sections & kinds[i].type &&
			    !strcmp(key->name, entry->key)) {
				reading_wrong(reading, entry,
					      "is for a [%s], not for a [%s]",
					      kinds[i].name, kind->name);
				return NULL;
			}
	if (nearest.best)
		reading_wrong(reading, entry, "no such key; do you mean %s?",
			      nearest.best);
	else
		reading_wrong(reading, entry, "no such key");
	return NULL;
}

static void keys_take(struct reading *reading, const struct section *kind)
{
	const struct raw_section *raw =
		&reading->raw.sections[reading->section];

	for (size_t i = 0; i < raw->count; i++) {
		const struct raw_entry *entry = &raw->entries[i];
		const struct key *key = key_find(reading, kind, entry);
		const struct raw_entry *first;

		/* Looking on would take long, and nobody would be told. */
		if (reading->mistakes->more)
			return;
		if (!key)
			continue;
		first = raw_find(raw, entry->key);
		if (first != entry && !key->repeats)
			reading_wrong(reading, entry,
				      "line %u has this key already",
				      first->line);
		else if (!*entry->value)
			reading_wrong(reading, entry, "has no value");
		else
			key->take(reading, entry);
	}
	for (const struct key *key = kind->keys; key->name; key++)
		if (key->required & kind->type && !raw_find(raw, key->name))
			reading_wrong_section(reading, reading->section,
					      "lacks %s", key->name);
}

static void device_begin(struct reading *reading, const char *name)
{
	struct policy *policy = reading->policy;

	reading->device = &policy->devices[policy->device_count++];
	reading->device->section = reading->section;
	reading->device->line = reading->raw.sections[reading->section].line;
	reading->device->backend = POLICY_VFIO;
	snprintf(reading->device->name, BARLEASE_NAME_SIZE, "%s", name);
}

static void offer_begin(struct reading *reading, const char *name)
{
	struct policy *policy = reading->policy;
	struct policy_offer *offer = &policy->offers[policy->offer_count++];

	reading->offer = offer;
	offer->section = reading->section;
	offer->line = reading->raw.sections[reading->section].line;
	snprintf(offer->name, sizeof(offer->name), "%s", name);
	offer->terms.name = offer->name;
	offer->terms.bar = BARLEASE_BARS; /* none yet */
	offer->terms.sharers = 1;
	offer->terms.grace = GRACE;
	offer->mode = 0660;
	offer->socket_group = (gid_t)-1;
	snprintf(offer->socket, sizeof(offer->socket), "/run/barlease/%s.sock",
		 name);
}

static void section_take(struct reading *reading)
{
	const char *name = reading->raw.sections[reading->section].name;
	const struct section *kind = kind_find(reading);

	if (!kind)
		return;
	if (kind->type == SECTION_SERVER) {
		server_check(reading);
	} else {
		name_check(reading, kind->name);
		namesake_check(reading, kind);
	}
	if (kind->type == SECTION_DEVICE)
		device_begin(reading, name);
	else if (kind->type & SECTION_OFFER)
		offer_begin(reading, name);
	keys_take(reading, kind);
}

void sections_take(struct reading *reading)
{
	struct policy *policy = reading->policy;
	size_t count = reading->raw.count;

	/* No more of either than there are sections: they stay in place. */
	policy->devices = calloc(count + 1, sizeof(*policy->devices));
	policy->offers = calloc(count + 1, sizeof(*policy->offers));
	if (!policy->devices || !policy->offers) {
		reading->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		reading->section = i;
		section_take(reading);
	}
}
