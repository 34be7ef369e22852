/* SPDX-License-Identifier: MIT */
/* The service manager, systemd: what it is told, and what it hands over. */
#ifndef SERVICE_MANAGER_H
#define SERVICE_MANAGER_H

#include <stddef.h>
#include <stdint.h>

/* Nothing happens in any of these where no manager listens. */
void manager_ready(const char *status);
void manager_reloading(void);
void manager_stopping(void);
/* Still alive, see manager_watchdog(). */
void manager_ping(void);

/* How often it wants to hear that, in microseconds; 0: it does not. */
uint64_t manager_watchdog(void);

/**
 * manager_store() - have a copy of an fd kept when this process is gone
 * @name: to be known by; others may have the same
 * @fd: stays the caller's
 *
 * Return: 0, or -errno when nobody keeps it.
 */
int manager_store(const char *name, int fd);

/* Have what is kept by this name no longer. */
void manager_forget(const char *name);

/* Wait until it has heard of all that it was told, for a few seconds at most. */
void manager_settle(void);

struct manager_fd {
	int fd;
	char *name; /* "": none */
};

/**
 * manager_take() - what it has handed over, once
 * @fds: where to put it, for manager_free(); the fds are the caller's, and
 *	close-on-exec
 *
 * Return: how many, or -errno.
 */
int manager_take(struct manager_fd **fds);
void manager_free(struct manager_fd *fds, size_t count);

#endif /* SERVICE_MANAGER_H */
