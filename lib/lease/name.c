// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/dma-buf.h>
#include <string.h>
#include <sys/ioctl.h>

#include "public.h"

int barlease_lease_set_name(int fd, const char *name)
{
	/* With its terminating 0, as the kernel counts it. */
	if (strlen(name) >= BARLEASE_LEASE_NAME_MAX)
		return -ENAMETOOLONG;
	return ioctl(fd, DMA_BUF_SET_NAME, name) < 0 ? -errno : 0;
}
