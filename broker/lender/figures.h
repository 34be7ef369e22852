/* SPDX-License-Identifier: MIT */
/* Figures of a lender, one by one, for whoever tells them to others. */
#ifndef LENDER_FIGURES_H
#define LENDER_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

struct lender;

/* Its texts are as the policy has them, or ours: nothing in them needs a quote. */
struct figure {
	const char *name; /* as Prometheus has it */
	const char *help; /* a sentence */
	bool counter; /* since the start; or else what is now */
	const char *label; /* of @of; NULL: the figure has none */
	const char *of; /* which offer, reason, ... */
	const char *device; /* of an offer, or NULL */
	uint64_t value;
};

typedef void (*figure_visit)(void *context, const struct figure *figure);

/**
 * figures_each() - visit all figures, those of a name one after the other
 * @lender: lender
 * @visit: is called with each
 * @context: for @visit
 */
void figures_each(struct lender *lender, figure_visit visit, void *context);

#endif /* LENDER_FIGURES_H */
