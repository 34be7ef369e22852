/* SPDX-License-Identifier: MIT */
#ifndef CLI_SPAWN_INTERNAL_H
#define CLI_SPAWN_INTERNAL_H

#include <sys/types.h>

#include "barlease.h"

/* All that is to be known of a user before fork(): no NSS after that. */
struct spawn_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int groups_count;
	char *name;
	char *home;
	char *shell;
};

/**
 * spawn_user_find() - look a user up
 * @text: name, or decimal number of a user that has a name
 * @user: where to put it; spawn_user_free() ends it
 *
 * Return: 0, -ENOENT when there is no such user, or -errno.
 */
int spawn_user_find(const char *text, struct spawn_user *user);

/**
 * spawn_user_free() - free what spawn_user_find() found
 * @user: user; zeroed or found
 */
void spawn_user_free(struct spawn_user *user);

struct spawn_environment {
	char **variables; /* ends with NULL */
	char *pid; /* where "LISTEN_PID=" wants its number */
};

/* Room for a process id at spawn_environment.pid, with its terminating 0. */
#define SPAWN_PID_ROOM 12

/**
 * spawn_environment_make() - the environment of a lessee
 * @slice: what the lease is
 * @user: whom it becomes, or NULL
 * @environment: where to put it; spawn_environment_free() ends it
 *
 * The caller's own environment, with the lease and the user in it.
 *
 * Return: 0 or -ENOMEM.
 */
int spawn_environment_make(const struct barlease_slice *slice,
			   const struct spawn_user *user,
			   struct spawn_environment *environment);

/**
 * spawn_environment_free() - free what spawn_environment_make() made
 * @environment: environment; zeroed or made
 */
void spawn_environment_free(struct spawn_environment *environment);

#endif /* CLI_SPAWN_INTERNAL_H */
