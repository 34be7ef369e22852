/* SPDX-License-Identifier: MIT */
/* A sequence of operations, each checked against the model. */
#ifndef FUZZ_RUN_H
#define FUZZ_RUN_H

#include "act.h"
#include "model.h"
#include "op.h"

struct sequence {
	struct op *ops;
	size_t count, room;
};

struct fuzz {
	struct model model;
	struct shared *shared;
	unsigned long long done, counts[OP_KINDS], refused[OP_KINDS];
	unsigned long long signals;
	size_t reached; /* operations of the last run */
	char why[512]; /* of its failure */
};

/* Asks the devices what they are like. Return 0, or -1 and a reason. */
int fuzz_init(struct fuzz *fuzz);

/*
 * From a state that is fresh to one where nothing is left. Operations that mean
 * nothing in their state are left out; those that were done are in the
 * sequence afterwards, the one that failed last.
 *
 * Return whether all was right; else the reason is in fuzz->why.
 */
bool run_random(struct fuzz *fuzz, uint64_t seed, size_t steps,
		struct sequence *sequence);
bool run_given(struct fuzz *fuzz, const struct sequence *given, bool verbose);

/* Drops operations for as long as it still fails. */
void shrink(struct fuzz *fuzz, struct sequence *sequence, long long until_ms);

void sequence_add(struct sequence *sequence, const struct op *op);
void sequence_print(const struct sequence *sequence, size_t from);

#endif /* FUZZ_RUN_H */
