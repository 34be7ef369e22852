/* SPDX-License-Identifier: MIT */
/* What somebody may have meant. */
#ifndef POLICY_NEAREST_H
#define POLICY_NEAREST_H

#include <stddef.h>

/* The most like it, or NULL where none is like it. Names are below 32 bytes. */
struct nearest {
	const char *word;
	const char *best;
	size_t distance;
};

void nearest_begin(struct nearest *nearest, const char *word);
void nearest_try(struct nearest *nearest, const char *name);

#endif /* POLICY_NEAREST_H */
