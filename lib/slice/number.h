/* SPDX-License-Identifier: MIT */
#ifndef BARLEASE_NUMBER_H
#define BARLEASE_NUMBER_H

#include <stdint.h>

/**
 * barlease_number_parse() - read a number as people write it
 * @text: decimal or 0x hexadecimal, with an optional K, M, G or T (powers of
 *	1024), and nothing before or after it
 * @value: where to put it
 *
 * Return: 0, -EINVAL when @text is not a number, -ERANGE when it does not fit.
 */
int barlease_number_parse(const char *text, uint64_t *value);

#endif /* BARLEASE_NUMBER_H */
