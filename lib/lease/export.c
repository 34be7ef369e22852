// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/barlease.h>

#include "device/device.h"

int barlease_lease_export_as(struct barlease_device *dev, unsigned int bar,
			     const struct barlease_range *ranges,
			     unsigned int count,
			     const struct barlease_terms *terms)
{
	if (terms->access != BARLEASE_READ_WRITE &&
	    terms->access != BARLEASE_READ_ONLY)
		return -EINVAL;
	/* The kernel says so too, but only once the memory is allocated. */
	if (count > BARLEASE_MAX_RANGES)
		return -E2BIG;
	return dev->backend->lease_export(dev, bar, ranges, count, terms);
}

int barlease_lease_export(struct barlease_device *dev, unsigned int bar,
			  const struct barlease_range *ranges,
			  unsigned int count, enum barlease_access access)
{
	const struct barlease_terms terms = { .access = access };

	return barlease_lease_export_as(dev, bar, ranges, count, &terms);
}
