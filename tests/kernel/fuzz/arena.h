/* SPDX-License-Identifier: MIT */
/*
 * What is mapped where in the arena of one process, page by page, and where a
 * mapping of the kernel's (a VMA) begins. Those of leases and BARs never merge.
 */
#ifndef FUZZ_ARENA_H
#define FUZZ_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "op.h"

struct arena_page {
	const void *object; /* the lease or the device; NULL: not mapped */
	uint32_t index; /* page of it */
	uint8_t prot;
	bool may_write;
	bool starts; /* a VMA starts here */
	bool dont_fork;
};

struct arena {
	struct arena_page pages[ARENA_PAGES];
};

bool arena_empty(const struct arena *arena, uint64_t page, uint64_t count);

/* Is it a part of one VMA? */
bool arena_in_one(const struct arena *arena, uint64_t page, uint64_t count);

void arena_map(struct arena *arena, uint64_t page, uint64_t count,
	       const struct arena_page *first);
void arena_unmap(struct arena *arena, uint64_t page, uint64_t count);

/* As mprotect(): the errno; what comes before an obstacle is changed. */
int arena_protect(struct arena *arena, uint64_t page, uint64_t count,
		  uint8_t prot, bool apply);

/* The source is in one VMA and not shorter than the destination. */
void arena_move(struct arena *arena, uint64_t page, uint64_t count,
		uint64_t page2, uint64_t count2);

void arena_dont_fork(struct arena *arena, uint64_t page, uint64_t count);

/* What a child has of it. */
void arena_fork(struct arena *child, const struct arena *parent);

/* VMAs of this object. */
unsigned int arena_count(const struct arena *arena, const void *object);

#endif /* FUZZ_ARENA_H */
