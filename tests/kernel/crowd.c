// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crowd.h"
#include "device.h"
#include "emulated.h"
#include "harness.h"
#include "touch.h"

/* Shared by the worker and the test. */
struct crowd_worker {
	pid_t pid;
	atomic_bool stop;
	atomic_ulong ok, refused;
};

static bool may_write(int lease)
{
	return lease != CROWD_RO;
}

static int prot(int lease)
{
	return may_write(lease) ? PROT_READ | PROT_WRITE : PROT_READ;
}

static uint32_t *word(const struct crowd *crowd, uint32_t *map)
{
	return map + crowd->place.word / sizeof(*map);
}

/* Workers have another word, so that they do not disturb. */
static uint32_t *worker_word(const struct crowd *crowd, uint32_t *map)
{
	return word(crowd, map) + crowd->place.ram;
}

static void lessee_begin(struct crowd *crowd, int lease)
{
	struct lessee *lessee = &crowd->lessee[lease];
	void *address;
	int fd;

	lessee_start_unprivileged(lessee);
	fd = lessee_give(lessee, crowd->fd[lease]);
	ASSERT_OK(lessee_mmap(lessee, fd, 0, crowd->place.length, prot(lease),
			      &address));
	ASSERT_OK(lessee_close(lessee, fd));
	crowd->theirs[lease] = address;
}

void crowd_gather(struct crowd *crowd, int device,
		  const struct crowd_place *place)
{
	int i;

	*crowd = (struct crowd){ .place = *place };
	for (i = 0; i < CROWD_LEASES; i++) {
		crowd->fd[i] = lease_export_of(
			device, place->bar, may_write(i) ? O_RDWR : O_RDONLY,
			place->offset, place->length);
		if (i == CROWD_WC)
			lease_set_wc_of(device, crowd->fd[i]);
		crowd->own[i] = lease_map(crowd->fd[i], 0, place->length,
					  prot(i));
		lessee_begin(crowd, i);
	}
	lessee_start_unprivileged(&crowd->heir);
	crowd_assert_works(crowd);
	crowd_assert_mapped(crowd);
}

void crowd_leave(struct crowd *crowd)
{
	int i;

	for (i = 0; i < CROWD_LEASES; i++) {
		lessee_end(&crowd->lessee[i]);
		ASSERT_SYS(munmap(crowd->own[i], crowd->place.length));
		ASSERT_SYS(close(crowd->fd[i]));
	}
	lessee_end(&crowd->heir);
}

static void assert_all_read(struct crowd *crowd, uint32_t value)
{
	uint32_t found;
	int i;

	for (i = 0; i < CROWD_LEASES; i++) {
		ASSERT_READS(word(crowd, crowd->own[i]), value);
		ASSERT_TOUCH(lessee_read(&crowd->heir,
					 word(crowd, crowd->own[i]), &found),
			     TOUCH_OK);
		ASSERT_EQ(found, value);
		ASSERT_TOUCH(lessee_read(&crowd->lessee[i],
					 word(crowd, crowd->theirs[i]), &found),
			     TOUCH_OK);
		ASSERT_EQ(found, value);
	}
}

void crowd_assert_works(struct crowd *crowd)
{
	static uint32_t value = 1;
	int i;

	for (i = 0; i < CROWD_LEASES; i++) {
		if (!may_write(i))
			continue;
		ASSERT_WRITES(word(crowd, crowd->own[i]), ++value);
		assert_all_read(crowd, value);
		ASSERT_TOUCH(lessee_write(&crowd->heir,
					  word(crowd, crowd->own[i]), ++value),
			     TOUCH_OK);
		assert_all_read(crowd, value);
		ASSERT_TOUCH(lessee_write(&crowd->lessee[i],
					  word(crowd, crowd->theirs[i]),
					  ++value), TOUCH_OK);
		assert_all_read(crowd, value);
	}
	ASSERT_COMPARE(value, <, 1 << 12);
}

