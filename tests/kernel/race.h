/* SPDX-License-Identifier: MIT */
/*
 * The race test: lessors that come and go, and borrowers who do to their
 * leases whatever a process can do, all at the same time.
 *
 * What it proves: an access that begins after the end of a lease was seen
 * (revoke or the close of the device returned, and only then was it noted in
 * shared memory) never goes through, in any process.
 */
#ifndef KERNEL_TESTS_RACE_H
#define KERNEL_TESTS_RACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RACE_LEASES (1 << 18)		/* more than any run makes */
#define RACE_ROUNDS 64			/* lives of a lessor */
#define RACE_BORROWERS 3		/* processes ... */
#define RACE_THREADS 2			/* ... with threads */
#define RACE_INBOXES (RACE_BORROWERS * RACE_THREADS)
#define RACE_PAGES_MAX 1200		/* of a lease: more than a huge page */

/* Counted things, for the line at the end. */
enum race_count {
	RACE_EXPORTS,
	RACE_REVOKES,
	RACE_CLOSES,
	RACE_KILLS,
	RACE_TOGGLES,
	RACE_MMAPS,
	RACE_MMAPS_REFUSED,
	RACE_READS,
	RACE_WRITES,
	RACE_SIGBUSES,
	RACE_REFUSED_AFTER_END,	/* accesses that had to fail, and did */
	RACE_MOVES,
	RACE_HOLES,
	RACE_FORKS,
	RACE_PASSED_ON,
	RACE_COUNTS,
};

/* In memory that all processes share. */
struct race {
	_Atomic uint64_t counts[RACE_COUNTS];
	bool toggle_memory;
	atomic_bool stop;		/* the test is over */
	atomic_bool close_device;	/* this lessor shall close and exit */
	atomic_uint next_lease;
	/* Set after revoke returned: accesses fail from here on. */
	atomic_bool lease_ended[RACE_LEASES];
	/* Set after the device was closed: the same for all its leases. */
	atomic_bool round_ended[RACE_ROUNDS];
	/* Sockets: leases are sent to [0] and received from [1]. */
	int inbox[RACE_INBOXES][2];
};

/* What is passed along with a lease's fd. */
struct race_lease {
	uint32_t id;
	uint32_t round;
	uint32_t pages;
};

static inline void race_count(struct race *race, enum race_count what)
{
	atomic_fetch_add_explicit(&race->counts[what], 1,
				  memory_order_relaxed);
}

static inline bool race_has_ended(struct race *race,
				  const struct race_lease *lease)
{
	return atomic_load(&race->lease_ended[lease->id]) ||
	       atomic_load(&race->round_ended[lease->round]);
}

/* Send without waiting. Return whether it was sent. */
bool race_send(struct race *race, unsigned int inbox,
	       const struct race_lease *lease, int fd);

/* Return a new fd, or -1 when the inbox is empty. */
int race_receive(struct race *race, unsigned int inbox,
		 struct race_lease *lease);

/* Pseudo-random; one state per thread. */
uint32_t race_random(uint32_t *state, uint32_t below);

/* A process that lives until it is told to close, or is killed. */
_Noreturn void race_lessor(struct race *race, uint32_t round);

/* A process that lives until the end. */
_Noreturn void race_borrower(struct race *race, unsigned int number);

#endif /* KERNEL_TESTS_RACE_H */
