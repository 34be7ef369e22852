// SPDX-License-Identifier: MIT
/* What a lease server promises, as simply as it can be said. */
#include <errno.h>

#include "world.h"

static uint64_t size_of(const struct model_offer *offer)
{
	return offer->terms.range.length / offer->count;
}

/* Whether it can ever have it: 0 or why not. */
int rule_fit(unsigned int client, unsigned int offer,
	     enum barlease_access access, enum barlease_attribute attribute,
	     uint64_t minimum)
{
	const struct model_offer *what = &world.offers[offer];

	if (!what->there || what->removed ||
	    !what->shown[world.clients[client].listener])
		return ENOENT;
	if (access == BARLEASE_READ_WRITE &&
	    what->terms.access == BARLEASE_READ_ONLY)
		return EACCES;
	if (attribute == BARLEASE_WRITE_COMBINING &&
	    what->terms.attribute == BARLEASE_NON_CACHED)
		return EOPNOTSUPP;
	if (minimum > size_of(what))
		return ERANGE;
	if (world.devices[what->device].lost)
		return ENODEV;
	return 0;
}

static int fit_request(const struct model_request *request, unsigned int offer)
{
	return rule_fit(request->client, offer, request->access,
			request->attribute, request->minimum);
}

/* How many of its slices may be lent now. */
uint32_t rule_free(unsigned int offer)
{
	const struct model_offer *what = &world.offers[offer];
	uint32_t count = 0;

	if (!what->there || what->removed ||
	    world.devices[what->device].away || world.devices[what->device].lost)
		return 0;
	for (uint32_t index = 0; index < what->count; index++) {
		uint32_t leases = 0;
		bool stuck = false;

		for (unsigned int i = 0; i < world.lease_count; i++) {
			const struct model_lease *lease = &world.leases[i];

			if (lease->offer != offer || lease->index != index)
				continue;
			leases += lease->live;
			stuck |= lease->stuck;
		}
		count += !stuck && leases < what->terms.sharers;
	}
	return count;
}

static bool same(unsigned int a, unsigned int b, unsigned int identity)
{
	const struct model_client *one = &world.clients[a];
	const struct model_client *other = &world.clients[b];

	switch (identity) {
	case 0:
		return one->uid == other->uid;
	case 1:
		return one->gid == other->gid;
	default:
		return one->cgroup == other->cgroup;
	}
}

/* Whether it may have one more of it. */
bool rule_quota(unsigned int client, unsigned int offer)
{
	const struct barlease_server_offer *terms = &world.offers[offer].terms;
	const uint32_t limits[] = { terms->max_per_uid, terms->max_per_gid,
				    terms->max_per_cgroup };

	for (unsigned int identity = 0; identity < 3; identity++) {
		uint32_t used = 0;

		for (unsigned int i = 0; i < world.lease_count; i++)
			used += world.leases[i].live &&
				world.leases[i].offer == offer &&
				same(client, world.leases[i].client, identity);
		for (unsigned int i = 0; i < REQUESTS; i++)
			used += world.requests[i].waiting &&
				world.requests[i].offer == offer &&
				same(client, world.requests[i].client,
				     identity);
		if (limits[identity] && used >= limits[identity])
			return false;
	}
	return true;
}

static unsigned int waiting(unsigned int client, unsigned int offer)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < REQUESTS; i++)
		count += world.requests[i].waiting &&
			 (client == CLIENTS ||
			  world.requests[i].client == client) &&
			 (offer > ANY || world.requests[i].offer == offer);
	return count;
}

/* The best that any offer can do: the later an obstacle, the more it says. */
static int answer_any(unsigned int client,
		      const struct barlease_packet_request *request,
		      bool *quota, bool *free)
{
	static const int order[] = { ENOENT, EACCES, EOPNOTSUPP, ERANGE,
				     ENODEV, 0 };
	unsigned int best = 0;

	*quota = false;
	*free = false;
	for (unsigned int i = 0; i < OFFERS; i++) {
		int err = rule_fit(client, i, request->access,
				   request->attribute, request->minimum);

		for (unsigned int at = 0; at < 6; at++)
			if (order[at] == err && at > best)
				best = at;
		if (!err && rule_quota(client, i)) {
			*quota = true;
			*free |= rule_free(i) > 0;
		}
	}
	return order[best];
}

