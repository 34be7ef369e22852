// SPDX-License-Identifier: MIT
#include "policy/nearest.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_LENGTH 32

static size_t least(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * Letters to be put in, taken out or replaced, as Levenshtein counted them:
 * row by row, each letter of @word making one.
 */
static size_t distance(const char *word, const char *name)
{
	size_t row[NAME_MAX_LENGTH + 1];
	size_t length = strlen(name);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 0; word[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t above = row[j + 1];
			int differs = tolower((unsigned char)word[i]) !=
				      tolower((unsigned char)name[j]);

			row[j + 1] = least(above + 1, row[j] + 1,
					   corner + (size_t)differs);
			corner = above;
		}
	}
	return row[length];
}

void nearest_begin(struct nearest *nearest, const char *word)
{
	nearest->word = word;
	nearest->best = NULL;
	/* With more of them it is another word. */
	nearest->distance = strlen(word) / 3 + 2;
	if (nearest->distance > strlen(word))
		nearest->distance = strlen(word);
}

void nearest_try(struct nearest *nearest, const char *name)
{
	size_t found;

	if (strlen(name) >= NAME_MAX_LENGTH)
		return;
	found = distance(nearest->word, name);
	if (found < nearest->distance) {
		nearest->best = name;
		nearest->distance = found;
	}
}
