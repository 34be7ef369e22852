// SPDX-License-Identifier: MIT
#include "limit.h"

#define PRICE (1000 / LIMIT_PER_SECOND) /* milliseconds of a line */
#define CREDIT (LIMIT_BURST * PRICE)

bool limit_take(struct limit *limit, uid_t user, uint64_t now,
		uint64_t *kept_back)
{
	struct limit_user *one = &limit->users[user % LIMIT_USERS];

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
