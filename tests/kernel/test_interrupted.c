// SPDX-License-Identifier: MIT
/*
 * The end of an access against a fault that is under way, made likely: both
 * are on one CPU, and whoever ends the access has the higher priority. Its
 * timer interrupts the other at any instruction, so also between the fault's
 * look at the state and its entry in the page table. If nothing made the end
 * wait for the fault there, that entry would stay.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "race.h"
#include "touch.h"

#define ROUNDS 300
#define BIG (8 * SIZE_1G)
#define PAGES_APART (BIG / SIZE_2M - 1)

struct contest {
	uint8_t *map;
	unsigned int pages;	/* to touch, 2 MiB apart */
	atomic_bool run;	/* go on faulting until SIGBUS */
	atomic_uint position;	/* where the last fault was begun */
	atomic_bool over;
};

static void pin_to_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_SYS(sched_setaffinity(0, sizeof(cpus), &cpus));
}

/* One fault after the other, each with a page table of its own to make. */
static void *fault_on(void *arg)
{
	struct contest *contest = arg;
	unsigned int i;

	pin_to_one_cpu();
	while (!atomic_load(&contest->over)) {
		if (!atomic_load(&contest->run)) {
			sched_yield();
			continue;
		}
		for (i = 0; i < contest->pages; i++) {
			atomic_store(&contest->position, i);
			if (touch_read(contest->map + i * SIZE_2M, NULL))
				break;
		}
		atomic_store(&contest->run, false);
	}
	return NULL;
}

/* At no huge page's address. */
static void *map_apart(int fd)
{
	size_t length = BIG - SIZE_2M;
	uint8_t *place = (uint8_t *)ASSERT_SYS(
		mmap(NULL, BIG + SIZE_2M, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	place += SIZE_2M - (uintptr_t)place % SIZE_2M + PAGE;
	return (void *)ASSERT_SYS(mmap(place, length, PROT_READ,
				       MAP_SHARED | MAP_FIXED, fd, 0));
}

/* Let the faults begin, and return at any moment of them. */
static void interrupt(struct contest *contest, uint32_t *seed)
{
	atomic_store(&contest->run, true);
	usleep(100 + race_random(seed, 1000));
}

/* The interrupted fault comes to its end; then nothing may be there. */
static void assert_nothing_left(struct contest *contest)
{
	unsigned int i, position;

	while (atomic_load(&contest->run))
		usleep(100);
	position = atomic_load(&contest->position);
	for (i = 0; i <= position; i++)
		ASSERT_TOUCH(touch_read(contest->map + i * SIZE_2M, NULL),
			     TOUCH_SIGBUS);
}

static void contest_start(struct contest *contest, pthread_t *thread)
{
	struct sched_param priority = { .sched_priority = 10 };

	pin_to_one_cpu();
	ASSERT_EQ(pthread_create(thread, NULL, fault_on, contest), 0);
	ASSERT_SYS(sched_setscheduler(0, SCHED_FIFO, &priority));
}

static void contest_end(struct contest *contest, pthread_t thread)
{
	atomic_store(&contest->over, true);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
}

TEST(revoke_waits_for_a_fault_that_it_interrupts)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, BIG);
	struct contest contest = { .pages = PAGES_APART };
	uint32_t seed = 1, i;
	pthread_t thread;
	int fd;

	contest_start(&contest, &thread);
	for (i = 0; i < ROUNDS; i++) {
		fd = lease_export(dev, bar, 0, BIG);
		contest.map = map_apart(fd);
		interrupt(&contest, &seed);
		ASSERT_SYS(lease_revoke(dev, fd));
		assert_nothing_left(&contest);
		munmap(contest.map - SIZE_2M, BIG + SIZE_2M);
		close(fd);
	}
	contest_end(&contest, thread);
}

TEST(memory_off_waits_for_a_fault_that_it_interrupts)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, BIG);
	struct contest contest = { .pages = PAGES_APART };
	uint32_t seed = 2, i;
	pthread_t thread;
	int fd;

	fd = lease_export(dev, bar, 0, BIG);
	contest.map = map_apart(fd);
	contest_start(&contest, &thread);
	for (i = 0; i < ROUNDS; i++) {
		interrupt(&contest, &seed);
		ASSERT_OK(barlease_device_set_memory(dev, false));
		assert_nothing_left(&contest);
		ASSERT_OK(barlease_device_set_memory(dev, true));
	}
	contest_end(&contest, thread);
}

/*
 * The first 1 GiB page of a lease against the split of its mapping: there is
 * no such page when the split begins, and none may come up while it lasts.
 */
TEST(split_waits_for_a_fault_that_it_interrupts)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, BIG);
	struct contest contest = { .pages = 1 };
	uint32_t seed = 3, i;
	pthread_t thread;
	int fd;

	contest_start(&contest, &thread);
	for (i = 0; i < ROUNDS; i++) {
		fd = lease_export(dev, bar, 0, SIZE_1G);
		contest.map = lease_map_aligned(fd, SIZE_1G, 0);
		atomic_store(&contest.run, true);
		usleep(race_random(&seed, 150));
		ASSERT_SYS(munmap(contest.map + SIZE_1G - SIZE_2M - PAGE,
				  SIZE_2M));
		while (atomic_load(&contest.run))
			usleep(100);
		ASSERT_TOUCH(touch_read(contest.map, NULL), TOUCH_OK);
		munmap(contest.map, SIZE_1G);
		close(fd);
	}
	contest_end(&contest, thread);
}
