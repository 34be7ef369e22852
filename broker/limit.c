// SPDX-License-Identifier: MIT
#include "limit.h"

#include <stddef.h>

#define PRICE (1000 / LIMIT_PER_SECOND) /* milliseconds of a line */
#define CREDIT (LIMIT_BURST * PRICE)

/*
 * The place of a user, or one of somebody who may write all again, which is as if
 * nothing had been. Whoever may not keeps it: to be forgotten would be a way to
 * write more.
 */
static struct limit_user *user_find(struct limit *limit, uid_t user,
				    uint64_t settled)
{
	struct limit_user *found = NULL;

	for (unsigned int i = 0; i < LIMIT_USERS; i++) {
		struct limit_user *one = &limit->users[i];

		/* Of root, one that is nobody's is as good. */
		if (one->user == user)
			return one;
		if (one->since <= settled &&
		    (!found || one->since < found->since))
			found = one;
	}
	if (!found)
		return &limit->others;
	*found = (struct limit_user){ .user = user };
	return found;
}

bool limit_take(struct limit *limit, uid_t user, uint64_t now,
		uint64_t *kept_back)
{
	struct limit_user *one = user_find(limit, user, now);

	/* What is not used is not saved up. */
	now += CREDIT;
	if (one->since < now - CREDIT)
		one->since = now - CREDIT;
	if (one->since + PRICE > now) {
		one->kept_back++;
		return false;
	}
	one->since += PRICE;
	*kept_back = one->kept_back;
	one->kept_back = 0;
	return true;
}
