/* SPDX-License-Identifier: MIT */
/*
 * Lessees of every kind on one range of a BAR: what an event has to reach.
 *
 * There are three leases of the range (read-write, read-only, write-combining)
 * and each is mapped by the test itself, by a child of the test that has these
 * mappings from fork(), and by a process of its own that got the fd. All fail
 * the test on error.
 */
#ifndef KERNEL_TESTS_CROWD_H
#define KERNEL_TESTS_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness.h"
#include "lessee.h"

enum { CROWD_RW, CROWD_RO, CROWD_WC, CROWD_LEASES };

struct crowd_place {
	unsigned int bar;
	uint64_t offset;
	size_t length;
	size_t word;	/* offset of 12 bits in there that keep what is put in */
	bool ram;	/* every word there does */
};

struct crowd {
	struct crowd_place place;
	int fd[CROWD_LEASES];
	uint32_t *own[CROWD_LEASES];
	struct lessee heir;
	struct lessee lessee[CROWD_LEASES];
	uint32_t *theirs[CROWD_LEASES];
	struct crowd_worker *workers;
};

/* So many processes on one CPU have to wait for each other a lot. */
#define CROWD_TEST(name) TEST_LONG(name, 120)

void crowd_gather(struct crowd *crowd, int device,
		  const struct crowd_place *place);
void crowd_leave(struct crowd *crowd);

/* Everybody has access, and who writes is read by the others. */
void crowd_assert_works(struct crowd *crowd);

/* Nobody has, and no lease can be mapped. */
void crowd_assert_away(struct crowd *crowd);

/* The test's own mappings have their pages, or each has lost it. */
void crowd_assert_mapped(struct crowd *crowd);
void crowd_assert_zapped(struct crowd *crowd);

/*
 * One more process per lease, with the mapping from fork(), that uses it all
 * the time. While the emulator is one that cannot stand it, the test and all
 * that it starts from here on run on one CPU; see test_race.c.
 */
void crowd_work_start(struct crowd *crowd);
void crowd_work_stop(struct crowd *crowd);

/* Wait until every worker gets on, or is refused and nothing else. */
void crowd_work_assert_works(struct crowd *crowd);
void crowd_work_assert_away(struct crowd *crowd);

#endif /* KERNEL_TESTS_CROWD_H */
