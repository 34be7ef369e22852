// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "device/device.h"

int barlease_lease_export(struct barlease_device *dev, unsigned int bar,
			  const struct barlease_range *ranges,
			  unsigned int count, enum barlease_access access)
{
	struct vfio_device_feature_dma_buf *request;
	struct vfio_device_feature *feature;
	size_t size;
	int fd;

	if (access != BARLEASE_READ_WRITE && access != BARLEASE_READ_ONLY)
		return -EINVAL;
	/* The kernel says so too, but only once the memory is allocated. */
	if (count > BARLEASE_MAX_RANGES)
		return -E2BIG;
	if (!barlease_feature_probe(dev, VFIO_DEVICE_FEATURE_DMA_BUF,
				    VFIO_DEVICE_FEATURE_GET))
		return -EOPNOTSUPP;

	size = sizeof(*feature) + sizeof(*request) +
	       count * sizeof(request->dma_ranges[0]);
	feature = calloc(1, size);
	if (!feature)
		return -ENOMEM;
	feature->argsz = (uint32_t)size;
	feature->flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF;

	request = (void *)feature->data;
	request->region_index = bar;
	request->open_flags = O_CLOEXEC;
	request->open_flags |= access == BARLEASE_READ_ONLY ? O_RDONLY : O_RDWR;
	request->nr_ranges = count;
	for (unsigned int i = 0; i < count; i++) {
		request->dma_ranges[i].offset = ranges[i].offset;
		request->dma_ranges[i].length = ranges[i].length;
	}

	fd = ioctl(dev->fd, VFIO_DEVICE_FEATURE, feature);
	if (fd < 0)
		fd = -errno;
	free(feature);
	return fd;
}
