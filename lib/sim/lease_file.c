// SPDX-License-Identifier: MIT
/* The file of a lease, which its lessees have as well. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/sim.h"

/* Sealed so, a lease can be cut off, by anybody, and be nothing else then. */
#define LEASE_SEALS (F_SEAL_GROW | F_SEAL_SEAL)

int sim_lease_file_create(const char *name, uint64_t size,
			  enum barlease_access access)
{
	mode_t mode = access == BARLEASE_READ_ONLY ? 0400 : 0600;
	int fd, err;

	fd = sim_file_create(name, size);
	if (fd < 0)
		return fd;
	if (fchmod(fd, mode) < 0 || fcntl(fd, F_ADD_SEALS, LEASE_SEALS) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int sim_lease_file_open(int fd, enum barlease_access access)
{
	int flags = access == BARLEASE_READ_ONLY ? O_RDONLY : O_RDWR;
	char path[sizeof("/proc/self/fd/-2147483648")];
	int opened;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	opened = open(path, flags | O_CLOEXEC);
	return opened < 0 ? -errno : opened;
}

int sim_lease_file_get(int fd, struct sim_file *file)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat status;
	int seals;

	/* An O_PATH fd is no access to what it names. */
	if (flags < 0 || (flags & O_PATH) || fstat(fd, &status) < 0)
		return -EBADF;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & LEASE_SEALS) != LEASE_SEALS)
		return -EINVAL;
	file->device = status.st_dev;
	file->inode = status.st_ino;
	file->size = (uint64_t)status.st_size;
	return 0;
}
