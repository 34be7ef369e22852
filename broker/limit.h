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

/* Users with one remainder share what they may. */
#define LIMIT_USERS 64

struct limit_user {
	uint64_t since; /* milliseconds: its lines so far are paid up to then */
	uint64_t kept_back;
};

struct limit {
	struct limit_user users[LIMIT_USERS];
};

/**
 * limit_take() - may a line about a user be written?
 * @limit: what was so far; all zero is nothing
 * @user: user
 * @now: milliseconds of any clock that does not go back
 * @kept_back: where to put how many were not since the last one that was
 */
bool limit_take(struct limit *limit, uid_t user, uint64_t now,
		uint64_t *kept_back);

#endif /* BROKER_LIMIT_H */
