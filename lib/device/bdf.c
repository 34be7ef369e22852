// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>

#include "public.h"

/* What the fields of a PCI address can hold (PCI Local Bus 3.0, 3.2.2.3.2). */
#define PCI_SLOT_MAX 0x1f
#define PCI_FUNCTION_MAX 7

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Read @min to @max digits that end with @end. Return what follows @end (or
 * points to it where it is the end of the text), or NULL.
 */
static const char *hex_field(const char *text, int min, int max, char end,
			     unsigned int *value)
{
	int digits = 0;

	*value = 0;
	while (digits < max && hex_digit(*text) >= 0) {
		*value = *value << 4 | (unsigned int)hex_digit(*text++);
		digits++;
	}
	if (digits < min || *text != end)
		return NULL;
	return end ? text + 1 : text;
}

int barlease_bdf_parse(const char *text, char *bdf)
{
	unsigned int domain, bus, slot, function;
	const char *rest;

	if (!text || !bdf)
		return -EINVAL;

	rest = hex_field(text, 4, 8, ':', &domain);
	if (!rest) {
		domain = 0;
		rest = text;
	}
	rest = hex_field(rest, 2, 2, ':', &bus);
	if (!rest)
		return -EINVAL;
	rest = hex_field(rest, 2, 2, '.', &slot);
	if (!rest)
		return -EINVAL;
	rest = hex_field(rest, 1, 1, '\0', &function);
	if (!rest || slot > PCI_SLOT_MAX || function > PCI_FUNCTION_MAX)
		return -EINVAL;

	snprintf(bdf, BARLEASE_BDF_MAX, "%04x:%02x:%02x.%x", domain, bus, slot,
		 function);
	return 0;
}
