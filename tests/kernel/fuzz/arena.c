// SPDX-License-Identifier: MIT
#include "arena.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

bool arena_empty(const struct arena *arena, uint64_t page, uint64_t count)
{
	uint64_t i;

	for (i = page; i < page + count; i++)
		if (arena->pages[i].object)
			return false;
	return true;
}

bool arena_in_one(const struct arena *arena, uint64_t page, uint64_t count)
{
	uint64_t i;

	for (i = page; i < page + count; i++)
		if (!arena->pages[i].object ||
		    (i > page && arena->pages[i].starts))
			return false;
	return true;
}

/* Whatever is at this page starts there from now on. */
static void split(struct arena *arena, uint64_t page)
{
	if (page < ARENA_PAGES && arena->pages[page].object)
		arena->pages[page].starts = true;
}

void arena_unmap(struct arena *arena, uint64_t page, uint64_t count)
{
	memset(&arena->pages[page], 0, count * sizeof(*arena->pages));
	split(arena, page + count);
}

void arena_map(struct arena *arena, uint64_t page, uint64_t count,
	       const struct arena_page *first)
{
	uint64_t i;

	arena_unmap(arena, page, count);
	for (i = 0; i < count; i++) {
		arena->pages[page + i] = *first;
		arena->pages[page + i].index += (uint32_t)i;
		arena->pages[page + i].starts = !i;
	}
}

int arena_protect(struct arena *arena, uint64_t page, uint64_t count,
		  uint8_t prot, bool apply)
{
	uint64_t end = page + count, stop, i;

	while (page < end) {
		const struct arena_page *first = &arena->pages[page];

		if (!first->object)
			return ENOMEM;
		if ((prot & PROT_WRITE) && !first->may_write)
			return EACCES;
		for (stop = page + 1; stop < end; stop++)
			if (!arena->pages[stop].object ||
			    arena->pages[stop].starts)
				break;
		/* The kernel splits nothing that does not change. */
		if (apply && first->prot != prot) {
			split(arena, page);
			split(arena, stop);
			for (i = page; i < stop; i++)
				arena->pages[i].prot = prot;
		}
		page = stop;
	}
	return 0;
}

void arena_move(struct arena *arena, uint64_t page, uint64_t count,
		uint64_t page2, uint64_t count2)
{
	struct arena_page first = arena->pages[page];

	arena_unmap(arena, page, count);
	arena_map(arena, page2, count2, &first);
}

void arena_dont_fork(struct arena *arena, uint64_t page, uint64_t count)
{
	uint64_t end = page + count, stop, i;

	for (; page < end; page = stop) {
		for (stop = page + 1; stop < end; stop++)
			if (arena->pages[stop].starts ||
			    !arena->pages[stop].object)
				break;
		if (!arena->pages[page].object || arena->pages[page].dont_fork)
			continue;
		split(arena, page);
		split(arena, stop);
		for (i = page; i < stop; i++)
			arena->pages[i].dont_fork = true;
	}
}

void arena_fork(struct arena *child, const struct arena *parent)
{
	uint64_t i;

	*child = *parent;
	for (i = 0; i < ARENA_PAGES; i++)
		if (child->pages[i].dont_fork)
			memset(&child->pages[i], 0, sizeof(*child->pages));
}

unsigned int arena_count(const struct arena *arena, const void *object)
{
	unsigned int count = 0;
	uint64_t i;

	for (i = 0; i < ARENA_PAGES; i++)
		if (arena->pages[i].starts && arena->pages[i].object == object)
			count++;
	return count;
}
