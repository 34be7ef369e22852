// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spawn.h"
#include "spawn_internal.h"

/* LISTEN_* (4), BARLEASE_0, the user's (4), and the NULL at the end. */
#define VARIABLES_ADDED 10

/* Whether a variable of ours takes the place of this one. */
static bool is_replaced(const char *variable, const struct spawn_user *user)
{
	if (!strncmp(variable, "BARLEASE_", 9) ||
	    !strncmp(variable, "LISTEN_PID=", 11) ||
	    !strncmp(variable, "LISTEN_FDS=", 11) ||
	    !strncmp(variable, "LISTEN_FDNAMES=", 15) ||
	    !strncmp(variable, "LISTEN_PIDFDID=", 15))
		return true;
	if (!user)
		return false;
	return !strncmp(variable, "HOME=", 5) ||
	       !strncmp(variable, "SHELL=", 6) ||
	       !strncmp(variable, "USER=", 5) ||
	       !strncmp(variable, "LOGNAME=", 8);
}

static int variable_add(char **variables, size_t *count, const char *name,
			const char *value)
{
	if (!value)
		return 0;
	if (asprintf(&variables[*count], "%s=%s", name, value) < 0) {
		variables[*count] = NULL;
		return -ENOMEM;
	}
	++*count;
	return 0;
}

static int lease_add(char **variables, size_t *count,
		     const struct barlease_slice *slice)
{
	char text[128];
	int length;
	int err;

	length = snprintf(text, sizeof(text), "%d ", SPAWN_LEASE_FD);
	err = barlease_slice_format(slice, text + length,
				    sizeof(text) - (size_t)length);
	if (err < 0)
		return err;
	err = variable_add(variables, count, "BARLEASE_0", text);
	if (!err)
		err = variable_add(variables, count, "LISTEN_FDS", "1");
	if (!err)
		err = variable_add(variables, count, "LISTEN_FDNAMES", "lease");
	return err;
}

static int user_add(char **variables, size_t *count,
		    const struct spawn_user *user)
{
	int err;

	err = variable_add(variables, count, "HOME", user->home);
	if (!err)
		err = variable_add(variables, count, "SHELL", user->shell);
	if (!err)
		err = variable_add(variables, count, "USER", user->name);
	if (!err)
		err = variable_add(variables, count, "LOGNAME", user->name);
	return err;
}

int spawn_environment_make(const struct barlease_slice *slice,
			   const struct spawn_user *user,
			   struct spawn_environment *environment)
{
	static const char pid_name[] = "LISTEN_PID=";
	size_t count = 0;
	char *pid;
	int err;

	while (environ && environ[count])
		count++;
	environment->variables =
		calloc(count + VARIABLES_ADDED, sizeof(char *));
	if (!environment->variables)
		return -ENOMEM;

	count = 0;
	for (char **from = environ; from && *from; from++) {
		if (is_replaced(*from, user))
			continue;
		environment->variables[count] = strdup(*from);
		if (!environment->variables[count])
			goto err_memory;
		count++;
	}

	pid = calloc(1, sizeof(pid_name) + SPAWN_PID_ROOM);
	if (!pid)
		goto err_memory;
	strcpy(pid, pid_name);
	environment->variables[count++] = pid;
	environment->pid = pid + strlen(pid_name);

	err = lease_add(environment->variables, &count, slice);
	if (!err && user)
		err = user_add(environment->variables, &count, user);
	if (err)
		spawn_environment_free(environment);
	return err;

err_memory:
	spawn_environment_free(environment);
	return -ENOMEM;
}

void spawn_environment_free(struct spawn_environment *environment)
{
	char **variable = environment->variables;

	while (variable && *variable)
		free(*variable++);
	free(environment->variables);
	memset(environment, 0, sizeof(*environment));
}
