/* SPDX-License-Identifier: MIT */
/* A file as sections of keys and values, which nobody has judged yet. */
#ifndef POLICY_RAW_H
#define POLICY_RAW_H

#include <stddef.h>

#include "policy/mistakes.h"

struct raw_entry {
	unsigned int line;
	char *key, *value;
};

struct raw_section {
	unsigned int line;
	char *type, *name; /* "": none */
	struct raw_entry *entries;
	size_t count;
};

struct raw_file {
	struct raw_section *sections;
	size_t count;
};

/**
 * raw_read() - take a text apart
 * @text: text, with any bytes in it
 * @length: of it
 * @file: where to put its sections, for raw_free() in any case
 * @mistakes: where to add lines that are none
 *
 * Return: 0 or -ENOMEM.
 */
int raw_read(const char *text, size_t length, struct raw_file *file,
	     struct mistakes *mistakes);
void raw_free(struct raw_file *file);

/* The first entry with this key, or NULL. */
const struct raw_entry *raw_find(const struct raw_section *section,
				 const char *key);

#endif /* POLICY_RAW_H */
