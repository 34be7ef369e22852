// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "public.h"
#include "slice/number.h"

/* No number that fits is longer, unless somebody pads it with zeros. */
#define NUMBER_LENGTH_MAX 32

/* Copy [@from, @to) to @buf as a string. Return false when it is too long. */
static bool piece_copy(char *buf, size_t size, const char *from, const char *to)
{
	size_t length = (size_t)(to - from);

	if (length >= size)
		return false;
	memcpy(buf, from, length);
	buf[length] = '\0';
	return true;
}

static int number_piece(const char *from, const char *to, uint64_t *value,
			const char **reason)
{
	char text[NUMBER_LENGTH_MAX];
	int err = -EINVAL;

	if (piece_copy(text, sizeof(text), from, to))
		err = barlease_number_parse(text, value);
	if (err == -ERANGE)
		*reason = "a number does not fit in 64 bits";
	else if (err)
		*reason = "OFFSET and LENGTH are decimal or 0x hexadecimal "
			  "numbers with an optional K, M, G or T";
	return err;
}

/* Read "[OFFSET+LENGTH]". Return 0 and what follows it, or -errno. */
static int range_parse(const char *text, struct barlease_range *range,
		       const char **rest, const char **reason)
{
	const char *plus = strchr(text, '+');
	const char *end = strchr(text, ']');
	uint64_t last;
	int err;

	if (!plus || !end || plus > end) {
		*reason = "a range is written [OFFSET+LENGTH]";
		return -EINVAL;
	}
	err = number_piece(text + 1, plus, &range->offset, reason);
	if (err)
		return err;
	err = number_piece(plus + 1, end, &range->length, reason);
	if (err)
		return err;
	if (!range->length) {
		*reason = "a range of length 0 lends nothing";
		return -EINVAL;
	}
	if (__builtin_add_overflow(range->offset, range->length, &last)) {
		*reason = "the end of the range does not fit in 64 bits";
		return -ERANGE;
	}
	*rest = end + 1;
	return 0;
}

/* Lessees of a server are not told which device it is. */
static bool is_lent(const char *name)
{
	static const char prefix[] = "lent:";

	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return false;
	name += sizeof(prefix) - 1;
	for (const char *c = name; *c; c++)
		if (!isgraph((unsigned char)*c) || strchr("[],", *c))
			return false;
	return *name;
}

/* Read "BDF:BAR". Return 0 and what follows it, or -errno. */
static int bar_parse(const char *text, struct barlease_slice *slice,
		     const char **rest, const char **reason)
{
	const char *end = text + strcspn(text, "[,");
	const char *colon = memrchr(text, ':', (size_t)(end - text));
	char bdf[BARLEASE_BDF_MAX];

	bool known = colon && piece_copy(bdf, sizeof(bdf), text, colon);

	if (known && is_lent(bdf)) {
		strcpy(slice->bdf, bdf);
	} else if (!known || barlease_bdf_parse(bdf, slice->bdf)) {
		*reason = "a slice begins with a PCI address and a BAR, such "
			  "as 0000:00:04.0:2";
		return -EINVAL;
	}
	if (end - colon != 2 || colon[1] < '0' ||
	    colon[1] >= '0' + BARLEASE_BARS) {
		*reason = "the BAR is a number from 0 to 5";
		return -EINVAL;
	}
	slice->bar = (unsigned int)(colon[1] - '0');
	*rest = end;
	return 0;
}

int barlease_slice_parse(const char *text, struct barlease_slice *slice,
			 const char **reason)
{
	struct barlease_slice parsed = { .access = BARLEASE_READ_WRITE };
	const char *unused;
	const char *rest;
	int err;

	if (!reason)
		reason = &unused;
	err = bar_parse(text, &parsed, &rest, reason);
	if (err)
		return err;
	if (*rest == '[') {
		err = range_parse(rest, &parsed.range, &rest, reason);
		if (err)
			return err;
	}

	if (!strcmp(rest, ",ro")) {
		parsed.access = BARLEASE_READ_ONLY;
	} else if (*rest && strcmp(rest, ",rw")) {
		*reason = "a slice ends with ,ro or ,rw or nothing";
		return -EINVAL;
	}

	*slice = parsed;
	return 0;
}

int barlease_slice_format(const struct barlease_slice *slice, char *buf,
			  size_t size)
{
	const char *access = slice->access == BARLEASE_READ_ONLY ? "ro" : "rw";
	int length;

	if (slice->range.length)
		length = snprintf(buf, size,
				  "%s:%u[0x%" PRIx64 "+0x%" PRIx64 "],%s",
				  slice->bdf, slice->bar, slice->range.offset,
				  slice->range.length, access);
	else
		length = snprintf(buf, size, "%s:%u,%s", slice->bdf, slice->bar,
				  access);
	if (length < 0 || (size_t)length >= size)
		return -ENOSPC;
	return length;
}
