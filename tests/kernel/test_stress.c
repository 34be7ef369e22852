// SPDX-License-Identifier: MIT
/*
 * Everything at once, for as long as one wants (kernel-tests --seconds): races
 * on devices of every kind, resets, power, memory off, unplugging, unbinding,
 * importers, and people who look.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "importer.h"
#include "race.h"
#include "stress.h"

#define REPORT_MS 300000
#define BIG_PAGES ((uint32_t)(SIZE_1G / PAGE))

enum { MEMORY, RESETS, PAIRED, HUGE, UNPLUGGED, UNBOUND, PLACES };

static struct race_place places[PLACES] = {
	[MEMORY] = {
		.name = IVSHMEM,
		.bar = RAM_BAR,
		.pages = RAM_SIZE / PAGE,
		.huge = SIZE_2M / PAGE,
		.content = RACE_TAGS,
		.kinds = true,
		.borrowers = 2,
		.exporters = 3,
		.events = race_toggle_memory,
	},
	[RESETS] = {
		.name = NVME,
		.emulated = true,
		.pages = 1,
		.kinds = true,
		.borrowers = 1,
		.exporters = 2,
		.events = race_reset,
	},
	[PAIRED] = {
		.name = PAIR0,
		.emulated = true,
		.pages = 256,
		.content = RACE_EDU,
		.pair = true,
		.borrowers = 1,
		.exporters = 2,
		.events = race_hot_reset,
	},
	[HUGE] = {
		.name = TESTDEV,
		.emulated = true,
		.pages = 3 * BIG_PAGES,
		.huge = BIG_PAGES,
		.borrowers = 1,
		.exporters = 1,
		.events = race_toggle_memory,
	},
	[UNPLUGGED] = {
		.name = HOTPLUG,
		.emulated = true,
		.bar = RAM_BAR,
		.pages = 2 * SIZE_2M / PAGE,
		.huge = SIZE_2M / PAGE,
		.content = RACE_TAGS,
		.kinds = true,
		.vanishes = true,
		.borrowers = 1,
		.exporters = 2,
	},
	[UNBOUND] = {
		.name = EDU,
		.emulated = true,
		.pages = 256,
		.content = RACE_EDU,
		.vanishes = true,
		.borrowers = 1,
		.exporters = 1,
	},
};

static struct race *races[PLACES];

static void start(void (*run)(struct race *race), struct race *race)
{
	if (!ASSERT_SYS(fork())) {
		run(race);
		_exit(0);
	}
}

static void print_places(void)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++) {
		test_note("%s", places[i].name);
		race_print(&races[i], 1);
	}
}

/* The first that fails ends the test. Now and then it is said what was done. */
static void wait_for_all(unsigned int left)
{
	long long next = now_ms() + REPORT_MS;
	int status;
	pid_t pid;

	while (left) {
		pid = (pid_t)ASSERT_SYS(waitpid(-1, &status, WNOHANG));
		if (pid) {
			ASSERT_EQ(status, 0);
			left--;
		} else {
			sleep_ms(20);
		}
		if (now_ms() < next)
			continue;
		print_places();
		next += REPORT_MS;
	}
}

/* Whether nothing stood still, as far as this kernel can do it. */
static bool all_happened(void)
{
	unsigned int i;

	for (i = 0; i < RACE_COUNTS; i++) {
		if (i == RACE_STRAYED || i == RACE_FAULTS ||
		    (!places[MEMORY].importer &&
		     (i == RACE_IMPORTS || i == RACE_IMPORTS_ENDED)))
			continue;
		if (!race_sum(races, PLACES, i))
			return false;
	}
	return true;
}

/* All go on until all of it has happened, however busy the host is. */
static bool enough(struct race *race)
{
	(void)race;
	return all_happened();
}

static void run_place(struct race *race)
{
	race_run(race, stress_seconds * 1000LL, enough);
}

static unsigned int big_bar(void)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);

	barlease_device_close(dev);
	return bar;
}

TEST_STRESS(stress_of_everything_at_once_lets_no_access_through_after_the_end,
	    60)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++)
		device_bdf(places[i].name);
	places[HUGE].bar = big_bar();
	places[MEMORY].importer = importer_has_peers();
	for (i = 0; i < PLACES; i++)
		races[i] = race_create(&places[i]);

	stress_trace(true);
	for (i = 0; i < PLACES; i++)
		start(run_place, races[i]);
	start(stress_unplug, races[UNPLUGGED]);
	start(stress_unbind, races[UNBOUND]);
	start(stress_look, races[MEMORY]);
	wait_for_all(PLACES + 3);
	stress_trace(false);
	race_print(races, PLACES);
	ASSERT(all_happened());
	ASSERT(race_sum(races, PLACES, RACE_FAULTS));
}
