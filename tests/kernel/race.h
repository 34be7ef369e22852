/* SPDX-License-Identifier: MIT */
/*
 * Races: lessors of a device that come and go, and borrowers who do to their
 * leases whatever a process can do, all at the same time.
 *
 * What it proves: an access that begins after the end of a lease was seen
 * (revoke or the close of the device returned, and only then was it noted in
 * shared memory) never goes through, in any process; and what is read is what
 * lies there in the BAR, never something else.
 */
#ifndef KERNEL_TESTS_RACE_H
#define KERNEL_TESTS_RACE_H

#include <barlease.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pair.h"

#define RACE_LEASES (1 << 22)		/* more than any run makes */
#define RACE_ROUNDS (1 << 14)		/* lives of a lessor */
#define RACE_BORROWERS 3		/* processes at the most ... */
#define RACE_THREADS 2			/* ... with threads */
#define RACE_INBOXES (RACE_BORROWERS * RACE_THREADS + 1)
#define RACE_IMPORTER_INBOX (RACE_INBOXES - 1)
#define RACE_RANGES 3

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
	RACE_CHECKED,		/* reads whose value had to be a certain one */
	RACE_FAULTS,		/* known at the end */
	RACE_MOVES,
	RACE_HOLES,
	RACE_PROTECTS,
	RACE_FORKS,
	RACE_PASSED_ON,
	RACE_RESETS,
	RACE_HOT_RESETS,
	RACE_POWER,
	RACE_IMPORTS,
	RACE_IMPORTS_ENDED,	/* by the lease's end, not by the importer */
	RACE_UNPLUGS,
	RACE_UNBINDS,
	RACE_LOOKS,
	RACE_STRAYED,		/* by the emulation; may be none */
	RACE_COUNTS,
};

/* What is read from the device. */
enum race_content {
	RACE_ANYTHING,
	RACE_TAGS,		/* each page starts with its page_tag() */
	RACE_EDU,		/* the first page starts with edu's number */
};

struct race_events;

/* A device to race on, and how. */
struct race_place {
	const char *name;	/* of the environment variable */
	unsigned int bar;
	uint32_t pages;		/* of the BAR that are lent */
	uint32_t huge;		/* pages of a huge entry of large leases, or 0 */
	enum race_content content;
	bool pair;		/* two functions, opened together */
	bool emulated;		/* registers to the emulator, and not memory */
	bool vanishes;		/* it is unplugged or unbound meanwhile */
	bool importer;		/* another device imports leases, too */
	bool kinds;		/* read-only and write-combining ones, too */
	unsigned int borrowers;
	unsigned int exporters;
	/* What a thread of the lessor does besides; NULL: nothing. */
	void (*events)(struct race_events *events);
};

/* In memory that all processes share. */
struct race {
	const struct race_place *place;
	_Atomic uint64_t counts[RACE_COUNTS];
	uint32_t seed;
	atomic_bool stop;		/* the test is over */
	atomic_bool is_open;		/* this lessor has the device open */
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
	bool writable;
	uint32_t ranges;
	struct {
		uint32_t first;		/* in the BAR */
		uint32_t pages;
	} range[RACE_RANGES];
};

/* A device as its lessor has it open. */
struct race_device {
	struct barlease_device *dev;	/* NULL: a pair */
	struct pair pair;
	int fds[2];
	unsigned int count;
};

/* What the events of a lessor go by. */
struct race_events {
	struct race *race;
	struct race_device *device;
	uint32_t seed;
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

static inline unsigned int race_borrowers_inboxes(const struct race *race)
{
	return race->place->borrowers * RACE_THREADS;
}

static inline bool race_lessor_stops(struct race *race)
{
	return atomic_load(&race->close_device) || atomic_load(&race->stop);
}

struct race *race_create(const struct race_place *place);

/*
 * Until @ms are over and it is @enough, in this process and those that it
 * starts. The time limit of the test ends it, too.
 */
void race_run(struct race *race, long long ms,
	      bool (*enough)(struct race *race));

/* "race: 12 exports" of several races together, a line each. */
void race_print(struct race *const *races, unsigned int count);
uint64_t race_sum(struct race *const *races, unsigned int count,
		  enum race_count what);

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

/* Processes that live until the end. */
_Noreturn void race_borrower(struct race *race, unsigned int number);
_Noreturn void race_importer(struct race *race);

/* Memory off and on. */
void race_toggle_memory(struct race_events *events);

/* All that can be done to a function with FLR. */
void race_reset(struct race_events *events);

/* Hot resets by either of a pair. */
void race_hot_reset(struct race_events *events);

#endif /* KERNEL_TESTS_RACE_H */
