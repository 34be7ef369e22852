// SPDX-License-Identifier: MIT
#include "lessee/lessee.h"

/* Also those of U+0080 to U+009f, which are two bytes. */
static bool is_control(const unsigned char *c)
{
	return *c < ' ' || *c == 0x7f ||
	       (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f);
}

void lessee_copy_sentence(char *to, const char *from)
{
	size_t i;

	for (i = 0; i < BARLEASE_SENTENCE_SIZE - 1 && from[i]; i++)
		to[i] = is_control((const unsigned char *)from + i) ? '?' :
								      from[i];
	to[i] = '\0';
}
