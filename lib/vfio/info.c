// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vfio/vfio.h"

static void info_fill(struct barlease_info *info,
		      const struct barlease_lease_info *lease)
{
	*info = (struct barlease_info){
		.id = lease->lease_id,
		.length = lease->length,
		.bar = lease->region_index,
		.access = (lease->open_flags & O_ACCMODE) == O_RDONLY
				  ? BARLEASE_READ_ONLY
				  : BARLEASE_READ_WRITE,
		.attribute = lease->memattr == BARLEASE_MEMATTR_WC
				     ? BARLEASE_WRITE_COMBINING
				     : BARLEASE_NON_CACHED,
		.state = (enum barlease_state)lease->state,
		.mappings = lease->mappings,
		.importers = lease->attachments,
		.ranges = lease->nr_ranges,
	};
}

int barlease_vfio_lease_info(struct barlease_device *dev, int fd,
			     struct barlease_info *info,
			     struct barlease_range *ranges, unsigned int count)
{
	struct vfio_device_feature *feature;
	struct barlease_lease_info *lease;
	size_t size;
	int err = 0;

	if (!barlease_feature_probe(dev, BARLEASE_FEATURE_INFO,
				    VFIO_DEVICE_FEATURE_GET))
		return -EOPNOTSUPP;
	size = sizeof(*feature) + sizeof(*lease) +
	       count * sizeof(lease->dma_ranges[0]);
	feature = calloc(1, size);
	if (!feature)
		return -ENOMEM;
	feature->argsz = (uint32_t)size;
	feature->flags = VFIO_DEVICE_FEATURE_GET | BARLEASE_FEATURE_INFO;
	lease = (void *)feature->data;
	lease->dmabuf_fd = fd;
	lease->nr_ranges = count;
	if (ioctl(dev->fd, VFIO_DEVICE_FEATURE, feature) < 0) {
		err = -errno;
	} else {
		info_fill(info, lease);
		for (unsigned int i = 0; i < count && i < lease->nr_ranges; i++)
			ranges[i] = (struct barlease_range){
				.offset = lease->dma_ranges[i].offset,
				.length = lease->dma_ranges[i].length,
			};
	}
	free(feature);
	return err;
}
