/* SPDX-License-Identifier: MIT */
/* How the demo tells its story: steps, checks, and the count of them. */
#ifndef DEMO_TELL_H
#define DEMO_TELL_H

#include <stdbool.h>

/* Starts a step with a number of its own and a sentence. */
void tell_step(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* A remark that nothing hangs on. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A thing that must be so. Says whether it is; a story with one thing that is
 * not has failed. Returns @so.
 */
bool tell_check(bool so, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Closes the story: 0 when everything was so, 1 otherwise. */
int tell_end(void);

/* Runs a program, shows what it prints; true when it exits with 0. */
bool tell_run(const char *program, ...) __attribute__((sentinel));

#endif /* DEMO_TELL_H */
