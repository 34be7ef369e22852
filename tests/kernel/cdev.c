// SPDX-License-Identifier: MIT
#include "cdev.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vfio/cdev.h"
#include "vfio/iommufd.h"
#include "harness.h"

bool have_iommufd(void)
{
	return !access("/dev/iommu", F_OK) &&
	       !access("/dev/vfio/devices", F_OK);
}

int cdev_open(const char *bdf)
{
	char path[100];
	struct cdev cdev;
	int err;

	err = cdev_find("/sys", bdf, &cdev);
	if (err == -ENOTSUP)
		test_skip("this kernel has no VFIO device files");
	ASSERT_OK(err);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", cdev.name);
	return (int)ASSERT_SYS(open(path, O_RDWR | O_CLOEXEC));
}

int iommufd_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		test_skip("this kernel has no iommufd");
	ASSERT_SYS(fd);
	return fd;
}

int cdev_bind(int device, int iommufd)
{
	struct iommufd_bind bind = {
		.argsz = IOMMUFD_BIND_SIZE,
		.iommufd = iommufd,
	};

	return ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}
