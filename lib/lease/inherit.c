// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "public.h"
#include "slice/number.h"

int barlease_lease_inherit(unsigned int index, struct barlease_slice *slice)
{
	char name[sizeof("BARLEASE_4294967295")];
	char number[sizeof("2147483647")];
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct barlease_slice parsed;
	const char *text, *space;
	uint64_t fd;

	snprintf(name, sizeof(name), "BARLEASE_%u", index);
	text = getenv(name);
	if (!text)
		return -ENOENT;

	space = strchr(text, ' ');
	if (!space || (size_t)(space - text) >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, (size_t)(space - text));
	number[space - text] = '\0';
	if (barlease_number_parse(number, &fd) || fd > INT_MAX)
		return -EINVAL;
	if (barlease_slice_parse(space + 1, &parsed, NULL))
		return -EINVAL;
	/* Nobody can have lent less than pages. */
	if (parsed.range.offset % page || parsed.range.length % page)
		return -EINVAL;

	if (fcntl((int)fd, F_GETFD) < 0)
		return -EBADF;
	if (slice)
		*slice = parsed;
	return (int)fd;
}
