// SPDX-License-Identifier: MIT
/* What is done to a lease that is there, whatever serves its device. */
#include <errno.h>
#include <linux/barlease.h>

#include "device/device.h"

int barlease_lease_set_attribute(struct barlease_device *dev, int fd,
				 enum barlease_attribute attribute)
{
	if (attribute != BARLEASE_NON_CACHED &&
	    attribute != BARLEASE_WRITE_COMBINING)
		return -EINVAL;
	return dev->backend->lease_set_attribute(dev, fd, attribute);
}

int barlease_lease_info(struct barlease_device *dev, int fd,
			struct barlease_info *info,
			struct barlease_range *ranges, unsigned int count)
{
	if (count > BARLEASE_MAX_RANGES || (count && !ranges))
		return -EINVAL;
	return dev->backend->lease_info(dev, fd, info, ranges, count);
}

int barlease_lease_revoke(struct barlease_device *dev, int fd)
{
	return dev->backend->lease_revoke(dev, fd);
}
