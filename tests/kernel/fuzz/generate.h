/* SPDX-License-Identifier: MIT */
/* The next operation: by chance, but so that much of it means something. */
#ifndef FUZZ_GENERATE_H
#define FUZZ_GENERATE_H

#include "model.h"
#include "op.h"
#include "random.h"

void generate(struct random *random, struct model *model, struct op *op);

#endif /* FUZZ_GENERATE_H */
