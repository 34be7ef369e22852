// SPDX-License-Identifier: MIT
#include "policy/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slice/number.h"

#define DIGITS "0123456789"
#define BLANKS " \t"

/* More milliseconds than a hundred years have do no good. */
#define TIME_MAX (36500ull * 24 * 60 * 60 * 1000)

static const char no_number[] =
	"not a number of bytes, decimal or 0x hexadecimal with an optional K, M, G or T";

static const char nothing[] = "nothing; it must have a page or more";

static const char *number(const char *text, uint64_t *value)
{
	int err = barlease_number_parse(text, value);

	if (err == -ERANGE)
		return "more than 64 bits hold";
	return err ? no_number : NULL;
}

/* What pages this machine has nobody knows by heart. */
static const char *pages(uint64_t value)
{
	static char words[64];
	long page = sysconf(_SC_PAGESIZE);

	if (value % (uint64_t)page == 0)
		return NULL;
	snprintf(words, sizeof(words),
		 "not a multiple of the page size, %ld bytes", page);
	return words;
}

const char *value_size(const char *text, uint64_t *size)
{
	uint64_t value;
	const char *wrong = number(text, &value);

	if (!wrong)
		wrong = value ? pages(value) : nothing;
	if (!wrong)
		*size = value;
	return wrong;
}

const char *value_range(const char *text, struct barlease_range *range)
{
	const char *plus = strchr(text, '+');
	struct barlease_range found;
	const char *length, *wrong;
	char offset[64];
	size_t size;
	uint64_t end;

	if (!plus)
		return "not OFFSET+LENGTH, such as 1M+256K";
	size = (size_t)(plus - text);
	while (size && strchr(BLANKS, text[size - 1]))
		size--;
	if (size >= sizeof(offset))
		return no_number;
	memcpy(offset, text, size);
	offset[size] = '\0';
	length = plus + 1 + strspn(plus + 1, BLANKS);
	wrong = number(offset, &found.offset);
	if (!wrong)
		wrong = number(length, &found.length);
	if (!wrong && !found.length)
		wrong = nothing;
	if (!wrong && __builtin_add_overflow(found.offset, found.length, &end))
		wrong = "longer than 64 bits can tell";
	if (!wrong)
		wrong = pages(found.offset);
	if (!wrong)
		wrong = pages(found.length);
	if (!wrong)
		*range = found;
	return wrong;
}

/* Digits alone, up to @max. Return: what follows them, or NULL. */
static const char *digits(const char *text, uint64_t max, uint64_t *value)
{
	size_t length = strspn(text, DIGITS);

	if (!length)
		return NULL;
	*value = 0;
	for (size_t i = 0; i < length; i++) {
		*value = *value * 10 + (uint64_t)(text[i] - '0');
		if (*value > max)
			return NULL;
	}
	return text + length;
}

const char *value_time(const char *text, uint64_t *ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 60 * 60 * 1000 },
		{ "d", 24 * 60 * 60 * 1000 },
	};
	const char *unit = digits(text, TIME_MAX, ms);

	if (!unit)
		return text[strspn(text, DIGITS)] && text[0] >= '0' &&
				       text[0] <= '9'
			       ? "more than 36500d"
			       : "not a number and ms, s, m, h or d, such as 500ms";
	unit += strspn(unit, BLANKS);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(unit, units[i].name))
			continue;
		if (*ms > TIME_MAX / units[i].ms)
			return "more than 36500d";
		*ms *= units[i].ms;
		return NULL;
	}
	return "not a number and ms, s, m, h or d, such as 500ms";
}

const char *value_count(const char *text, uint32_t *count)
{
	uint64_t value;
	const char *rest = digits(text, UINT32_MAX, &value);

	if (!rest || *rest || !value)
		return "not a number from 1 to 4294967295";
	*count = (uint32_t)value;
	return NULL;
}

const char *value_id(const char *text, uint32_t *id)
{
	uint64_t value;
	const char *rest = digits(text, UINT32_MAX - 1, &value);

	if (!rest || *rest)
		return "not a number from 0 to 4294967294";
	*id = (uint32_t)value;
	return NULL;
}

const char *value_mode(const char *text, mode_t *mode)
{
	size_t length = strlen(text);

	if (length < 3 || length > 4 || strspn(text, "01234567") != length ||
	    (length == 4 && text[0] != '0'))
		return "not permissions in octal from 000 to 0777, such as 0660";
	*mode = (mode_t)strtoul(text, NULL, 8);
	return NULL;
}

const char *value_yes(const char *text, bool *yes)
{
	*yes = !strcmp(text, "yes");
	return *yes || !strcmp(text, "no") ? NULL : "neither yes nor no";
}
