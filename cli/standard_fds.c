// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "standard_fds.h"

static bool was_closed[STDERR_FILENO + 1];

int standard_fds_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number is this one. */
		if (open("/dev/null",
			 fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return -errno;
		was_closed[fd] = true;
	}
	return 0;
}

int standard_fds_lend(void)
{
	int err = 0;
	int null;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && !err; fd++) {
		if (!was_closed[fd])
			continue;
		if (dup2(null, fd) < 0)
			err = -errno;
	}
	close(null);
	return err;
}
