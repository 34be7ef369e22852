// SPDX-License-Identifier: MIT
/* Opening a function by its IOMMU group and a type1 container of its own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/path.h"
#include "device/uuid.h"
#include "vfio/vfio.h"

/* Put the path of the group's file in devtmpfs into @path. */
static int group_path(const struct barlease_paths *paths, const char *bdf,
		      char *path)
{
	char link[PATH_MAX];
	struct stat status;
	const char *name;
	ssize_t length;
	int err;

	err = path_print(path, "%s/bus/pci/devices/%s", paths->sysfs, bdf);
	if (err)
		return err;
	if (stat(path, &status) < 0)
		return errno == ENOENT ? -ENODEV : -errno;

	err = path_print(path, "%s/bus/pci/devices/%s/iommu_group",
			 paths->sysfs, bdf);
	if (err)
		return err;
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return errno == ENOENT ? -ENXIO : -errno;
	link[length] = '\0';

	name = strrchr(link, '/');
	name = name ? name + 1 : link;
	if (!*name || strspn(name, "0123456789") != strlen(name))
		return -ENXIO;
	return path_print(path, "%s/vfio/%s", paths->dev, name);
}

/* Return a container fd that the caller owns, or -errno. */
static int container_open(const struct barlease_paths *paths)
{
	char path[PATH_MAX];
	int err;
	int fd;

	err = path_print(path, "%s/vfio/vfio", paths->dev);
	if (err)
		return err;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOTSUP : -errno;

	if (ioctl(fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1) {
		close(fd);
		return -ENOTSUP;
	}
	return fd;
}

/* Return a group fd that the caller owns, or -errno. */
static int group_open(const char *path)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int err;
	int fd;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;

	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0) {
		err = errno == ENOTTY ? -ENODEV : -errno;
		goto err_close;
	}
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		err = -EPERM;
		goto err_close;
	}
	return fd;

err_close:
	close(fd);
	return err;
}

/* What VFIO takes between the address and the token. */
#define TOKEN_ARGUMENT " vf_token="

/* Return the device fd, which the caller owns, or -errno. */
static int device_get(int group_fd, const char *bdf, const char *vf_token)
{
	char name[BARLEASE_BDF_MAX + sizeof(TOKEN_ARGUMENT) +
		  BARLEASE_UUID_LENGTH];
	int fd;

	snprintf(name, sizeof(name), "%s%s%s", bdf,
		 vf_token ? TOKEN_ARGUMENT : "", vf_token ? vf_token : "");
	fd = ioctl(group_fd, VFIO_GROUP_GET_DEVICE_FD, name);
	if (fd >= 0)
		return fd;
	/* Here it is only ever about the token. */
	if (errno == EACCES)
		return vf_token ? -EKEYREJECTED : -ENOKEY;
	return -errno;
}

/* Return the device fd, which the caller owns, or -errno. */
static int device_open(int container_fd, int group_fd, const char *bdf,
		       const char *vf_token)
{
	/*
	 * The kernel claims the group's DMA here. A function that another
	 * driver took since the group was seen viable makes that fail.
	 */
	if (ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, &container_fd) < 0)
		return errno == EBUSY ? -EPERM : -errno;
	if (ioctl(container_fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
		return errno == ENODEV ? -ENOTSUP : -errno;
	return device_get(group_fd, bdf, vf_token);
}

int barlease_group_probe(const struct barlease_paths *paths, const char *bdf)
{
	char path[PATH_MAX];
	int err;
	int fd;

	err = group_path(paths, bdf, path);
	if (err)
		return err;
	fd = group_open(path);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int barlease_group_open(const struct barlease_paths *paths,
			const char *vf_token, struct barlease_device *dev)
{
	char path[PATH_MAX];
	int container_fd, group_fd, fd;
	int err;

	err = group_path(paths, dev->bdf, path);
	if (err)
		return err;

	group_fd = group_open(path);
	if (group_fd < 0)
		return group_fd;

	container_fd = container_open(paths);
	if (container_fd < 0) {
		err = container_fd;
		goto err_close_group;
	}

	fd = device_open(container_fd, group_fd, dev->bdf, vf_token);
	if (fd < 0) {
		err = fd;
		goto err_close_container;
	}

	dev->way = BARLEASE_BY_GROUP;
	dev->iommu_fd = container_fd;
	dev->group_fd = group_fd;
	dev->fd = fd;
	return 0;

err_close_container:
	close(container_fd);
err_close_group:
	close(group_fd);
	return err;
}
