// SPDX-License-Identifier: MIT
/* What is different on another processor, run by an emulator of it. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "barlease/guarded.h"

#define PAGE 4096

static unsigned int count;
static int failures;

static void report(int good, const char *name)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++count, name);
	failures += !good;
}

#define REACHES(width)                                                       \
	static int reaches##width(unsigned char *at)                         \
	{                                                                    \
		uint##width##_t value = (uint##width##_t)0x1122334455667788; \
		uint##width##_t found = 0;                                   \
		return !barlease_guarded_write##width(at, value) &&          \
		       !memcmp(at, &value, sizeof(value)) &&                 \
		       !barlease_guarded_read##width(at, &found) &&          \
		       found == value;                                       \
	}                                                                    \
	static int is_gone##width(unsigned char *at)                         \
	{                                                                    \
		uint##width##_t found = 0x5a;                                \
		return barlease_guarded_read##width(at, &found) == -ENXIO && \
		       found == 0x5a &&                                      \
		       barlease_guarded_write##width(at, 1) == -ENXIO;       \
	}

REACHES(8)
REACHES(16)
REACHES(32)
REACHES(64)

static int copies(unsigned char *map)
{
	unsigned char bytes[300], back[300];
	size_t done;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 3);
	for (size_t at = 0; at < 70; at++) {
		memset(map, 0xee, 512);
		if (barlease_guarded_copy_to_wc(map + at, bytes, 290, &done) ||
		    done != 290 || memcmp(map + at, bytes, 290) ||
		    map[at + 290] != 0xee)
			return 0;
		if (barlease_guarded_copy_from(back, map + at, 290, &done) ||
		    memcmp(back, bytes, 290))
			return 0;
		if (barlease_guarded_copy_to(map + at, bytes + 1, 290, &done) ||
		    memcmp(map + at, bytes + 1, 290))
			return 0;
	}
	return 1;
}

static int copies_end(unsigned char *map)
{
	unsigned char bytes[300] = { 0 };
	size_t from, to, wc;

	return barlease_guarded_copy_from(bytes, map + PAGE - 99, 300, &from) ==
		       -ENXIO &&
	       from == 99 &&
	       barlease_guarded_copy_to(map + PAGE - 98, bytes, 300, &to) ==
		       -ENXIO &&
	       to == 98 &&
	       barlease_guarded_copy_to_wc(map + PAGE - 197, bytes, 300, &wc) ==
		       -ENXIO &&
	       wc == 197;
}

int main(void)
{
	int fd = memfd_create("lease", 0);
	unsigned char *map;

	if (ftruncate(fd, 2 * PAGE) || barlease_guard_install())
		return 1;
	map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return 1;
	printf("1..4\n");
	report(reaches8(map) && reaches16(map) && reaches32(map) &&
		       reaches64(map),
	       "guarded_accesses_reach_what_is_there");
	report(copies(map), "guarded_copies_move_exactly_the_bytes");
	if (ftruncate(fd, PAGE))
		return 1;
	map += PAGE;
	report(is_gone8(map) && is_gone16(map) && is_gone32(map) &&
		       is_gone64(map),
	       "guarded_accesses_to_a_lease_that_is_gone_are_enxio");
	report(copies_end(map - PAGE), "guarded_copies_tell_how_far_they_came");
	return failures;
}
