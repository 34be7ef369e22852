// SPDX-License-Identifier: MIT
/* For machines without systemd. */
#include <errno.h>
#include <stdlib.h>

#include "service/manager.h"

void manager_ready(const char *status)
{
	(void)status;
}

void manager_reloading(void)
{
}

void manager_stopping(void)
{
}

void manager_ping(void)
{
}

uint64_t manager_watchdog(void)
{
	return 0;
}

int manager_store(const char *name, int fd)
{
	(void)name;
	(void)fd;
	return -EUNATCH;
}

void manager_forget(const char *name)
{
	(void)name;
}

void manager_settle(void)
{
}

int manager_take(struct manager_fd **fds)
{
	*fds = NULL;
	return 0;
}

void manager_free(struct manager_fd *fds, size_t count)
{
	(void)count;
	free(fds);
}
