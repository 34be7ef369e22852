// SPDX-License-Identifier: MIT
/* Lessors and borrowers of one device at the same time; see race.h. */
#include "device.h"
#include "emulated.h"
#include "harness.h"
#include "race.h"

#define RACE_MS 10000	/* of each of the two */

#define PLACE                                                                  \
	.name = IVSHMEM, .bar = RAM_BAR, .pages = RAM_SIZE / PAGE,             \
	.huge = SIZE_2M / PAGE, .content = RACE_TAGS, .kinds = true,           \
	.borrowers = 3, .exporters = 4

/* Whether nothing that is to be raced with stood still. */
static bool all_happened(struct race *race)
{
	unsigned int i;

	for (i = 0; i <= RACE_PASSED_ON; i++)
		if ((i != RACE_TOGGLES || race->place->events) &&
		    i != RACE_FAULTS && !atomic_load(&race->counts[i]))
			return false;
	return true;
}

static void run(const struct race_place *place)
{
	struct race *race = race_create(place);

	race_run(race, RACE_MS, all_happened);
	race_print(&race, 1);
	ASSERT(all_happened(race));
	ASSERT(atomic_load(&race->counts[RACE_FAULTS]));
}

TEST_LONG(race_on_all_cpus_lets_no_access_through_after_the_end, 60)
{
	static const struct race_place place = { PLACE };

	device_bdf(IVSHMEM);
	run(&place);
}

TEST_LONG(race_with_memory_off_lets_no_access_through_after_the_end, 60)
{
	static const struct race_place place = {
		PLACE,
		.events = race_toggle_memory,
	};

	device_bdf(IVSHMEM);
	emulated_use_one_cpu();
	run(&place);
}
