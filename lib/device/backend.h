/* SPDX-License-Identifier: MIT */
/*
 * What serves a device: VFIO (vfio/) or the simulation (sim/). The public
 * calls check what holds for both and leave the rest to these, which return
 * what the call of their name does.
 */
#ifndef BARLEASE_BACKEND_H
#define BARLEASE_BACKEND_H

#include "public.h"

struct barlease_backend {
	/* Also frees the device. */
	void (*close)(struct barlease_device *dev);
	int (*probe)(const struct barlease_device *dev);
	unsigned int (*features)(const struct barlease_device *dev);
	int (*watch)(struct barlease_device *dev);
	int (*reset)(struct barlease_device *dev);
	int (*set_memory)(struct barlease_device *dev, bool on);
	int (*msix)(struct barlease_device *dev, struct barlease_msix *msix);

	int (*region_get)(struct barlease_device *dev, unsigned int index,
			  struct barlease_region *region);
	/* These three get the region's facts; the range lies within it. */
	int (*region_read)(struct barlease_device *dev, unsigned int index,
			   const struct barlease_region *region, void *buf,
			   size_t length, uint64_t offset);
	int (*region_write)(struct barlease_device *dev, unsigned int index,
			    const struct barlease_region *region,
			    const void *buf, size_t length, uint64_t offset);
	int (*region_map)(struct barlease_device *dev, unsigned int index,
			  const struct barlease_region *region, uint64_t offset,
			  size_t length, int prot, struct barlease_map *map);

	/* The access is one, and there are not too many ranges. */
	int (*lease_export)(struct barlease_device *dev, unsigned int bar,
			    const struct barlease_range *ranges,
			    unsigned int count,
			    const struct barlease_terms *terms);
	/* The attribute is one. */
	int (*lease_set_attribute)(struct barlease_device *dev, int fd,
				   enum barlease_attribute attribute);
	/* There is room for @count ranges, and that is not too many. */
	int (*lease_info)(struct barlease_device *dev, int fd,
			  struct barlease_info *info,
			  struct barlease_range *ranges, unsigned int count);
	int (*lease_revoke)(struct barlease_device *dev, int fd);

	int (*parts)(const struct barlease_device *dev,
		     struct barlease_part *parts);
	int (*lease_resume)(struct barlease_device *dev, int fd,
			    unsigned int bar,
			    const struct barlease_range *range,
			    const struct barlease_terms *terms);
};

#endif /* BARLEASE_BACKEND_H */
