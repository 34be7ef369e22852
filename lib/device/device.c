// SPDX-License-Identifier: MIT
/* A device, whatever serves it. */
#include "device/device.h"

void barlease_device_close(struct barlease_device *dev)
{
	if (dev)
		dev->backend->close(dev);
}

int barlease_device_probe(const struct barlease_device *dev)
{
	return dev->backend->probe(dev);
}

unsigned int barlease_device_features(const struct barlease_device *dev)
{
	return dev->backend->features(dev);
}

int barlease_device_watch(struct barlease_device *dev)
{
	return dev->backend->watch(dev);
}

int barlease_device_reset(struct barlease_device *dev)
{
	return dev->backend->reset(dev);
}

int barlease_device_set_memory(struct barlease_device *dev, bool on)
{
	return dev->backend->set_memory(dev, on);
}

int barlease_device_msix(struct barlease_device *dev,
			 struct barlease_msix *msix)
{
	return dev->backend->msix(dev, msix);
}

int barlease_device_fd(const struct barlease_device *dev)
{
	return dev->fd;
}

enum barlease_way barlease_device_way(const struct barlease_device *dev)
{
	return dev->way;
}

int barlease_device_iommu_fd(const struct barlease_device *dev)
{
	return dev->iommu_fd;
}

uint32_t barlease_device_ioas(const struct barlease_device *dev)
{
	return dev->ioas;
}

const char *barlease_device_bdf(const struct barlease_device *dev)
{
	return dev->bdf;
}
