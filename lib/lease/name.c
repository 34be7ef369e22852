// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/dma-buf.h>
#include <string.h>
#include <sys/ioctl.h>

#include "sim/sim.h"

int barlease_lease_set_name(int fd, const char *name)
{
	struct sim_file simulated;
	int err;

	/* With its terminating 0, as the kernel counts it. */
	if (strlen(name) >= BARLEASE_LEASE_NAME_MAX)
		return -ENAMETOOLONG;
	if (ioctl(fd, DMA_BUF_SET_NAME, name) == 0)
		return 0;
	/* A file in memory keeps the name that it was made with. */
	err = -errno;
	if (err == -ENOTTY && !sim_lease_file_get(fd, &simulated))
		return -EOPNOTSUPP;
	return err;
}
