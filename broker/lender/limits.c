// SPDX-License-Identifier: MIT
/* How many may be connected at a time. */
#include <sys/resource.h>

#include "lender/lender.h"

/*
 * Where the policy does not say. A user who connects that often and has a lease
 * each time leaves others three quarters of what the service can keep
 * (--keep=4096).
 */
#define CONNECTIONS 8192
#define CONNECTIONS_PER_USER 512

/* Each takes two fds, and a third is for leases. */
static uint32_t connections_max(void)
{
	struct rlimit fds;

	if (getrlimit(RLIMIT_NOFILE, &fds) < 0 ||
	    fds.rlim_cur / 3 >= CONNECTIONS)
		return CONNECTIONS;
	return fds.rlim_cur < 3 ? 1 : (uint32_t)(fds.rlim_cur / 3);
}

void lender_limit(struct lender *lender, const struct policy *policy)
{
	uint32_t max = policy->connections_max;
	uint32_t per_user = policy->connections_max_per_user;

	if (!max)
		max = connections_max();
	if (!per_user)
		per_user = max - max / 4 < CONNECTIONS_PER_USER ?
				   max - max / 4 :
				   CONNECTIONS_PER_USER;
	barlease_server_limit_lessees(lender->server, max, per_user);
}
