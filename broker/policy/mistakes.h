/* SPDX-License-Identifier: MIT */
/* What is wrong in a file, in the order of its lines. */
#ifndef POLICY_MISTAKES_H
#define POLICY_MISTAKES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Of more than these the first are told, and that there are more. */
#define MISTAKES_MAX 4096

struct mistake {
	unsigned int line;
	size_t order; /* in which they were found */
	char *text;
};

/* All zero is an empty list. */
struct mistakes {
	struct mistake *list;
	size_t count, room;
	bool more;
	bool failed; /* there was no memory for one */
};

void mistakes_add(struct mistakes *mistakes, unsigned int line,
		  const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void mistakes_add_list(struct mistakes *mistakes, unsigned int line,
		       const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

void mistakes_sort(struct mistakes *mistakes);

/* "FILE:LINE: TEXT" for each. */
void mistakes_print(const struct mistakes *mistakes, const char *file,
		    FILE *out);
void mistakes_free(struct mistakes *mistakes);

#endif /* POLICY_MISTAKES_H */
