// SPDX-License-Identifier: MIT
/* Who may have it: "user:alice group:accel cgroup:/system.slice/app-*.service" */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "policy/reading.h"
#include "policy/value.h"

#define BLANKS " \t"

static const char no_user[] = "there is no such user on this machine";
static const char no_group[] = "there is no such group on this machine";

static const char *user_find(const char *name, uint32_t *id)
{
	const struct passwd *user;

	if (!value_id(name, id))
		return NULL;
	user = getpwnam(name);
	if (!user)
		return no_user;
	*id = user->pw_uid;
	return NULL;
}

static const char *group_find(const char *name, uint32_t *id)
{
	const struct group *group;

	if (!value_id(name, id))
		return NULL;
	group = getgrnam(name);
	if (!group)
		return no_group;
	*id = group->gr_gid;
	return NULL;
}

/* What could never match is a slip. */
static const char *pattern_check(const char *pattern)
{
	size_t length = strlen(pattern);

	if (pattern[0] != '/')
		return "the path of a cgroup begins with /";
	if (length > 1 && pattern[length - 1] == '/')
		return "the path of a cgroup does not end with /";
	return NULL;
}

/* Return: what is wrong, or NULL. */
static const char *word_read(const char *word, struct policy_allow *allow,
			     bool *failed)
{
	if (!strcmp(word, "anyone")) {
		allow->who = POLICY_ANYONE;
		return NULL;
	}
	if (!strncmp(word, "user:", 5)) {
		allow->who = POLICY_USER;
		return user_find(word + 5, &allow->id);
	}
	if (!strncmp(word, "group:", 6)) {
		allow->who = POLICY_GROUP;
		return group_find(word + 6, &allow->id);
	}
	if (!strncmp(word, "cgroup:", 7)) {
		const char *wrong = pattern_check(word + 7);

		if (wrong)
			return wrong;
		allow->who = POLICY_CGROUP;
		allow->pattern = strdup(word + 7);
		if (!allow->pattern)
			*failed = true;
		return NULL;
	}
	return "none of user:NAME, group:NAME, cgroup:PATTERN and anyone";
}

static void word_take(struct reading *reading, const struct raw_entry *entry,
		      char *word)
{
	const struct raw_entry one = { entry->line, entry->key, word };
	struct policy_offer *offer = reading->offer;
	struct policy_allow allow = { 0 };
	struct policy_allow *list;
	const char *wrong;

	if (offer->allow_count == POLICY_ALLOW_MAX) {
		reading_wrong(reading, &one, "more than %d in one section",
			      POLICY_ALLOW_MAX);
		return;
	}
	wrong = word_read(word, &allow, &reading->failed);
	if (reading->kept && (wrong == no_user || wrong == no_group))
		return;
	if (wrong) {
		reading_wrong(reading, &one, "%s", wrong);
		return;
	}
	if (reading->failed) {
		free(allow.pattern);
		return;
	}
	list = reallocarray(offer->allow, offer->allow_count + 1,
			    sizeof(*list));
	if (!list) {
		free(allow.pattern);
		reading->failed = true;
		return;
	}
	list[offer->allow_count++] = allow;
	offer->allow = list;
}

void take_allow(struct reading *reading, const struct raw_entry *entry)
{
	char words[POLICY_LINE_MAX + 1];
	char *word, *rest;

	strcpy(words, entry->value);
	word = strtok_r(words, BLANKS, &rest);
	for (; word; word = strtok_r(NULL, BLANKS, &rest))
		word_take(reading, entry, word);
}
