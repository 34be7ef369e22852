// SPDX-License-Identifier: MIT
/* A device that outlives the process which has opened it. */
#include <string.h>

#include "device/device.h"
#include "sim/sim.h"
#include "vfio/vfio.h"

int barlease_device_parts(const struct barlease_device *dev,
			  struct barlease_part *parts)
{
	return dev->backend->parts(dev, parts);
}

int barlease_device_resume(const char *name, const struct barlease_part *parts,
			   unsigned int count, struct barlease_device **dev)
{
	if (count && !strncmp(parts[0].name, "bar", 3))
		return sim_resume(name, parts, count, dev);
	return barlease_vfio_resume(name, parts, count, dev);
}

int barlease_lease_resume(struct barlease_device *dev, int fd, unsigned int bar,
			  const struct barlease_range *range,
			  const struct barlease_terms *terms)
{
	return dev->backend->lease_resume(dev, fd, bar, range, terms);
}
