// SPDX-License-Identifier: MIT
/* The lessor of the race test: export, revoke, memory off and on. */
#include <pthread.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "race.h"
#include "touch.h"

#define EXPORTERS 4

struct lessor {
	struct race *race;
	struct barlease_device *dev;
	uint32_t round;
	atomic_uint next_seed;
};

static uint32_t seed_of(struct lessor *lessor)
{
	return lessor->round * 1000 + atomic_fetch_add(&lessor->next_seed, 1) +
	       1;
}

static bool shall_stop(struct lessor *lessor)
{
	return atomic_load(&lessor->race->close_device) ||
	       atomic_load(&lessor->race->stop);
}

/* One to three ranges, small or with room for huge pages. */
static int export_some(struct lessor *lessor, uint32_t *seed,
		       struct race_lease *lease)
{
	struct barlease_range ranges[3];
	uint32_t count = 1 + race_random(seed, 3);
	uint32_t i, pages;

	lease->pages = 0;
	for (i = 0; i < count; i++) {
		pages = 1 + race_random(seed, 8);
		ranges[i].offset = race_random(seed, 64) * PAGE;
		if (count == 1 && !race_random(seed, 4)) {
			pages = 512 + race_random(seed, 512);
			ranges[i].offset = SIZE_2M;
		}
		ranges[i].length = pages * PAGE;
		lease->pages += pages;
	}
	lease->round = lessor->round;
	lease->id = atomic_fetch_add(&lessor->race->next_lease, 1);
	ASSERT(lease->id < RACE_LEASES);
	race_count(lessor->race, RACE_EXPORTS);
	return lease_export_ranges(lessor->dev, RAM_BAR, ranges, count);
}

/* Touch it, then take it away, and see that it is gone. */
static void use_and_revoke(struct lessor *lessor, uint32_t *seed,
			   const struct race_lease *lease, int fd)
{
	size_t length = lease->pages * PAGE;
	uint32_t *map;

	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		ASSERT_EQ(errno, ENODEV);
		map = NULL;
	} else {
		touch_read(map, NULL);
		touch_write(page_word(map, lease->pages - 1), lease->id);
	}
	if (race_random(seed, 2))
		usleep(race_random(seed, 40000));

	ASSERT_SYS(lease_revoke(lessor->dev, fd));
	atomic_store(&lessor->race->lease_ended[lease->id], true);
	race_count(lessor->race, RACE_REVOKES);

	if (map) {
		ASSERT_GONE(map);
		ASSERT_GONE(page_word(map, lease->pages - 1));
		munmap(map, length);
	}
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	ASSERT_ERRNO(lease_revoke(lessor->dev, fd), EBADFD);
}

static void *export_on(void *arg)
{
	struct lessor *lessor = arg;
	uint32_t seed = seed_of(lessor);
	struct race_lease lease;
	uint32_t copies;
	int fd;

	while (!shall_stop(lessor)) {
		fd = export_some(lessor, &seed, &lease);
		for (copies = 1 + race_random(&seed, 3); copies; copies--)
			race_send(lessor->race,
				  race_random(&seed, RACE_INBOXES), &lease, fd);
		/* Some are left to end with the device. */
		if (race_random(&seed, 8))
			use_and_revoke(lessor, &seed, &lease, fd);
		close(fd);
		usleep(race_random(&seed, 2000));
	}
	return NULL;
}

static void *toggle_on(void *arg)
{
	struct lessor *lessor = arg;
	uint32_t seed = seed_of(lessor);
	uint32_t *map;
	int fd;

	fd = lease_export(lessor->dev, RAM_BAR, 0, 4 * PAGE);
	map = lease_map_rw(fd, 0, 4 * PAGE);
	while (!shall_stop(lessor)) {
		ASSERT_OK(barlease_device_set_memory(lessor->dev, false));
		ASSERT_GONE(map);
		usleep(race_random(&seed, 300));
		ASSERT_GONE(page_word(map, 3));
		ASSERT_OK(barlease_device_set_memory(lessor->dev, true));
		ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
		usleep(race_random(&seed, 6000));
		ASSERT_TOUCH(touch_read(page_word(map, 3), NULL), TOUCH_OK);
		race_count(lessor->race, RACE_TOGGLES);
	}
	munmap(map, 4 * PAGE);
	close(fd);
	return NULL;
}

void race_lessor(struct race *race, uint32_t round)
{
	struct lessor lessor = { .race = race, .round = round };
	pthread_t threads[EXPORTERS + 1];
	unsigned int count = EXPORTERS + race->toggle_memory;
	unsigned int i;

	lessor.dev = device_open(IVSHMEM);
	/* From here on, the toggler alone switches memory. */
	for (i = 0; i < count; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL,
					 i < EXPORTERS ? export_on : toggle_on,
					 &lessor), 0);
	for (i = 0; i < count; i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);

	barlease_device_close(lessor.dev);
	atomic_store(&race->round_ended[round], true);
	_exit(0);
}
