// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lease/msix.h"
#include "vfio/vfio.h"

static int export(struct barlease_device *dev, unsigned int bar,
		  const struct barlease_range *ranges, unsigned int count,
		  enum barlease_access access)
{
	struct vfio_device_feature_dma_buf *request;
	struct vfio_device_feature *feature;
	size_t size;
	int fd;

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

int barlease_vfio_lease_set_attribute(struct barlease_device *dev, int fd,
				      enum barlease_attribute attribute)
{
	struct {
		struct vfio_device_feature feature;
		struct barlease_memattr memattr;
	} request = {
		.feature = { .argsz = sizeof(request) },
		.memattr = {
			.dmabuf_fd = fd,
			.memattr = attribute == BARLEASE_WRITE_COMBINING
					   ? BARLEASE_MEMATTR_WC
					   : BARLEASE_MEMATTR_NC,
		},
	};
	uint32_t number = barlease_feature_memattr(dev);

	if (!number)
		return -EOPNOTSUPP;
	request.feature.flags = VFIO_DEVICE_FEATURE_SET | number;
	return ioctl(dev->fd, VFIO_DEVICE_FEATURE, &request) < 0 ? -errno : 0;
}

int barlease_vfio_lease_export(struct barlease_device *dev, unsigned int bar,
			       const struct barlease_range *ranges,
			       unsigned int count,
			       const struct barlease_terms *terms)
{
	int fd, err;

	if (!barlease_feature_probe(dev, VFIO_DEVICE_FEATURE_DMA_BUF,
				    VFIO_DEVICE_FEATURE_GET))
		return -EOPNOTSUPP;
	err = barlease_msix_check(dev, bar, ranges, count, terms);
	if (err)
		return err;

	fd = export(dev, bar, ranges, count, terms->access);
	if (fd < 0)
		return fd;
	/* Non-cached is what it is. */
	if (terms->attribute != BARLEASE_NON_CACHED)
		err = barlease_lease_set_attribute(dev, fd, terms->attribute);
	if (!err && terms->name)
		err = barlease_lease_set_name(fd, terms->name);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}
