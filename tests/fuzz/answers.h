/* SPDX-License-Identifier: MIT */
/* A barleased that answers whatever the input says, and hangs up. */
#ifndef FUZZ_ANSWERS_H
#define FUZZ_ANSWERS_H

#include "input.h"

/* For each socket that is made from here on: the same answers on each. */
void answers_set(const struct input *input);

/* No socket can be made any more. */
void answers_end(void);

#endif /* FUZZ_ANSWERS_H */