static int answer_wait(unsigned int client, unsigned int offer,
		       const struct barlease_packet_request *request)
{
	if (!request->wait)
		return offer != ANY &&
				       world.devices[world.offers[offer].device]
					       .away
			       ? ENODEV
			       : EBUSY;
	if (waiting(client, ANY + 1) >= BARLEASE_REQUESTS_MAX)
		return EDQUOT;
	if (offer != ANY && world.offers[offer].terms.max_waiting &&
	    waiting(CLIENTS, offer) >= world.offers[offer].terms.max_waiting)
		return EBUSY;
	return -2;
}

int rule_answer(unsigned int client, unsigned int offer,
		const struct barlease_packet_request *request)
{
	bool quota, free;
	int err;

	if (world.deny)
		return world.deny;
	if (offer == ANY) {
		err = answer_any(client, request, &quota, &free);
	} else {
		err = rule_fit(client, offer, request->access,
			       request->attribute, request->minimum);
		quota = !err && rule_quota(client, offer);
		free = rule_free(offer);
	}
	if (err)
		return err;
	if (!quota)
		return EDQUOT;
	return free ? -1 : answer_wait(client, offer, request);
}

/* Whether somebody waits for what he could have. */
static void check_request(const struct model_request *request)
{
	int err = ENOENT;

	CHECK(request->due > world.now, "a request waits for too long");
	CHECK(world.clients[request->client].there,
	      "a request of nobody waits");
	for (unsigned int i = 0; i < OFFERS; i++) {
		int fit;

		if (request->offer != ANY && request->offer != i)
			continue;
		fit = fit_request(request, i);
		if (!fit)
			err = 0;
		/* By name, it counts in what it may have. */
		CHECK(fit || !rule_free(i) ||
			      (request->offer == ANY &&
			       !rule_quota(request->client, i)),
		      "request %u of %u waits for %s, which is free",
		      request->serial, request->client, world.offers[i].name);
	}
	CHECK(!err, "a request waits for what it cannot have");
}

/* The position that it ought to have been told. */
static uint32_t position_of(const struct model_request *request)
{
	uint32_t position = 1;

	for (unsigned int i = 0; i < REQUESTS; i++) {
		const struct model_request *other = &world.requests[i];

		if (!other->waiting || other->offer != request->offer ||
		    other->order >= request->order)
			continue;
		position += request->offer != ANY ||
			    other->client == request->client;
	}
	return position;
}

void rules_check_still(void)
{
	unsigned int leases = 0;

	for (unsigned int i = 0; i < REQUESTS; i++) {
		const struct model_request *request = &world.requests[i];

		if (!request->waiting)
			continue;
		check_request(request);
		if (!world.clients[request->client].lazy)
			CHECK(request->told == position_of(request),
			      "it thinks that it is at %u, not %u",
			      request->told, position_of(request));
	}
	for (unsigned int i = 0; i < world.lease_count; i++) {
		const struct model_lease *lease = &world.leases[i];

		leases += lease->live || lease->stuck;
		if (!lease->live)
			continue;
		CHECK(lease->due > world.now, "lease %u is over",
		      (unsigned int)lease->id);
		CHECK(world.clients[lease->client].there,
		      "lease %u is nobody's", (unsigned int)lease->id);
		CHECK(!lease->to_release && !lease->to_revoke,
		      "lease %u should have ended", (unsigned int)lease->id);
		CHECK(!world.devices[world.offers[lease->offer].device].lost,
		      "lease %u is of a lost device", (unsigned int)lease->id);
	}
	CHECK(leases == fake_leases(), "%u leases, and %u in the kernel",
	      leases, fake_leases());
	CHECK(world.called_grants == world.told_grants,
	      "%u grants were called, %u told",
	      (unsigned int)world.called_grants,
	      (unsigned int)world.told_grants);
}
