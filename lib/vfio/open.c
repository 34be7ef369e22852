// SPDX-License-Identifier: MIT
/* Opening a device of VFIO's, or taking one that is open, and closing it. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device/uuid.h"
#include "vfio/vfio.h"

static const struct barlease_paths kernel_paths = {
	.sysfs = "/sys",
	.dev = "/dev",
};

static void device_close(struct barlease_device *dev)
{
	/*
	 * The device holds the group and the group holds the container; or the
	 * device, once bound, holds the iommufd.
	 */
	barlease_vfio_watch_end(dev);
	if (dev->way != BARLEASE_ADOPTED)
		close(dev->fd);
	if (dev->group_fd >= 0)
		close(dev->group_fd);
	if (dev->iommu_fd >= 0)
		close(dev->iommu_fd);
	pthread_mutex_destroy(&dev->request_lock);
	pthread_mutex_destroy(&dev->config_lock);
	free(dev);
}

static const struct barlease_backend backend = {
	.close = device_close,
	.probe = barlease_vfio_probe,
	.features = barlease_vfio_features,
	.watch = barlease_vfio_watch,
	.reset = barlease_vfio_reset,
	.set_memory = barlease_vfio_set_memory,
	.msix = barlease_vfio_msix,
	.region_get = barlease_vfio_region_get,
	.region_read = barlease_vfio_region_read,
	.region_write = barlease_vfio_region_write,
	.region_map = barlease_vfio_region_map,
	.lease_export = barlease_vfio_lease_export,
	.lease_set_attribute = barlease_vfio_lease_set_attribute,
	.lease_info = barlease_vfio_lease_info,
	.lease_revoke = barlease_vfio_lease_revoke,
	.parts = barlease_vfio_parts,
	.lease_resume = barlease_vfio_lease_resume,
};

void barlease_vfio_init(struct barlease_device *dev)
{
	dev->backend = &backend;
	dev->request_fd = -1;
	pthread_mutex_init(&dev->request_lock, NULL);
	pthread_mutex_init(&dev->config_lock, NULL);
}

/* By iommufd if that can be, else by group. */
static int any_open(const struct barlease_paths *paths, const char *vf_token,
		    struct barlease_device *dev, const char **reason)
{
	int iommufd_err, group_err;

	iommufd_err = barlease_iommufd_open(paths, vf_token, dev, reason);
	if (!iommufd_err)
		return 0;
	group_err = barlease_group_open(paths, vf_token, dev);

	/* Where the kernel has no groups, only the first answer means much. */
	if ((group_err == -ENODEV || group_err == -ENOTSUP) &&
	    iommufd_err != -ENODEV)
		return iommufd_err;
	return group_err;
}

static int way_open(const struct barlease_paths *paths, enum barlease_way way,
		    const char *vf_token, struct barlease_device *dev,
		    const char **reason)
{
	switch (way) {
	case BARLEASE_ANY_WAY:
		return any_open(paths, vf_token, dev, reason);
	case BARLEASE_BY_IOMMUFD:
		return barlease_iommufd_open(paths, vf_token, dev, reason);
	case BARLEASE_BY_GROUP:
		return barlease_group_open(paths, vf_token, dev);
	case BARLEASE_ADOPTED:
	case BARLEASE_SIMULATED:
		break;
	}
	return -EINVAL;
}

int barlease_device_open_at(const struct barlease_paths *paths, const char *bdf,
			    enum barlease_way way, const char *vf_token,
			    struct barlease_device **dev, const char **reason)
{
	const char *unread;
	struct barlease_device *new;
	int err;

	if (!reason)
		reason = &unread;
	*reason = NULL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;

	err = barlease_bdf_parse(bdf, new->bdf);
	if (err)
		goto err_free;

	if (vf_token && !barlease_uuid_valid(vf_token)) {
		err = -EINVAL;
		goto err_free;
	}

	err = way_open(paths, way, vf_token, new, reason);
	if (err)
		goto err_free;

	barlease_vfio_init(new);
	*dev = new;
	return 0;

err_free:
	free(new);
	return err;
}

int barlease_device_open(const char *bdf, struct barlease_device **dev)
{
	return barlease_device_open_by(bdf, BARLEASE_ANY_WAY, NULL, dev, NULL);
}

int barlease_device_open_by(const char *bdf, enum barlease_way way,
			    const char *vf_token, struct barlease_device **dev,
			    const char **reason)
{
	return barlease_device_open_at(&kernel_paths, bdf, way, vf_token, dev,
				       reason);
}

int barlease_device_adopt(int fd, const char *bdf, struct barlease_device **dev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct barlease_device *new;
	int err;

	if (ioctl(fd, VFIO_DEVICE_GET_INFO, &info) < 0)
		return errno == EBADF ? -EBADF : -EINVAL;
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI))
		return -EINVAL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	err = barlease_bdf_parse(bdf, new->bdf);
	if (err) {
		free(new);
		return err;
	}
	new->way = BARLEASE_ADOPTED;
	new->fd = fd;
	new->group_fd = -1;
	new->iommu_fd = -1;
	barlease_vfio_init(new);
	*dev = new;
	return 0;
}
