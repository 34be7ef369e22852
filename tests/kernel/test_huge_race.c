// SPDX-License-Identifier: MIT
/* What others do to huge entries of a lease, at the moment that matters. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "race.h"
#include "touch.h"

#define BIG (2 * SIZE_1G)
#define ENTRIES 512
#define FORKS 400
#define FORKS_SLOW 10	/* where a round takes a second */
#define FORKS_CALM 3	/* not interrupted, to see how long one takes */
#define TWINS 400

struct forker {
	uint8_t *map;
	atomic_bool run;		/* fork once */
	atomic_bool over;
	long long took;			/* the last fork, microseconds */
	int pipe[2];
	_Atomic uint32_t *ended;	/* in memory shared with the child */
};

static long long clock_us(void)
{
	struct timespec now;

	ASSERT_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void pin_to_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_SYS(sched_setaffinity(0, sizeof(cpus), &cpus));
}

/* At an address where entries of 2 MiB fit and none of 1 GiB does. */
static uint8_t *map_by_2_mib(int fd, size_t length)
{
	uint8_t *place = (uint8_t *)ASSERT_SYS(
		mmap(NULL, length + 2 * SIZE_1G, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	place += SIZE_1G - (uintptr_t)place % SIZE_1G + SIZE_2M;
	return (uint8_t *)ASSERT_SYS(mmap(place, length, PROT_READ,
					  MAP_SHARED | MAP_FIXED, fd, 0));
}

/* The child has what fork() gave it, and looks when the lease has ended. */
static void fork_once(struct forker *forker)
{
	long long start = clock_us();
	unsigned int i;
	int status;
	pid_t pid;

	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid) {
		while (!atomic_load(forker->ended))
			usleep(100);
		/* Without the signals, which take long. */
		for (i = 0; i < ENTRIES; i++)
			if (write(forker->pipe[1], forker->map + i * SIZE_2M,
				  1) == 1)
				_exit(1);
		_exit(0);
	}
	forker->took = clock_us() - start;
	ASSERT_SYS(waitpid(pid, &status, 0));
	if (status)
		FAIL("a child reaches what was revoked while it was made");
}

static void *fork_on(void *arg)
{
	struct forker *forker = arg;

	pin_to_one_cpu();
	while (!atomic_load(&forker->over)) {
		if (atomic_load(&forker->run)) {
			fork_once(forker);
			atomic_store(&forker->run, false);
		}
		usleep(50);
	}
	return NULL;
}

/*
 * As in test_interrupted.c: the lessor's timer interrupts the fork anywhere, so
 * also where it has read an entry and not written it yet.
 */
TEST_LONG(revoke_in_the_midst_of_a_fork_leaves_the_child_nothing, 180)
{
	struct sched_param priority = { .sched_priority = 10 };
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	struct forker forker = { 0 };
	uint32_t rounds = patience_ms(1) > 1 ? FORKS_SLOW : FORKS;
	uint32_t seed = 4, i, j;
	long long took = LLONG_MAX;
	pthread_t thread;
	int fd;

	forker.ended = (void *)ASSERT_SYS(
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	ASSERT_SYS(pipe(forker.pipe));
	pin_to_one_cpu();
	ASSERT_EQ(pthread_create(&thread, NULL, fork_on, &forker), 0);
	ASSERT_SYS(sched_setscheduler(0, SCHED_FIFO, &priority));
	for (i = 0; i < FORKS_CALM + rounds; i++) {
		fd = lease_export(dev, bar, SIZE_2M, BIG);
		forker.map = map_by_2_mib(fd, BIG);
		for (j = 0; j < ENTRIES; j++)
			ASSERT_TOUCH(touch_read(forker.map + j * SIZE_2M, NULL),
				     TOUCH_OK);
		atomic_store(forker.ended, false);
		atomic_store(&forker.run, true);
		/* Some time goes by before the fork begins. */
		usleep(i < FORKS_CALM ? 300000 :
		       race_random(&seed, (uint32_t)took * 3 / 2 + 500));
		ASSERT_SYS(lease_revoke(dev, fd));
		atomic_store(forker.ended, true);
		while (atomic_load(&forker.run))
			usleep(100);
		/* The shortest of them, as the machine may pause in others. */
		if (i < FORKS_CALM && forker.took < took)
			took = forker.took;
		munmap(forker.map, BIG);
		close(fd);
	}
	test_note("a fork takes %lld us", took);
	atomic_store(&forker.over, true);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
}

/* What fork() does not copy is there all the same. */
TEST(fork_leaves_parent_and_child_all_of_a_huge_lease)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	int fd = lease_export(dev, bar, SIZE_2M, BIG);
	uint8_t *map = map_by_2_mib(fd, BIG);
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < ENTRIES; i++)
		ASSERT_TOUCH(touch_read(map + i * SIZE_2M, NULL), TOUCH_OK);
	pid = (pid_t)ASSERT_SYS(fork());
	for (i = 0; i < ENTRIES; i++)
		ASSERT_TOUCH(touch_read(map + i * SIZE_2M, NULL), TOUCH_OK);
	if (!pid)
		_exit(0);
	ASSERT_SYS(waitpid(pid, &status, 0));
	ASSERT_EQ(status, 0);
}

struct twins {
	uint8_t *map;
	pthread_barrier_t barrier;
};

static void *touch_all(void *arg)
{
	struct twins *twins = arg;
	unsigned int i;

	for (i = 0; i < TWINS; i++) {
		pthread_barrier_wait(&twins->barrier);
		ASSERT_TOUCH(touch_read(twins->map + i * SIZE_2M, NULL),
			     TOUCH_OK);
	}
	return NULL;
}

/* What the kernel says of an error of a fault that nobody has expected. */
static bool kernel_says_huh(int log)
{
	char record[1000];
	ssize_t length;

	while ((length = read(log, record, sizeof(record) - 1)) > 0) {
		record[length] = '\0';
		if (strstr(record, "Huh VM_FAULT"))
			return true;
	}
	return false;
}

/*
 * Then the mm asks for single pages, also where another thread has just got a
 * huge entry: there must be no page table put on top of it, nor an error.
 */
TEST(huge_entries_of_a_process_without_them_are_found_by_its_threads)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	int fd = lease_export(dev, bar, SIZE_2M, BIG);
	struct twins twins = { .map = map_by_2_mib(fd, BIG) };
	int log = (int)ASSERT_SYS(
		open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	pthread_t thread;

	ASSERT_SYS(lseek(log, 0, SEEK_END));
	ASSERT_SYS(madvise(twins.map, BIG, MADV_NOHUGEPAGE));
	ASSERT_EQ(pthread_barrier_init(&twins.barrier, NULL, 2), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, touch_all, &twins), 0);
	touch_all(&twins);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT(!kernel_says_huh(log));
	close(log);
}