void crowd_assert_away(struct crowd *crowd)
{
	uint32_t *own, *theirs;
	int i;

	for (i = 0; i < CROWD_LEASES; i++) {
		own = word(crowd, crowd->own[i]);
		theirs = word(crowd, crowd->theirs[i]);
		ASSERT_TOUCH(touch_read(own, NULL), TOUCH_SIGBUS);
		ASSERT_TOUCH(lessee_read(&crowd->heir, own, NULL),
			     TOUCH_SIGBUS);
		ASSERT_TOUCH(lessee_read(&crowd->lessee[i], theirs, NULL),
			     TOUCH_SIGBUS);
		ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
				  crowd->fd[i], 0), ENODEV);
		if (!may_write(i))
			continue;
		ASSERT_TOUCH(touch_write(own, 0xead), TOUCH_SIGBUS);
		ASSERT_TOUCH(lessee_write(&crowd->heir, own, 0xead),
			     TOUCH_SIGBUS);
		ASSERT_TOUCH(lessee_write(&crowd->lessee[i], theirs, 0xead),
			     TOUCH_SIGBUS);
	}
}

void crowd_assert_mapped(struct crowd *crowd)
{
	int i;

	for (i = 0; i < CROWD_LEASES; i++)
		ASSERT_EQ(touch_faults(word(crowd, crowd->own[i])), 0);
}

void crowd_assert_zapped(struct crowd *crowd)
{
	int i;

	for (i = 0; i < CROWD_LEASES; i++)
		ASSERT_EQ(touch_faults(word(crowd, crowd->own[i])), 1);
}

_Noreturn static void work_on(struct crowd *crowd, int lease)
{
	struct crowd_worker *worker = &crowd->workers[lease];
	uint32_t *address = worker_word(crowd, crowd->own[lease]);
	bool write = may_write(lease) && crowd->place.ram;
	enum outcome outcome;

	while (!atomic_load(&worker->stop)) {
		outcome = touch_read(address, NULL);
		if (outcome == TOUCH_OK && write)
			outcome = touch_write(address, 0x3a3a);
		if (outcome == TOUCH_SIGSEGV)
			FAIL("SIGSEGV from a mapping");
		if (outcome == TOUCH_OK) {
			atomic_fetch_add(&worker->ok, 1);
			continue;
		}
		atomic_fetch_add(&worker->refused, 1);
		usleep(100);
	}
	_exit(0);
}

void crowd_work_start(struct crowd *crowd)
{
	size_t size = CROWD_LEASES * sizeof(*crowd->workers);
	pid_t pid;
	int i;

	emulated_use_one_cpu();
	crowd->workers = (void *)ASSERT_SYS(mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0));
	for (i = 0; i < CROWD_LEASES; i++) {
		pid = (pid_t)ASSERT_SYS(fork());
		if (!pid) {
			/* The device is not to stay open here. */
			ASSERT_SYS(close_range(3, ~0U, 0));
			work_on(crowd, i);
		}
		crowd->workers[i].pid = pid;
	}
	crowd_work_assert_works(crowd);
}

void crowd_work_stop(struct crowd *crowd)
{
	struct crowd_worker *worker;
	int status, i;

	for (i = 0; i < CROWD_LEASES; i++)
		atomic_store(&crowd->workers[i].stop, true);
	for (i = 0; i < CROWD_LEASES; i++) {
		worker = &crowd->workers[i];
		ASSERT_SYS(waitpid(worker->pid, &status, 0));
		ASSERT_EQ(status, 0);
		test_note("worker %d: %lu accesses, %lu refused", i,
			  atomic_load(&worker->ok),
			  atomic_load(&worker->refused));
	}
}

/* The time limit of the test ends it. */
static void wait_for_more(atomic_ulong *count, unsigned long more)
{
	unsigned long goal = atomic_load(count) + more;

	while (atomic_load(count) < goal)
		sleep_ms(1);
}

void crowd_work_assert_works(struct crowd *crowd)
{
	int i;

	for (i = 0; i < CROWD_LEASES; i++)
		wait_for_more(&crowd->workers[i].ok, 10);
}

void crowd_work_assert_away(struct crowd *crowd)
{
	unsigned long ok;
	int i;

	for (i = 0; i < CROWD_LEASES; i++) {
		/* The first may have been counted before, the access made. */
		wait_for_more(&crowd->workers[i].refused, 2);
		ok = atomic_load(&crowd->workers[i].ok);
		wait_for_more(&crowd->workers[i].refused, 2);
		ASSERT_EQ(atomic_load(&crowd->workers[i].ok), ok);
	}
}
