/* SPDX-License-Identifier: MIT */
/* Characters of more than one byte. */
#ifndef POLICY_UTF8_H
#define POLICY_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At the beginning of a file, it says that it is UTF-8. */
#define UTF8_MARK "\xef\xbb\xbf"
#define UTF8_MARK_CODE 0xfeff

/* Return: bytes of the first character, whose number is @code; 0: none is. */
size_t utf8_take(const char *text, size_t length, uint32_t *code);

/*
 * What a terminal obeys, or what has text be shown in another order than it is
 * read in.
 */
bool utf8_is_control(uint32_t code);

#endif /* POLICY_UTF8_H */
