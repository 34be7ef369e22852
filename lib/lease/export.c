// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/dma-buf.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device/device.h"

static bool overlap(const struct barlease_range *a,
		    const struct barlease_range *b)
{
	/* Of a range that wraps around the kernel says what is wrong. */
	return a->offset < b->offset + b->length &&
	       b->offset < a->offset + a->length;
}

/* Whether none of the ranges has a byte of the MSI-X table or its PBA. */
static int msix_check(struct barlease_device *dev, unsigned int bar,
		      const struct barlease_range *ranges, unsigned int count)
{
	struct barlease_msix msix;
	int err = barlease_device_msix(dev, &msix);

	if (err)
		return err == -ENOENT ? 0 : err;
	for (unsigned int i = 0; i < count; i++)
		if ((bar == msix.table_bar &&
		     overlap(&ranges[i], &msix.table)) ||
		    (bar == msix.pba_bar && overlap(&ranges[i], &msix.pba)))
			return -EPERM;
	return 0;
}

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

int barlease_lease_set_attribute(struct barlease_device *dev, int fd,
				 enum barlease_attribute attribute)
{
	struct {
		struct vfio_device_feature feature;
		struct barlease_memattr memattr;
	} request = {
		.feature = { .argsz = sizeof(request) },
		.memattr = { .dmabuf_fd = fd },
	};
	uint32_t number = barlease_feature_memattr(dev);

	switch (attribute) {
	case BARLEASE_NON_CACHED:
		request.memattr.memattr = BARLEASE_MEMATTR_NC;
		break;
	case BARLEASE_WRITE_COMBINING:
		request.memattr.memattr = BARLEASE_MEMATTR_WC;
		break;
	default:
		return -EINVAL;
	}
	if (!number)
		return -EOPNOTSUPP;
	request.feature.flags = VFIO_DEVICE_FEATURE_SET | number;
	return ioctl(dev->fd, VFIO_DEVICE_FEATURE, &request) < 0 ? -errno : 0;
}

int barlease_lease_set_name(int fd, const char *name)
{
	/* With its terminating 0, as the kernel counts it. */
	if (strlen(name) >= BARLEASE_LEASE_NAME_MAX)
		return -ENAMETOOLONG;
	return ioctl(fd, DMA_BUF_SET_NAME, name) < 0 ? -errno : 0;
}

int barlease_lease_export_as(struct barlease_device *dev, unsigned int bar,
			     const struct barlease_range *ranges,
			     unsigned int count,
			     const struct barlease_terms *terms)
{
	int fd, err = 0;

	if (terms->access != BARLEASE_READ_WRITE &&
	    terms->access != BARLEASE_READ_ONLY)
		return -EINVAL;
	/* The kernel says so too, but only once the memory is allocated. */
	if (count > BARLEASE_MAX_RANGES)
		return -E2BIG;
	if (!barlease_feature_probe(dev, VFIO_DEVICE_FEATURE_DMA_BUF,
				    VFIO_DEVICE_FEATURE_GET))
		return -EOPNOTSUPP;
	if (!terms->over_msix)
		err = msix_check(dev, bar, ranges, count);
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

int barlease_lease_export(struct barlease_device *dev, unsigned int bar,
			  const struct barlease_range *ranges,
			  unsigned int count, enum barlease_access access)
{
	const struct barlease_terms terms = { .access = access };

	return barlease_lease_export_as(dev, bar, ranges, count, &terms);
}
