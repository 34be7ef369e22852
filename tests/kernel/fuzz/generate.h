/* SPDX-License-Identifier: MIT */
/* The next operation: by chance, but so that much of it means something. */
#ifndef FUZZ_GENERATE_H
#define FUZZ_GENERATE_H

#include "model.h"
#include "op.h"
#include "random.h"

void generate(struct random *random, struct model *model, struct op *op);

/* Parts; the kind is chosen. */
void generate_set(struct random *random, const struct model *model,
		  struct op *op);
void generate_peer(struct random *random, const struct model *model,
		   struct op *op);

#endif /* FUZZ_GENERATE_H */
