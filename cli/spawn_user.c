// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "spawn.h"
#include "spawn_internal.h"

static int groups_find(struct spawn_user *user)
{
	gid_t *larger;
	int room = 32;

	for (;;) {
		larger = reallocarray(user->groups, (size_t)room,
				      sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		user->groups = larger;
		user->groups_count = room;
		if (getgrouplist(user->name, user->gid, user->groups,
				 &user->groups_count) >= 0)
			return 0;
		/* It says how many it wants; twice as many cannot loop. */
		room *= 2;
	}
}

static int entry_copy(const struct passwd *entry, struct spawn_user *user)
{
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	user->name = strdup(entry->pw_name);
	user->home = strdup(entry->pw_dir);
	user->shell = strdup(entry->pw_shell);
	if (!user->name || !user->home || !user->shell)
		return -ENOMEM;
	return groups_find(user);
}

/* A user's number is plain: with a suffix, 1K would be somebody. */
static int number_read(const char *text, uid_t *uid)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -ENOENT;
	errno = 0;
	number = strtoull(text, &end, 10);
	/* (uid_t)-1 means "leave it as it is" to setresuid(). */
	if (errno || *end || number >= (uid_t)-1)
		return -ENOENT;
	*uid = (uid_t)number;
	return 0;
}

int spawn_user_find(const char *text, struct spawn_user *user)
{
	const struct passwd *entry;
	uid_t uid;
	int err;

	memset(user, 0, sizeof(*user));
	entry = getpwnam(text);
	if (!entry) {
		err = number_read(text, &uid);
		if (err)
			return err;
		/* Without an entry there is no telling which groups it has. */
		entry = getpwuid(uid);
		if (!entry)
			return -ENOENT;
	}
	err = entry_copy(entry, user);
	if (err)
		spawn_user_free(user);
	return err;
}

void spawn_user_free(struct spawn_user *user)
{
	free(user->groups);
	free(user->name);
	free(user->home);
	free(user->shell);
	memset(user, 0, sizeof(*user));
}

bool spawn_user_exists(const char *user)
{
	struct spawn_user found;

	if (spawn_user_find(user, &found) == -ENOENT)
		return false;
	/* Any other error is the business of those who want to become it. */
	spawn_user_free(&found);
	return true;
}
