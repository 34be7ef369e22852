// SPDX-License-Identifier: MIT
/* The regions of a device, whatever serves it. */
#include <errno.h>

#include "device/device.h"

int barlease_region_get(struct barlease_device *dev, unsigned int index,
			struct barlease_region *region)
{
	return dev->backend->region_get(dev, index, region);
}

/* The facts about a region, if the range lies in it. */
static int region_check(struct barlease_device *dev, unsigned int index,
			uint64_t offset, size_t length,
			struct barlease_region *region)
{
	uint64_t end;
	int err;

	err = barlease_region_get(dev, index, region);
	if (err)
		return err;
	if (__builtin_add_overflow(offset, length, &end) || end > region->size)
		return -EINVAL;
	return 0;
}

int barlease_region_read(struct barlease_device *dev, unsigned int index,
			 void *buf, size_t length, uint64_t offset)
{
	struct barlease_region region;
	int err;

	err = region_check(dev, index, offset, length, &region);
	if (err)
		return err;
	return dev->backend->region_read(dev, index, &region, buf, length,
					 offset);
}

int barlease_region_write(struct barlease_device *dev, unsigned int index,
			  const void *buf, size_t length, uint64_t offset)
{
	struct barlease_region region;
	int err;

	err = region_check(dev, index, offset, length, &region);
	if (err)
		return err;
	return dev->backend->region_write(dev, index, &region, buf, length,
					  offset);
}

int barlease_region_map(struct barlease_device *dev, unsigned int index,
			uint64_t offset, size_t length, int prot,
			struct barlease_map *map)
{
	struct barlease_region region;
	int err;

	if (index >= BARLEASE_BARS)
		return -EINVAL;
	err = region_check(dev, index, offset, length, &region);
	if (err)
		return err;
	if (!region.mappable)
		return -EINVAL;
	return dev->backend->region_map(dev, index, &region, offset, length,
					prot, map);
}
