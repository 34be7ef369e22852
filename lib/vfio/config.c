// SPDX-License-Identifier: MIT
/* What is done to the function as a whole: its command register, its reset. */
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "vfio/vfio.h"

int barlease_vfio_set_memory(struct barlease_device *dev, bool on)
{
	uint16_t command;
	int err;

	pthread_mutex_lock(&dev->config_lock);
	err = barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, &command,
				   sizeof(command), PCI_COMMAND);
	if (err)
		goto out;

	command = le16toh(command);
	if (on)
		command |= PCI_COMMAND_MEMORY;
	else
		command &= (uint16_t)~PCI_COMMAND_MEMORY;
	command = htole16(command);

	err = barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX, &command,
				    sizeof(command), PCI_COMMAND);
out:
	pthread_mutex_unlock(&dev->config_lock);
	return err ? -EIO : 0;
}

int barlease_vfio_reset(struct barlease_device *dev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	/* The ioctl's own answer for "no way to reset it" is a bare EINVAL. */
	if (ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info) < 0)
		return -errno;
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		return -ENOTTY;
	if (ioctl(dev->fd, VFIO_DEVICE_RESET) < 0)
		return -errno;
	return 0;
}
