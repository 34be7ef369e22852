// SPDX-License-Identifier: MIT
/* Words of a command line, each rule written down a second time. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <barlease.h>
#include <barlease/slice.h>

#include "access_options.h"
#include "command_words.h"
#include "device/uuid.h"
#include "input.h"
#include "options.h"
#include "slice/number.h"
#include "spawn_internal.h"
#include "words.h"

#define MANY ((__uint128_t)1 << 100)

/* A number of digits alone; MANY where it has more than could matter. */
static const char *digits_read(const char *text, unsigned int base,
			       __uint128_t *value)
{
	static const char all[] = "0123456789abcdef";
	const char *digit;

	*value = 0;
	for (; *text; text++) {
		digit = memchr(all, tolower((unsigned char)*text), base);
		if (!digit)
			break;
		*value = *value * base + (unsigned int)(digit - all);
		if (*value > MANY)
			*value = MANY;
	}
	return text;
}

/* Return: 0, -EINVAL or -ERANGE. */
static int number_read(const char *text, uint64_t *value)
{
	static const char units[] = "KMGT";
	bool hex = text[0] == '0' && tolower((unsigned char)text[1]) == 'x';
	const char *first = hex ? text + 2 : text;
	__uint128_t read;
	const char *end = digits_read(first, hex ? 16 : 10, &read);
	bool fits = read <= UINT64_MAX;

	/* A number that does not fit is told of before what follows it is. */
	if (end == first)
		return -EINVAL;
	if (!fits)
		return -ERANGE;
	if (*end) {
		const char *unit = strchr(units, *end);

		if (!unit || end[1])
			return -EINVAL;
		read <<= 10 * (unit - units + 1);
	}
	*value = (uint64_t)read;
	return read > UINT64_MAX ? -ERANGE : 0;
}

static void number_look(const char *text)
{
	uint64_t expected, found;
	int err = number_read(text, &expected);
	char words[WORDS_SIZE];

	promise(barlease_number_parse(text, &found) == err);
	if (err)
		return;
	promise(found == expected);
	/* What is printed can be read, but for a unit that is not. */
	size_words(found, words, sizeof(words));
	if (strpbrk(words, "PE"))
		return;
	words[strcspn(words, "B")] = '\0';
	promise(!barlease_number_parse(words, &found) && found == expected);
}

static const struct command command = { .name = "fuzz" };

/* Either it is one and nothing is said, or one sentence is. */
static bool is_right(int status)
{
	struct said said;

	said_end();
	said = said_get();
	said_look(&said, "fuzz", status);
	return !status;
}

static bool time_read(const char *text, uint64_t *value)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 },
	};
	__uint128_t read;
	const char *end = digits_read(text, 10, &read);

	*value = UINT64_MAX;
	if (end == text)
		return !strcmp(text, "forever");
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		/* The last two numbers stand for something else. */
		if (read > UINT64_MAX || read * units[i].ms > UINT64_MAX - 2)
			return false;
		*value = (uint64_t)read * units[i].ms;
		return true;
	}
	return false;
}

static void time_look(const char *text)
{
	uint64_t expected, found;
	bool right;

	said_begin();
	right = is_right(time_argument(&command, "time", text, &found));
	promise(right == time_read(text, &expected));
	promise(!right || found == expected);
}

static void access_look(const char *text)
{
	struct access_options access = { 0 };
	uint64_t number;
	int fd;

	said_begin();
	if (is_right(width_argument(&command, text, &access.width)))
		promise(access.width == 8 || access.width == 16 ||
			access.width == 32 || access.width == 64);
	for (access.width = 8; access.width <= 64; access.width *= 2) {
		bool right;

		said_begin();
		right = is_right(offset_argument(&command, text, &access));
		promise(right == (!number_read(text, &number) &&
				  number % (access.width / 8) == 0));
		promise(!right || access.offset == number);
	}
	said_begin();
	if (is_right(fd_argument(&command, text, &fd)))
		promise(!number_read(text, &number) && number <= INT_MAX &&
			fd == (int)number && dup2(fd, fd) == fd);
}

