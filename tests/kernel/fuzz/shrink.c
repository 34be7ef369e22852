// SPDX-License-Identifier: MIT
/*
 * Delta debugging: leave out ever smaller pieces, and keep leaving them out
 * where it still fails. Each attempt starts from a fresh state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "run.h"

/* Return whether it fails without @count operations from @from on. */
static bool fails_without(struct fuzz *fuzz, struct sequence *sequence,
			  size_t from, size_t count)
{
	struct sequence rest = { .count = sequence->count - count };
	bool fine;

	rest.ops = calloc(rest.count + 1, sizeof(*rest.ops));
	if (!rest.ops)
		abort();
	memcpy(rest.ops, sequence->ops, from * sizeof(*rest.ops));
	memcpy(rest.ops + from, sequence->ops + from + count,
	       (rest.count - from) * sizeof(*rest.ops));
	fine = run_given(fuzz, &rest, false);
	if (!fine) {
		memcpy(sequence->ops, rest.ops, rest.count * sizeof(*rest.ops));
		sequence->count =
			fuzz->reached < rest.count ? fuzz->reached : rest.count;
	}
	free(rest.ops);
	return !fine;
}

void shrink(struct fuzz *fuzz, struct sequence *sequence, long long until_ms)
{
	size_t size = sequence->count / 2, from, before;
	long long shown = now_ms();

	while (size) {
		before = sequence->count;
		for (from = 0; from < sequence->count;) {
			size_t count = sequence->count - from;

			if (now_ms() > until_ms)
				return;
			if (now_ms() - shown > 5000) {
				shown = now_ms();
				printf("# shortened to %zu so far\n",
				       sequence->count);
				fflush(stdout);
			}
			if (count > size)
				count = size;
			if (!fails_without(fuzz, sequence, from, count))
				from += count;
		}
		/* What became shorter may have become droppable. */
		if (size > 1 || sequence->count == before)
			size /= 2;
	}
}
