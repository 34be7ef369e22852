// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "vfio/vfio.h"

bool barlease_feature_probe(const struct barlease_device *dev, uint32_t feature,
			    uint32_t operation)
{
	struct vfio_device_feature probe = {
		.argsz = sizeof(probe),
		.flags = feature | operation | VFIO_DEVICE_FEATURE_PROBE,
	};

	return ioctl(dev->fd, VFIO_DEVICE_FEATURE, &probe) == 0;
}

/*
 * Return the first of two numbers that the driver serves for SET, or 0. They
 * are one number as long as the installed headers know none of the kernel's.
 */
static uint32_t feature_choose(const struct barlease_device *dev,
			       uint32_t kernel, uint32_t own)
{
	if (barlease_feature_probe(dev, kernel, VFIO_DEVICE_FEATURE_SET))
		return kernel;
	if (own != kernel &&
	    barlease_feature_probe(dev, own, VFIO_DEVICE_FEATURE_SET))
		return own;
	return 0;
}

uint32_t barlease_feature_revoke(const struct barlease_device *dev)
{
	return feature_choose(dev, VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE,
			      BARLEASE_FEATURE_REVOKE);
}

uint32_t barlease_feature_memattr(const struct barlease_device *dev)
{
	return feature_choose(dev, VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR,
			      BARLEASE_FEATURE_MEMATTR);
}

unsigned int barlease_vfio_features(const struct barlease_device *dev)
{
	unsigned int features = 0;

	if (barlease_feature_probe(dev, VFIO_DEVICE_FEATURE_DMA_BUF,
				   VFIO_DEVICE_FEATURE_GET))
		features |= BARLEASE_CAN_EXPORT;
	if (barlease_feature_revoke(dev))
		features |= BARLEASE_CAN_REVOKE;
	if (barlease_feature_memattr(dev))
		features |= BARLEASE_CAN_MEMATTR;
	return features;
}

int barlease_vfio_probe(const struct barlease_device *dev)
{
	if (barlease_feature_probe(dev, BARLEASE_FEATURE_INFO,
				   VFIO_DEVICE_FEATURE_GET))
		return BARLEASE_BY_DRIVER;
	if (barlease_feature_probe(dev, VFIO_DEVICE_FEATURE_DMA_BUF,
				   VFIO_DEVICE_FEATURE_GET) &&
	    barlease_feature_revoke(dev))
		return BARLEASE_BY_KERNEL;
	return -EOPNOTSUPP;
}
