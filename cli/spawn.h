/* SPDX-License-Identifier: MIT */
/*
 * Starting a process that holds one lease and nothing else: the lease is fd 3,
 * described in the environment as include/barlease.h says, and the process
 * has no other fd but 0 to 2, and no privilege when it runs as another user.
 */
#ifndef CLI_SPAWN_H
#define CLI_SPAWN_H

#include <signal.h>
#include <sys/types.h>

#include "barlease.h"

/* Where the lessee finds the lease: sd_listen_fds(3)'s SD_LISTEN_FDS_START. */
#define SPAWN_LEASE_FD 3

struct spawn_options {
	int lease_fd; /* stays the caller's */
	const struct barlease_slice *slice; /* its length resolved */
	const char *user; /* name or decimal number; NULL: the caller's own */
	char *const *argv; /* looked for in PATH, ends with NULL */
	const int *streams; /* its stdin and stdout, above 2; NULL: ours */
	const sigset_t *mask; /* of the lessee; NULL: the caller's own */
	const char **step; /* where to put what failed, or NULL */
};

/**
 * spawn_lessee() - start a process that holds a lease
 * @options: how
 * @pid: where to put its process id; the caller waits for it
 *
 * Returns when the process runs its command. It is killed when the thread that
 * called this ends.
 *
 * Return: 0; -ENOENT when there is no such user or no such command; -EPERM
 * when the caller may not become the user; or -errno. On failure no process is
 * left.
 */
int spawn_lessee(const struct spawn_options *options, pid_t *pid);

/**
 * spawn_user_exists() - whether there is a user to become
 * @user: name or number, as in struct spawn_options
 */
bool spawn_user_exists(const char *user);

#endif /* CLI_SPAWN_H */
