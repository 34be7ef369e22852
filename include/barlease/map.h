/* SPDX-License-Identifier: MIT */
/* Mappings of leases, and of BARs in the lessor itself. */
#ifndef BARLEASE_MAP_H
#define BARLEASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <barlease/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct barlease_map {
	void *address;
	size_t length;
};

/**
 * barlease_region_map() - map a piece of a BAR into the lessor itself
 * @dev: device
 * @index: BAR, 0 to 5
 * @offset: into the BAR, a multiple of the page size
 * @length: bytes, a multiple of the page size, not 0
 * @prot: PROT_READ, PROT_WRITE or both
 * @map: where to put the mapping, for barlease_map_end()
 *
 * Aligned as barlease_lease_map() does.
 *
 * Return: 0, or -EINVAL for a range or region that cannot be mapped, -ENOMEM, or
 * -EOPNOTSUPP where the device is simulated.
 */
int barlease_region_map(struct barlease_device *dev, unsigned int index,
			uint64_t offset, size_t length, int prot,
			struct barlease_map *map);

/**
 * barlease_lease_map() - map a lease
 * @fd: fd of a lease; stays the caller's, and may be closed afterwards: the
 *	mapping lives on
 * @offset: into the lease, a multiple of the page size
 * @length: bytes, a multiple of the page size, not 0
 * @prot: PROT_READ, PROT_WRITE or both
 * @bar_offset: offset of the lease's first byte in its BAR; the address is
 *	chosen so that it agrees with it modulo 1 GiB or 2 MiB, which lets the
 *	kernel map huge pages. 0 is always allowed and may cost speed only.
 * @map: where to put the mapping, for barlease_map_end()
 *
 * Return: 0, or
 * -EBADF: @fd is not open;
 * -EINVAL: a value is not a multiple of the page size, @length is 0, the
 *  range goes past the end of the lease, or @fd cannot be mapped;
 * -EACCES: PROT_WRITE on a read-only lease;
 * -ENODEV: the lease is revoked, or the device's memory decode is off;
 * -ENOMEM.
 */
int barlease_lease_map(int fd, uint64_t offset, size_t length, int prot,
		       uint64_t bar_offset, struct barlease_map *map);

/**
 * barlease_map_end() - unmap
 * @map: mapping; cleared, so that ending it twice is harmless
 */
void barlease_map_end(struct barlease_map *map);

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_MAP_H */
