// SPDX-License-Identifier: MIT
/* Do the sections fit together? */
#include <string.h>

#include "policy/nearest.h"
#include "policy/reading.h"

static const struct raw_entry *entry_of(const struct reading *reading,
					size_t section, const char *key)
{
	return raw_find(&reading->raw.sections[section], key);
}

static unsigned int line_of(const struct reading *reading, size_t section)
{
	return reading->raw.sections[section].line;
}

static void backend_check(struct reading *reading,
			  const struct policy_device *device)
{
	const struct raw_entry *pci = entry_of(reading, device->section, "pci");
	const struct raw_entry *size =
		entry_of(reading, device->section, "size");
	const struct raw_entry *backend =
		entry_of(reading, device->section, "backend");

	/* What it lacks depends on what it is. */
	if (device->backend == POLICY_UNKNOWN || (backend && !*backend->value))
		return;
	if (device->backend == POLICY_SIM) {
		if (pci)
			reading_wrong(reading, pci,
				      "a simulated device has no PCI address");
		if (!size)
			reading_wrong_section(reading, device->section,
					      "lacks size, that of each simulated BAR");
		return;
	}
	if (size)
		reading_wrong(reading, size,
			      "a real device has its own; it is for backend = sim");
	if (!pci && !backend)
		reading_wrong_section(reading, device->section,
				      "lacks pci (or backend = sim and size)");
	else if (!pci)
		reading_wrong_section(reading, device->section, "lacks pci");
}

/* By its name it is known to lessees, and to a barleased that goes on. */
static void sim_check(struct reading *reading, size_t index)
{
	const struct policy_device *devices = reading->policy->devices;
	const struct policy_device *device = &devices[index];

	for (size_t i = 0; i < index && device->backend == POLICY_SIM; i++)
		if (devices[i].backend == POLICY_SIM &&
		    strcmp(devices[i].name, device->name) != 0 &&
		    !strncmp(devices[i].name, device->name, POLICY_SIM_NAME)) {
			reading_wrong_section(
				reading, device->section,
				"begins with the same %d characters as that of line %u, and a simulated device has no more",
				POLICY_SIM_NAME, devices[i].line);
			return;
		}
}

static void devices_check(struct reading *reading)
{
	const struct policy *policy = reading->policy;

	for (size_t i = 0; i < policy->device_count; i++) {
		const struct policy_device *device = &policy->devices[i];

		backend_check(reading, device);
		sim_check(reading, i);
		for (size_t j = 0; j < i && device->bdf[0]; j++)
			if (!strcmp(policy->devices[j].bdf, device->bdf)) {
				reading_wrong(reading,
					      entry_of(reading, device->section,
						       "pci"),
					      "is the device of line %u already",
					      line_of(reading,
						      policy->devices[j].section));
				break;
			}
	}
}

/* Return: whether it is there. */
static bool device_find(struct reading *reading, struct policy_offer *offer)
{
	const struct raw_entry *entry =
		entry_of(reading, offer->section, "device");
	const struct policy *policy = reading->policy;
	struct nearest nearest;

	if (!entry || !*entry->value)
		return false;
	nearest_begin(&nearest, entry->value);
	for (size_t i = 0; i < policy->device_count; i++) {
		if (!strcmp(policy->devices[i].name, entry->value)) {
			offer->device = i;
			return true;
		}
		nearest_try(&nearest, policy->devices[i].name);
	}
	if (nearest.best)
		reading_wrong(reading, entry,
			      "there is no [Device %s]; do you mean %s?",
			      entry->value, nearest.best);
	else
		reading_wrong(reading, entry, "there is no [Device %s]",
			      entry->value);
	return false;
}

static void slices_check(struct reading *reading,
			 const struct policy_offer *offer)
{
	const struct raw_entry *entry =
		entry_of(reading, offer->section, "slice");
	uint64_t length = offer->terms.range.length;
	uint64_t size = offer->terms.slice_size;

	if (!entry || !length || !size)
		return;
	if (length % size)
		reading_wrong(reading, entry,
			      "does not divide the range, %llu bytes",
			      (unsigned long long)length);
	else if (length / size > BARLEASE_POOL_MAX)
		reading_wrong(reading, entry,
			      "makes %llu slices, and a pool can have %u",
			      (unsigned long long)(length / size),
			      BARLEASE_POOL_MAX);
}

static void size_check(struct reading *reading,
		       const struct policy_offer *offer)
{
	const struct policy_device *device =
		&reading->policy->devices[offer->device];
	const struct barlease_range *range = &offer->terms.range;

	if (device->backend == POLICY_SIM && device->size && range->length &&
	    (range->offset > device->size ||
	     range->length > device->size - range->offset))
		reading_wrong(reading,
			      entry_of(reading, offer->section, "range"),
			      "reaches behind the BARs of %s, %llu bytes",
			      device->name, (unsigned long long)device->size);
}

static bool overlap(const struct barlease_range *a,
		    const struct barlease_range *b)
{
	return a->offset < b->offset + b->length &&
	       b->offset < a->offset + a->length;
}

static void overlap_check(struct reading *reading, const bool *found,
			  size_t index)
{
	const struct policy_offer *offers = reading->policy->offers;
	const struct policy_offer *offer = &offers[index];

	if (offer->terms.bar == BARLEASE_BARS)
		return;
	for (size_t i = 0; i < index; i++)
		if (found[i] && offers[i].device == offer->device &&
		    offers[i].terms.bar == offer->terms.bar &&
		    overlap(&offers[i].terms.range, &offer->terms.range)) {
			reading_wrong(reading,
				      entry_of(reading, offer->section,
					       "range"),
				      "overlaps %s of line %u on BAR %u of %s",
				      offers[i].name,
				      line_of(reading, offers[i].section),
				      offer->terms.bar,
				      reading->policy->devices[offer->device]
					      .name);
			return;
		}
}

/* Where both are said. */
static void connections_check(struct reading *reading)
{
	const struct policy *policy = reading->policy;
	const struct raw_entry *entry = NULL;

	/* There may be two such sections, which is a mistake besides. */
	for (size_t i = 0; !entry && i < reading->raw.count; i++)
		if (!strcmp(reading->raw.sections[i].type, "Server"))
			entry = entry_of(reading, i,
					 "max-connections-per-user");
	if (entry && policy->connections_max &&
	    policy->connections_max_per_user > policy->connections_max)
		reading_wrong(reading, entry, "more than max-connections, %u",
			      policy->connections_max);
}

void policy_check(struct reading *reading)
{
	struct policy *policy = reading->policy;
	bool found[POLICY_SECTIONS_MAX];

	connections_check(reading);
	devices_check(reading);
	for (size_t i = 0; i < policy->offer_count; i++) {
		struct policy_offer *offer = &policy->offers[i];

		slices_check(reading, offer);
		found[i] = device_find(reading, offer) &&
			   offer->terms.range.length;
		if (found[i]) {
			size_check(reading, offer);
			overlap_check(reading, found, i);
		}
	}
	sockets_check(reading);
}
