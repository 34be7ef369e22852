// SPDX-License-Identifier: MIT
/* strtoull() takes signs, spaces, octal and locales, none of which is wanted */
#include <errno.h>
#include <string.h>

#include "slice/number.h"

static int digit_value(char c, unsigned int base)
{
	int value = -1;

	if (c >= '0' && c <= '9')
		value = c - '0';
	else if (c >= 'a' && c <= 'f')
		value = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		value = c - 'A' + 10;
	return value < (int)base ? value : -1;
}

int barlease_number_parse(const char *text, uint64_t *value)
{
	static const char suffixes[] = "KMGT";
	unsigned int base = 10;
	uint64_t number = 0;
	const char *suffix;
	unsigned int shift;
	int digit;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (digit_value(*text, base) < 0)
		return -EINVAL;

	while ((digit = digit_value(*text, base)) >= 0) {
		if (__builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return -ERANGE;
		text++;
	}

	if (*text) {
		suffix = strchr(suffixes, *text);
		if (!suffix || text[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		if (__builtin_mul_overflow(number, UINT64_C(1) << shift,
					   &number))
			return -ERANGE;
	}

	*value = number;
	return 0;
}
