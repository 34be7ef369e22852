// SPDX-License-Identifier: MIT
/* What is said of a device. */
#include <string.h>

#include "policy/reading.h"
#include "policy/value.h"

static void take_pci(struct reading *reading, const struct raw_entry *entry)
{
	if (barlease_bdf_parse(entry->value, reading->device->bdf))
		reading_wrong(reading, entry,
			      "not a PCI address, such as 0000:01:00.0");
}

static void take_backend(struct reading *reading, const struct raw_entry *entry)
{
	if (!strcmp(entry->value, "sim")) {
		reading->device->backend = POLICY_SIM;
	} else if (strcmp(entry->value, "vfio") != 0) {
		reading->device->backend = POLICY_UNKNOWN;
		reading_wrong(reading, entry,
			      "neither vfio nor sim (a simulated device)");
	}
}

static void take_size(struct reading *reading, const struct raw_entry *entry)
{
	const char *wrong = value_size(entry->value, &reading->device->size);

	/* A file is not longer. */
	if (!wrong && reading->device->size > INT64_MAX)
		wrong = "more than a simulated BAR can have";
	if (wrong)
		reading_wrong(reading, entry, "%s", wrong);
}

const struct key device_keys[] = {
	{ "pci", SECTION_DEVICE, 0, false, take_pci },
	{ "backend", SECTION_DEVICE, 0, false, take_backend },
	{ "size", SECTION_DEVICE, 0, false, take_size },
	{ NULL, 0, 0, false, NULL },
};
