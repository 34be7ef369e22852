// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lease/map.h"

#define SIZE_2M ((size_t)2 << 20)
#define SIZE_1G ((size_t)1 << 30)

/* How often to look for an address anew when another thread took it. */
#define PLACE_TRIES 8

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * Find a free address that agrees with @phase modulo @alignment, by reserving
 * more than is needed. The reservation is given up again: see map_place().
 */
static int place_find(size_t length, size_t alignment, uint64_t phase,
		      void **place)
{
	size_t reserved;
	char *base;

	if (__builtin_add_overflow(length, alignment, &reserved))
		return -ENOMEM;
	base = mmap(NULL, reserved, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	*place = base + (((size_t)phase - (size_t)base) & (alignment - 1));
	munmap(base, reserved);
	return 0;
}

/*
 * Map at an address that agrees with @phase. MAP_FIXED over a reservation
 * would be one step, but when it fails the kernel may have taken the
 * reservation away already, and another thread's mapping may be there by the
 * time that this one unmaps it. So: give the place up, ask for it without
 * replacing anything, and look for another one where somebody was quicker.
 */
static int map_place(int fd, off_t position, size_t length, int prot,
		     size_t alignment, uint64_t phase, void **address)
{
	void *place = NULL;
	void *found;
	int err;

	for (int i = 0; i < PLACE_TRIES; i++) {
		err = place_find(length, alignment, phase, &place);
		if (err)
			return err;
		found = mmap(place, length, prot,
			     MAP_SHARED | MAP_FIXED_NOREPLACE, fd, position);
		if (found == place) {
			*address = found;
			return 0;
		}
		/* Kernels before 4.17 take the address for a mere wish. */
		if (found != MAP_FAILED)
			munmap(found, length);
		else if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

int barlease_map_aligned(int fd, uint64_t position, size_t length, int prot,
			 uint64_t phase, struct barlease_map *map)
{
	size_t page_mask = page_size() - 1;
	size_t alignment = 0;
	off_t file_position;
	void *address;
	int err = -ENOMEM;

	if (!length || (position & page_mask) || (length & page_mask) ||
	    (phase & page_mask))
		return -EINVAL;
	if (__builtin_add_overflow(position, 0, &file_position))
		return -EINVAL;

	if (length >= SIZE_1G)
		alignment = SIZE_1G;
	else if (length >= SIZE_2M)
		alignment = SIZE_2M;

	if (alignment)
		err = map_place(fd, file_position, length, prot, alignment,
				phase, &address);
	/* No room for an aligned mapping, or none was asked for: any address */
	if (err == -EEXIST || err == -ENOMEM) {
		address =
			mmap(NULL, length, prot, MAP_SHARED, fd, file_position);
		err = address == MAP_FAILED ? -errno : 0;
	}
	if (err)
		return err;

	map->address = address;
	map->length = length;
	return 0;
}

int barlease_lease_map(int fd, uint64_t offset, size_t length, int prot,
		       uint64_t bar_offset, struct barlease_map *map)
{
	uint64_t size, end, phase;
	int err;

	err = barlease_lease_size(fd, &size);
	if (err)
		return err;
	/* A simulated lease that has ended could be mapped, but not accessed. */
	if (!size)
		return -ENODEV;
	if (__builtin_add_overflow(offset, length, &end) || end > size)
		return -EINVAL;
	if (__builtin_add_overflow(bar_offset, offset, &phase))
		return -EINVAL;

	return barlease_map_aligned(fd, offset, length, prot, phase, map);
}

void barlease_map_end(struct barlease_map *map)
{
	if (map->address)
		munmap(map->address, map->length);
	map->address = NULL;
	map->length = 0;
}

int barlease_lease_size(int fd, uint64_t *size)
{
	struct stat status;
	off_t end;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EINVAL;

	/*
	 * A DMABUF tells its size by lseek(), and has no position that this
	 * could move; a simulated lease is a file, which has one.
	 */
	if (S_ISREG(status.st_mode)) {
		*size = (uint64_t)status.st_size;
		return 0;
	}
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return errno == EBADF ? -EBADF : -EINVAL;
	*size = (uint64_t)end;
	return 0;
}
