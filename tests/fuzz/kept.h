/* SPDX-License-Identifier: MIT */
/* What a barleased before is said to have left, as the input has it. */
#ifndef FUZZ_KEPT_H
#define FUZZ_KEPT_H

#include "input.h"

#define PAGE 4096ull
#define SIM_SIZE (16 * PAGE)

/* Everybody may have everything of it; the second lends less. */
#define POLICIES 3
extern const char *policies[POLICIES];

/* kept.c: the folder of sockets, and texts that name it; once */
void kept_prepare(void);
const char *kept_socket(void);

/* Put all into the store that the input says. */
void kept_make(struct input *input);
/* The other ends of lessees, for as long as kept_end() has not closed them. */
void kept_end(void);
/* They ask for something. */
void kept_lessees_ask(uint8_t what);

/* kept_state.c: a state file and what goes with it */
int state_make(struct input *input);

/* kept_file.c */

/* Any fd, but most of all a right one; -1: none. */
int file_any(struct input *input, uint8_t which);
int file_text(const char *text);
int file_memory(uint64_t size);
int file_lease(uint8_t how, uint64_t size, unsigned int access);
int file_lessee(uint8_t how);
void files_end(void);
void files_ask(uint8_t what);

#endif /* FUZZ_KEPT_H */
