// SPDX-License-Identifier: MIT
/* Who may have what. */
#include <errno.h>
#include <fnmatch.h>

#include "lender/lender.h"

static bool in_group(const struct barlease_server_lessee *lessee, gid_t group)
{
	if (lessee->gid == group)
		return true;
	for (size_t i = 0; i < lessee->group_count; i++)
		if (lessee->groups[i] == group)
			return true;
	return false;
}

/*
 * A * does not go beyond a /: who may make cgroups below his own must not get
 * what is meant for those beside it. A \ is one: names of units have them.
 */
static bool matches(const char *pattern, const char *cgroup)
{
	return !fnmatch(pattern, cgroup, FNM_PATHNAME | FNM_NOESCAPE);
}

bool lender_may(const struct policy_offer *offer,
		const struct barlease_server_lessee *lessee)
{
	for (size_t i = 0; i < offer->allow_count; i++) {
		const struct policy_allow *allow = &offer->allow[i];

		if (allow->who == POLICY_ANYONE ||
		    (allow->who == POLICY_USER && lessee->uid == allow->id) ||
		    (allow->who == POLICY_GROUP &&
		     in_group(lessee, allow->id)) ||
		    (allow->who == POLICY_CGROUP &&
		     matches(allow->pattern, lessee->cgroup)))
			return true;
	}
	return false;
}

const char *lender_cgroup_unknown(const struct barlease_server_lessee *lessee)
{
	if (lessee->cgroup[0])
		return NULL;
	switch (-lessee->cgroup_error) {
	case EACCES:
	case ENOENT:
	case EPERM:
		return "/proc does not show barleased the process (hidepid=)";
	case ESRCH:
		return "the process is in no pid namespace that /proc shows";
	case EXDEV:
		return "it is outside of barleased's cgroup namespace";
	case ENODATA:
		return "the process is in none of the unified hierarchy";
	case ESTALE:
		return "it was moved to another one before it was its turn";
	case ENAMETOOLONG:
		return "its path is too long";
	case 0:
		return "it was not kept over the restart";
	}
	return "/proc cannot be read";
}

const struct policy_offer *lender_offer(const struct lender *lender,
					uint64_t id)
{
	const struct setup *setup = lender->setup;

	for (size_t i = 0; setup && i < setup->policy->offer_count; i++)
		if (setup->offers[i] == id)
			return &setup->policy->offers[i];
	return NULL;
}

static int lease_review(void *context,
			const struct barlease_server_lessee *lessee,
			const struct barlease_server_lease *lease)
{
	const struct lender *lender = context;
	const struct policy_offer *offer = lender_offer(lender, lease->offer);

	/*
	 * What is offered no longer is recalled as it is. What is recalled already
	 * may have more time than the policy gives, or no end.
	 */
	if (!offer || !lessee)
		return 0;
	if (lender_may(offer, lessee) &&
	    (lease->access == BARLEASE_READ_ONLY ||
	     offer->terms.access == BARLEASE_READ_WRITE) &&
	    (lease->attribute == BARLEASE_NON_CACHED ||
	     offer->terms.attribute == BARLEASE_WRITE_COMBINING))
		return 0;
	barlease_server_recall(lender->server, lease->id,
			       BARLEASE_GRACE_OF_OFFER);
	return 0;
}

void leases_review(struct lender *lender)
{
	barlease_server_each_lease(lender->server, lease_review, lender);
}
