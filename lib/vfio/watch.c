// SPDX-License-Identifier: MIT
/* The kernel asks who has a device open to close it, as somebody takes it away. */
#include <errno.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vfio/vfio.h"

static int request_wire(const struct barlease_device *dev, int eventfd)
{
	struct {
		struct vfio_irq_set set;
		int32_t eventfd;
	} request = {
		.set = {
			.argsz = sizeof(request),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_REQ_IRQ_INDEX,
			.count = 1,
		},
		.eventfd = eventfd,
	};

	return ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &request) < 0 ? -errno : 0;
}

static int request_watch(struct barlease_device *dev)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	err = request_wire(dev, fd);
	if (err) {
		close(fd);
		return err;
	}
	dev->request_fd = fd;
	return 0;
}

int barlease_vfio_watch(struct barlease_device *dev)
{
	int err = 0;

	pthread_mutex_lock(&dev->request_lock);
	if (dev->request_fd < 0)
		err = request_watch(dev);
	pthread_mutex_unlock(&dev->request_lock);
	return err ? err : dev->request_fd;
}

void barlease_vfio_watch_end(struct barlease_device *dev)
{
	if (dev->request_fd < 0)
		return;
	/* Its owner's fd of an adopted one lives on, and would signal nobody. */
	if (dev->way == BARLEASE_ADOPTED)
		request_wire(dev, -1);
	close(dev->request_fd);
}
