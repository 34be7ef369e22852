// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/mman.h>

#include "public.h"

int barlease_lessee_map(const struct barlease_granted *granted,
			struct barlease_map *map)
{
	int prot = granted->access == BARLEASE_READ_ONLY ?
			   PROT_READ :
			   PROT_READ | PROT_WRITE;

	if (granted->size > SIZE_MAX)
		return -EINVAL;
	return barlease_lease_map(granted->fd, 0, (size_t)granted->size, prot,
				  granted->offset, map);
}
