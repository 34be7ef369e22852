// SPDX-License-Identifier: MIT
/*
 * Another device in a race, which imports leases. It transfers nothing: it would
 * meet the end of its mapping, as it has to, and the IOMMU would report that.
 */
#include <unistd.h>

#include "harness.h"
#include "importer.h"
#include "race.h"

static void import(struct race *race, int importer, uint32_t *seed,
		   const struct race_lease *lease, int fd)
{
	int unmap_after = race_random(seed, 2) ? IMPORTER_AT_ONCE :
						 (int)race_random(seed, 20);
	bool ended = race_has_ended(race, lease);
	bool mapped;
	int err, i;

	err = importer_attach(importer, fd, 0, unmap_after);
	if (err) {
		if (err != -ENODEV)
			FAIL("attach: %s", errno_name(err));
		return;
	}
	for (i = 0; i < 8; i++) {
		err = importer_map(importer, NULL);
		if (err && err != -ENODEV && err != -EBUSY)
			FAIL("map: %s", errno_name(err));
		if (!err && ended)
			FAIL("lease %u is ended, and yet is imported",
			     lease->id);
		if (!err)
			race_count(race, RACE_IMPORTS);
		usleep(race_random(seed, 3000));
		/* Looked at before, so that it has to be out. */
		ended = race_has_ended(race, lease);
		mapped = importer_mapped(importer);
		if (ended && mapped)
			FAIL("lease %u is ended, and yet still imported",
			     lease->id);
		if (ended) {
			race_count(race, RACE_IMPORTS_ENDED);
			break;
		}
		if (race_random(seed, 2))
			importer_unmap(importer);
	}
	ASSERT_OK(importer_detach(importer));
}

void race_importer(struct race *race)
{
	int importer = importer_open();
	uint32_t seed = race->seed * 100 + 99;
	struct race_lease lease;
	int fd;

	while (!atomic_load(&race->stop)) {
		fd = race_receive(race, RACE_IMPORTER_INBOX, &lease);
		if (fd < 0) {
			usleep(500);
			continue;
		}
		/* There are more than it can use, and old ones are no use. */
		if (!race_has_ended(race, &lease))
			import(race, importer, &seed, &lease, fd);
		close(fd);
	}
	_exit(0);
}
