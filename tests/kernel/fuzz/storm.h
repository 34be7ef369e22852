/* SPDX-License-Identifier: MIT */
/*
 * The storm: everybody does what he likes at the same time. No answer is
 * expected of an operation, but of an access: after the end of a lease it is
 * SIGBUS for ever, and what is read is what belongs there. Every byte of a BAR
 * is the tag of its page, and nothing else is ever written to it.
 */
#ifndef FUZZ_STORM_H
#define FUZZ_STORM_H

#include <stdatomic.h>

#include "act.h"
#include "random.h"
#include "run.h"

#define STORM_LESSORS RAM_DEVICES
#define STORM_BORROWERS 4
#define STORM_LEASES (1 << 18)

struct storm_lease {
	uint32_t device, first_page, pages, open_flags;
	atomic_bool ended;
};

struct storm {
	struct shared *shared;
	bool events; /* memory off, resets, new openings */
	int inbox[STORM_BORROWERS][2];
	atomic_bool stop, failed;
	char why[256];
	atomic_uint nr_leases;
	atomic_ullong counts[OP_KINDS], signals;
	struct storm_lease leases[STORM_LEASES];
};

uint8_t storm_tag(uint32_t device, uint64_t page);

/* The word that any eight bytes from this place on are. */
uint64_t storm_word(uint32_t device, uint64_t place);

/* To somebody, unless he is busy; and from somebody, or -1. */
void storm_send(struct storm *storm, unsigned int to, uint32_t lease, int fd);
int storm_receive(struct storm *storm, unsigned int self, uint32_t *lease);

/* Ends all of it; the first reason stays. */
void storm_fail(struct storm *storm, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* act(), counted. */
void storm_act(struct storm *storm, struct worker *worker, const struct op *op,
	       struct result *result);

_Noreturn void storm_lessor(struct storm *storm, unsigned int device,
			    uint64_t seed);
_Noreturn void storm_borrower(struct storm *storm, unsigned int self,
			      uint64_t seed);

/*
 * Return whether nothing was wrong; else the reason is in fuzz->why. An
 * emulated machine cannot stand that BARs are switched while another processor
 * accesses them: the storm with @events is on one processor there.
 */
bool storm_run(struct fuzz *fuzz, uint64_t seed, long long seconds,
	       bool events);

#endif /* FUZZ_STORM_H */
