/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_COMMAND_WORDS_H
#define FUZZ_COMMAND_WORDS_H

#include "command_said.h"

/* A text as each kind of word that a command line has. */
void words_look(const char *text);

/* fuzz_command.c: is what was said by a command right, given its status? */
void said_look(const struct said *said, const char *name, int status);

#endif /* FUZZ_COMMAND_WORDS_H */
