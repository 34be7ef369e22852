// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vfio/vfio.h"

int barlease_vfio_lease_revoke(struct barlease_device *dev, int fd)
{
	struct vfio_device_feature_dma_buf_revoke revoke = { .dmabuf_fd = fd };
	/* The feature's own structure follows the header without a gap. */
	char buf[sizeof(struct vfio_device_feature) + sizeof(revoke)]
		__attribute__((aligned(8)));
	struct vfio_device_feature header = { .argsz = sizeof(buf) };
	uint32_t number;

	number = barlease_feature_revoke(dev);
	if (!number)
		return -EOPNOTSUPP;
	header.flags = VFIO_DEVICE_FEATURE_SET | number;
	memcpy(buf, &header, sizeof(header));
	memcpy(buf + sizeof(header), &revoke, sizeof(revoke));

	if (ioctl(dev->fd, VFIO_DEVICE_FEATURE, buf) < 0)
		return -errno;
	return 0;
}
