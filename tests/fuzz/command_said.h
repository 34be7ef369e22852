/* SPDX-License-Identifier: MIT */
/* What a command says, and how far it comes: to where it would do something. */
#ifndef FUZZ_COMMAND_SAID_H
#define FUZZ_COMMAND_SAID_H

#include <stdbool.h>
#include <stddef.h>

/* What is written to the standard output and the standard error goes here. */
void said_begin(void);
void said_end(void);

/* Valid until the next said_begin(). */
struct said {
	const char *out, *error;
	size_t out_size, error_size;
};

struct said said_get(void);

/* Its line was right, and what it would have done was kept from it. */
extern bool command_reached;

#endif /* FUZZ_COMMAND_SAID_H */
