// SPDX-License-Identifier: MIT
#include "words.h"

#include <ctype.h>
#include <inttypes.h>
#include <pwd.h>

void size_words(uint64_t size, char *buf, size_t room)
{
	static const char suffixes[] = "BKMGTPE";
	unsigned int i = 0;

	while (size && !(size % 1024)) {
		size /= 1024;
		i++;
	}
	snprintf(buf, room, "%" PRIu64 "%c", size, suffixes[i]);
}

void time_words(uint64_t time, char *buf, size_t room)
{
	uint64_t seconds = time / 1000;

	if (time < 1000)
		snprintf(buf, room, "%" PRIu64 "ms", time);
	else if (seconds < 60)
		snprintf(buf, room, "%" PRIu64 "s", seconds);
	else if (seconds < 3600)
		snprintf(buf, room, "%" PRIu64 "m%" PRIu64 "s", seconds / 60,
			 seconds % 60);
	else if (seconds < 86400)
		snprintf(buf, room, "%" PRIu64 "h%" PRIu64 "m", seconds / 3600,
			 seconds % 3600 / 60);
	else
		snprintf(buf, room, "%" PRIu64 "d%" PRIu64 "h", seconds / 86400,
			 seconds % 86400 / 3600);
}

void user_words(uint32_t uid, char *buf, size_t room)
{
	const struct passwd *entry = getpwuid((uid_t)uid);

	if (entry)
		clean_words(entry->pw_name, buf, room);
	else
		snprintf(buf, room, "%" PRIu32, uid);
}

void clean_words(const char *from, char *buf, size_t room)
{
	size_t used = 0;

	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;
		size_t needed = c < 0x80 && isprint(c) ? 1 : 4;

		if (used + needed >= room)
			break;
		if (needed == 1)
			buf[used] = (char)c;
		else
			snprintf(buf + used, room - used, "\\x%02x", c);
		used += needed;
	}
	buf[used] = '\0';
}

void json_words(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}