static void function_look(const char *text)
{
	char bdf[BARLEASE_BDF_MAX], again[BARLEASE_BDF_MAX];
	enum barlease_way way = BARLEASE_ANY_WAY;
	uint8_t uuid[BARLEASE_UUID_BYTES];
	bool right;

	said_begin();
	right = is_right(bdf_argument(&command, text, bdf));
	promise(right == !barlease_bdf_parse(text, again));
	if (right) {
		unsigned int domain, bus, slot, function;

		promise(!strcmp(bdf, again));
		promise(!barlease_bdf_parse(bdf, again) && !strcmp(bdf, again));
		promise(sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &slot,
			       &function) == 4);
		promise(bus <= 0xff && slot <= 0x1f && function <= 7);
	}
	said_begin();
	if (is_right(vf_token_argument(&command, text))) {
		promise(strlen(text) == BARLEASE_UUID_LENGTH);
		barlease_uuid_read(text, uuid);
	}
	said_begin();
	if (is_right(way_argument(&command, text, &way)))
		promise(way != BARLEASE_ANY_WAY);
}

static void slice_check(const struct barlease_slice *slice)
{
	uint64_t end;

	promise(slice->bar < BARLEASE_BARS);
	promise(memchr(slice->bdf, '\0', sizeof(slice->bdf)));
	promise(!__builtin_add_overflow(slice->range.offset,
					slice->range.length, &end));
	/* No length is all of it. */
	promise(slice->range.length || !slice->range.offset);
	promise(slice->access == BARLEASE_READ_WRITE ||
		slice->access == BARLEASE_READ_ONLY);
}

static void slice_look(const char *text)
{
	struct barlease_slice slice, again;
	const char *reason = NULL;
	char words[96];
	int length, err;

	err = barlease_slice_parse(text, &slice, &reason);
	promise(!err || err == -EINVAL || err == -ERANGE);
	promise(!err == !reason && (!reason || *reason));
	if (err)
		return;
	slice_check(&slice);
	length = barlease_slice_format(&slice, words, sizeof(words));
	promise(length > 0 && (size_t)length == strlen(words));
	promise(!barlease_slice_parse(words, &again, NULL));
	promise(!strcmp(slice.bdf, again.bdf) && slice.bar == again.bar);
	promise(slice.range.offset == again.range.offset);
	promise(slice.range.length == again.range.length);
	promise(slice.access == again.access);
}

static void inherit_look(const char *text)
{
	struct barlease_slice slice;
	int fd;

	promise(!setenv("BARLEASE_0", text, 1));
	fd = barlease_lease_inherit(0, &slice);
	unsetenv("BARLEASE_0");
	promise(fd == -EINVAL || fd == -EBADF || fd >= 0);
	if (fd < 0)
		return;
	slice_check(&slice);
	promise(slice.range.offset % 4096 == 0 && dup2(fd, fd) == fd);
}

static void user_look(const char *text)
{
	struct spawn_user user;
	int err = spawn_user_find(text, &user);

	promise(!err || err == -ENOENT);
	if (err)
		return;
	promise(user.uid == 1000 && !strcmp(user.name, "alice"));
	promise(!strcmp(text, "alice") || strspn(text, "0123456789") ==
						  strlen(text));
	spawn_user_free(&user);
}

/* What somebody else has chosen does nothing to a terminal or to JSON. */
static void clean_look(const char *text)
{
	char words[64];

	for (size_t room = 1; room <= sizeof(words); room *= 4) {
		clean_words(text, words, room);
		promise(strlen(words) < room);
		for (const char *c = words; *c; c++)
			promise(*c >= ' ' && *c <= '~');
	}
}

void words_look(const char *text)
{
	number_look(text);
	time_look(text);
	access_look(text);
	function_look(text);
	slice_look(text);
	inherit_look(text);
	user_look(text);
	clean_look(text);
}
