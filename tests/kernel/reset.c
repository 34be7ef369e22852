// SPDX-License-Identifier: MIT
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "config.h"
#include "harness.h"
#include "reset.h"

void reset_by_ioctl(struct barlease_device *dev)
{
	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_RESET));
}

void reset_by_flr(struct barlease_device *dev)
{
	unsigned int control = config_capability(dev, PCI_CAP_ID_EXP) +
			       PCI_EXP_DEVCTL;

	config_write16(dev, control, config_read16(dev, control) |
				     PCI_EXP_DEVCTL_BCR_FLR);
}
