/* SPDX-License-Identifier: MIT */
/* How often who asks in vain is told of in the log. */
#ifndef BROKER_LIMIT_H
#define BROKER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Lines of a user at once, and then in a second. */
#define LIMIT_BURST 20
#define LIMIT_PER_SECOND 2

/*
 * Users that are told apart. They are those whose lines of the last seconds count
 * still; where there are more, the rest share what one of them may.
 */
#define LIMIT_USERS 256

struct limit_user {
	uint64_t since; /* milliseconds: its lines so far are paid up to then */
	uint64_t kept_back;
	uid_t user;
};

struct limit {
	struct limit_user users[LIMIT_USERS];
	struct limit_user others;
};

/**
 * limit_take() - may a line about a user be written?
 * @limit: what was so far; all zero is nothing
 * @user: user
 * @now: milliseconds of any clock that does not go back
 * @kept_back: where to put how many were not since the last one that was; of
 *	users who share, of all of them. A user who has long been forgotten has
 *	none.
 */
bool limit_take(struct limit *limit, uid_t user, uint64_t now,
		uint64_t *kept_back);

#endif /* BROKER_LIMIT_H */
