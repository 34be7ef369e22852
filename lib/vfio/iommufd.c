// SPDX-License-Identifier: MIT
/* Opening a function by its device file and an iommufd of its own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/path.h"
#include "device/uuid.h"
#include "vfio/cdev.h"
#include "vfio/iommufd.h"
#include "vfio/vfio.h"

/* What stands in the way, for people; NULL where the errno says it all. */
static const char no_driver[] = "no VFIO driver is bound to it";
static const char no_cdev[] = "this kernel has no files in /dev/vfio/devices "
			      "(CONFIG_VFIO_DEVICE_CDEV)";
static const char no_cdev_node[] = "its file in /dev/vfio/devices is missing";
static const char other_cdev_node[] =
	"its file in /dev/vfio/devices is that of another device";
static const char cdev_denied[] =
	"this user may not open its file in /dev/vfio/devices";
static const char no_iommufd[] =
	"there is no /dev/iommu that works (is the module iommufd loaded?)";
static const char iommufd_denied[] = "this user may not open /dev/iommu";
static const char in_use[] = "its device or its IOMMU group is in use";
static const char group_refused[] =
	"the DMA of its IOMMU group belongs to somebody else, or its "
	"interrupts are not isolated";
static const char token_missing[] = "it asks for a VF token";
static const char token_wrong[] = "this is not the VF token that is set";
static const char token_unwanted[] =
	"it takes no VF token, or this kernel takes none with iommufd";

/* Return an iommufd that the caller owns, or -errno. */
static int iommufd_open(const struct barlease_paths *paths, const char **reason)
{
	char path[PATH_MAX];
	int err;
	int fd;

	err = path_print(path, "%s/iommu", paths->dev);
	if (err)
		return err;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;

	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		*reason = no_iommufd;
		return -ENOTSUP;
	case EACCES:
	case EPERM:
		*reason = iommufd_denied;
		return -EACCES;
	default:
		return -errno;
	}
}

/* Return the device fd, which the caller owns and is not bound, or -errno. */
static int cdev_open(const struct barlease_paths *paths, const char *bdf,
		     const char **reason)
{
	struct stat status;
	char path[PATH_MAX];
	struct cdev cdev;
	int err;
	int fd;

	err = cdev_find(paths->sysfs, bdf, &cdev);
	if (err) {
		if (err == -ENODEV)
			*reason = no_driver;
		else if (err == -ENOTSUP)
			*reason = no_cdev;
		return err;
	}
	err = path_print(path, "%s/vfio/devices/%s", paths->dev, cdev.name);
	if (err)
		return err;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		*reason = cdev_denied;
		return -EACCES;
	}
	if (fd < 0 && errno == ENOENT) {
		*reason = no_cdev_node;
		return -ENOTSUP;
	}
	if (fd < 0)
		return -errno;

	/* A file that was made by hand, or left, may lead elsewhere. */
	if (fstat(fd, &status) < 0 || !S_ISCHR(status.st_mode) ||
	    status.st_rdev != cdev.number) {
		close(fd);
		*reason = other_cdev_node;
		return -ENOTSUP;
	}
	return fd;
}

/* What a failed VFIO_DEVICE_BIND_IOMMUFD means. */
static int bind_error(const struct barlease_paths *paths, const char *bdf,
		      const char *vf_token, int error, const char **reason)
{
	int err;

	switch (error) {
	case EBUSY:
	case EINVAL:
	case EPERM:
		/*
		 * EBUSY: its group is open. EINVAL: it is bound already, or
		 * takes no token. EPERM: the DMA of its group belongs to
		 * another process or to a driver, or its interrupts are not
		 * isolated. The group, where there is one, knows more.
		 */
		err = barlease_group_probe(paths, bdf);
		*reason = in_use;
		if (err == -EBUSY || err == -EPERM)
			return err;
		if (error == EPERM)
			*reason = group_refused;
		else if (error == EINVAL && vf_token)
			*reason = token_unwanted;
		else
			return -EBUSY;
		return -error;
	case EACCES:
		*reason = vf_token ? token_wrong : token_missing;
		return vf_token ? -EKEYREJECTED : -ENOKEY;
	case EBADFD: /* /dev/iommu is something else */
		*reason = no_iommufd;
		return -ENOTSUP;
	default:
		return -error;
	}
}

static int device_bind(int fd, int iommufd, const char *vf_token)
{
	uint8_t token[BARLEASE_UUID_BYTES];
	struct iommufd_bind bind = {
		.argsz = IOMMUFD_BIND_SIZE,
		.iommufd = iommufd,
	};

	if (vf_token) {
		barlease_uuid_read(vf_token, token);
		bind.argsz = sizeof(bind);
		bind.flags = IOMMUFD_BIND_TOKEN;
		bind.token_uuid_ptr = (uintptr_t)token;
	}
	return ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind) < 0 ? errno : 0;
}

/* Give the bound device an empty I/O address space of its own. */
static int ioas_attach(int fd, int iommufd, uint32_t *ioas)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};

	if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &alloc) < 0)
		return -errno;
	attach.pt_id = alloc.out_ioas_id;
	if (ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) < 0)
		return -errno;
	*ioas = alloc.out_ioas_id;
	return 0;
}

int barlease_iommufd_open(const struct barlease_paths *paths,
			  const char *vf_token, struct barlease_device *dev,
			  const char **reason)
{
	int iommufd, fd;
	int err;

	fd = cdev_open(paths, dev->bdf, reason);
	if (fd < 0)
		return fd;
	iommufd = iommufd_open(paths, reason);
	if (iommufd < 0) {
		err = iommufd;
		goto err_close_device;
	}
	err = device_bind(fd, iommufd, vf_token);
	if (err) {
		err = bind_error(paths, dev->bdf, vf_token, err, reason);
		goto err_close_iommufd;
	}
	err = ioas_attach(fd, iommufd, &dev->ioas);
	if (err)
		goto err_close_iommufd;

	dev->way = BARLEASE_BY_IOMMUFD;
	dev->iommu_fd = iommufd;
	dev->group_fd = -1;
	dev->fd = fd;
	return 0;

err_close_iommufd:
	close(iommufd);
err_close_device:
	close(fd);
	return err;
}
