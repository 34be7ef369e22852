/* SPDX-License-Identifier: MIT */
/* What has happened, and the file that has it in the text format of Prometheus. */
#ifndef LENDER_METRICS_H
#define LENDER_METRICS_H

#include <stdint.h>

#include <barlease/protocol.h>

#define METRICS_ENDS (BARLEASE_END_SERVER + 1)
#define METRICS_DENIALS 14

/* What has happened since the start. */
struct metrics {
	uint64_t resumed; /* leases of a barleased before, also if they ended */
	uint64_t grants, denials_kept_back, recalls, slowed, stuck;
	uint64_t denials[METRICS_DENIALS]; /* by metrics_denial_error() */
	uint64_t ends[METRICS_ENDS]; /* by enum barlease_end */
	uint64_t reloads, reloads_rejected;
};

struct lender;

/* Count a request that was not granted, for this error. */
void metrics_deny(struct metrics *metrics, int error);

/* Which error is counted at a place; 0: all others. */
int metrics_denial_error(unsigned int place);

/**
 * metrics_write() - have all figures in a file, which is replaced as a whole
 * @lender: lender
 * @path: of the file
 *
 * Return: 0 or -errno.
 */
int metrics_write(struct lender *lender, const char *path);

/* What the end of a lease is called, in the log, too. */
const char *end_word(enum barlease_end why);

#endif /* LENDER_METRICS_H */
