// SPDX-License-Identifier: MIT
/* How many may be connected at a time, and how often they may ask. */
#include <sys/resource.h>

#include "lender/lender.h"

/*
 * Where the policy does not say. A user who connects that often and has a lease
 * each time leaves others three quarters of what the service can keep
 * (--keep=4096).
 */
#define CONNECTIONS 8192
#define CONNECTIONS_PER_USER 512

/*
 * Each may be an fd that the service manager takes and drops again, and two lines
 * of the log. At once a user may ask ten times as often, which is enough for all
 * that he may have connected to connect, list and ask at the same moment.
 */
#define REQUESTS_PER_SECOND 200

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
	barlease_server_limit_requests(lender->server,
				       policy->requests_max ?
					       policy->requests_max :
					       REQUESTS_PER_SECOND);
}
