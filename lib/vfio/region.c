// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lease/map.h"
#include "vfio/vfio.h"

int barlease_vfio_region_get(struct barlease_device *dev, unsigned int index,
			     struct barlease_region *region)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	if (ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info) < 0)
		return -errno;

	region->size = info.size;
	region->offset = info.offset;
	region->readable = info.flags & VFIO_REGION_INFO_FLAG_READ;
	region->writable = info.flags & VFIO_REGION_INFO_FLAG_WRITE;
	region->mappable = info.flags & VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

/* Where a byte of a region is in the device fd. */
static int position_get(const struct barlease_region *region, uint64_t offset,
			off_t *position)
{
	if (__builtin_add_overflow(region->offset, offset, position))
		return -EINVAL;
	return 0;
}

int barlease_vfio_region_read(struct barlease_device *dev, unsigned int index,
			      const struct barlease_region *region, void *buf,
			      size_t length, uint64_t offset)
{
	off_t position;
	size_t done = 0;
	ssize_t n;
	int err;

	(void)index;
	err = position_get(region, offset, &position);
	if (err)
		return err;

	while (done < length) {
		n = pread(dev->fd, (char *)buf + done, length - done,
			  position + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

int barlease_vfio_region_write(struct barlease_device *dev, unsigned int index,
			       const struct barlease_region *region,
			       const void *buf, size_t length, uint64_t offset)
{
	off_t position;
	size_t done = 0;
	ssize_t n;
	int err;

	(void)index;
	err = position_get(region, offset, &position);
	if (err)
		return err;

	while (done < length) {
		n = pwrite(dev->fd, (const char *)buf + done, length - done,
			   position + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

int barlease_vfio_region_map(struct barlease_device *dev, unsigned int index,
			     const struct barlease_region *region,
			     uint64_t offset, size_t length, int prot,
			     struct barlease_map *map)
{
	off_t position;
	int err;

	(void)index;
	err = position_get(region, offset, &position);
	if (err)
		return err;
	return barlease_map_aligned(dev->fd, (uint64_t)position, length, prot,
				    offset, map);
}
