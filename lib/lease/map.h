/* SPDX-License-Identifier: MIT */
#ifndef BARLEASE_LEASE_MAP_H
#define BARLEASE_LEASE_MAP_H

#include "public.h"

/**
 * barlease_map_aligned() - map a file where huge pages fit
 * @fd: what to map; stays the caller's
 * @position: where in the file, in bytes
 * @length: bytes
 * @prot: as mmap()
 * @phase: the address agrees with it modulo 1 GiB for mappings of 1 GiB or
 *	more, modulo 2 MiB for those of 2 MiB or more
 * @map: where to put the mapping
 *
 * Falls back to any address when none that agrees is free.
 *
 * Return: 0, -EINVAL for a value that is not a multiple of the page size or a
 * @length of 0, or what mmap() answers; on failure nothing stays mapped.
 */
int barlease_map_aligned(int fd, uint64_t position, size_t length, int prot,
			 uint64_t phase, struct barlease_map *map);

#endif /* BARLEASE_LEASE_MAP_H */
