// SPDX-License-Identifier: MIT
/* A device of VFIO's, from the fds that another process has opened. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vfio/vfio.h"

#define IOMMUFD_PART "iommufd."

static void part_set(struct barlease_part *part, const char *name, int fd)
{
	snprintf(part->name, sizeof(part->name), "%s", name);
	part->fd = fd;
}

int barlease_vfio_parts(const struct barlease_device *dev,
			struct barlease_part *parts)
{
	part_set(&parts[0], "device", dev->fd);
	switch (dev->way) {
	case BARLEASE_BY_GROUP:
		part_set(&parts[1], "group", dev->group_fd);
		part_set(&parts[2], "container", dev->iommu_fd);
		return 3;
	case BARLEASE_BY_IOMMUFD:
		snprintf(parts[1].name, sizeof(parts[1].name),
			 IOMMUFD_PART "%u", dev->ioas);
		parts[1].fd = dev->iommu_fd;
		return 2;
	default:
		return -EOPNOTSUPP;
	}
}

static int ioas_read(const char *text, uint32_t *ioas)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || !value || value > UINT32_MAX)
		return -EINVAL;
	*ioas = (uint32_t)value;
	return 0;
}

static int part_take(struct barlease_device *dev,
		     const struct barlease_part *part)
{
	int *where;

	if (!strcmp(part->name, "device"))
		where = &dev->fd;
	else if (!strcmp(part->name, "group"))
		where = &dev->group_fd;
	else if (!strcmp(part->name, "container") ||
		 !strncmp(part->name, IOMMUFD_PART, strlen(IOMMUFD_PART)))
		where = &dev->iommu_fd;
	else
		return -EINVAL;
	if (*where >= 0)
		return -EINVAL;
	*where = part->fd;
	if (part->name[0] == 'i')
		return ioas_read(part->name + strlen(IOMMUFD_PART),
				 &dev->ioas);
	return 0;
}

static int device_check(struct barlease_device *dev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	bool by_group = dev->group_fd >= 0;
	bool by_iommufd = dev->ioas;

	if (dev->fd < 0 || dev->iommu_fd < 0 || by_group == by_iommufd)
		return -EINVAL;
	if (ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info) < 0)
		return errno == EBADF ? -EBADF : -EINVAL;
	return info.flags & VFIO_DEVICE_FLAGS_PCI ? 0 : -EINVAL;
}

int barlease_vfio_resume(const char *bdf, const struct barlease_part *parts,
			 unsigned int count, struct barlease_device **dev)
{
	struct barlease_device *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	new->fd = -1;
	new->group_fd = -1;
	new->iommu_fd = -1;
	err = barlease_bdf_parse(bdf, new->bdf);
	for (unsigned int i = 0; !err && i < count; i++)
		err = part_take(new, &parts[i]);
	if (!err)
		err = device_check(new);
	if (err) {
		free(new);
		return err;
	}
	new->way = new->ioas ? BARLEASE_BY_IOMMUFD : BARLEASE_BY_GROUP;
	barlease_vfio_init(new);
	*dev = new;
	return 0;
}

int barlease_vfio_lease_resume(struct barlease_device *dev, int fd,
			       unsigned int bar,
			       const struct barlease_range *range,
			       const struct barlease_terms *terms)
{
	struct barlease_range is;
	struct barlease_info info;
	int err = barlease_vfio_lease_info(dev, fd, &info, &is, 1);

	/* The kernel's own driver does not tell; it knows its own, though. */
	if (err == -EOPNOTSUPP)
		return 0;
	if (err)
		return err;
	if (info.state != BARLEASE_IS_LIVE && info.state != BARLEASE_IS_AWAY)
		return -EBADFD;
	if (info.bar != bar || info.ranges != 1 || is.offset != range->offset ||
	    is.length != range->length || info.access != terms->access)
		return -EINVAL;
	return 0;
}
