// SPDX-License-Identifier: MIT
#include "service/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define NSEC_PER_USEC 1000
#define USEC_PER_SEC 1000000ull

/* How long it may take to hear of what it is told. */
#define HEARING (3 * USEC_PER_SEC)

void manager_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void manager_reloading(void)
{
	struct timespec now;

	/* Without the time, Type=notify-reload does not take it. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)now.tv_sec * USEC_PER_SEC +
			   (unsigned long long)now.tv_nsec / NSEC_PER_USEC);
}

void manager_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void manager_ping(void)
{
	sd_notify(0, "WATCHDOG=1");
}

uint64_t manager_watchdog(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

int manager_store(const char *name, int fd)
{
	char *text;
	int sent;

	/* What it is for is told by us: it must not end with a hang-up. */
	if (asprintf(&text, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name) < 0)
		return -ENOMEM;
	sent = sd_pid_notify_with_fds(0, 0, text, &fd, 1);
	free(text);
	if (!sent)
		return -EUNATCH;
	return sent < 0 ? sent : 0;
}

void manager_forget(const char *name)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void manager_settle(void)
{
	sd_notify_barrier(0, HEARING);
}

void manager_free(struct manager_fd *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(fds[i].name);
	free(fds);
}

int manager_take(struct manager_fd **fds)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);

	*fds = NULL;
	if (count <= 0)
		return count;
	*fds = calloc((size_t)count, sizeof(**fds));
	for (int i = 0; i < count; i++) {
		if (*fds) {
			(*fds)[i].fd = SD_LISTEN_FDS_START + i;
			(*fds)[i].name = names[i];
		} else {
			free(names[i]);
		}
	}
	free(names);
	return *fds ? count : -ENOMEM;
}
