// SPDX-License-Identifier: MIT
#include "operators/control.h"

void view_who(const struct barlease_server_lessee *lessee,
	      struct control_who *who)
{
	/* Nobody has what is stuck. */
	if (!lessee) {
		who->uid = CONTROL_UNKNOWN;
		who->gid = CONTROL_UNKNOWN;
		return;
	}
	who->pid = (uint32_t)lessee->pid;
	who->uid = lessee->uid;
	who->gid = lessee->gid;
	control_text(who->command, sizeof(who->command), lessee->command);
	control_text(who->cgroup, sizeof(who->cgroup), lessee->cgroup);
}

void view_lease(const struct barlease_server_lessee *lessee,
		const struct barlease_server_lease *lease,
		struct control_lease *view)
{
	view->lease = lease->id;
	view->age = lease->age;
	view->time_left = lease->time_left;
	view->offset = lease->range.offset;
	view->size = lease->range.length;
	view->index = lease->index;
	view->bar = lease->bar;
	view->access = lease->access;
	view->attribute = lease->attribute;
	view->flags = (lease->recalled ? CONTROL_LEASE_RECALLED : 0) |
		      (lease->stuck ? CONTROL_LEASE_STUCK : 0);
	control_text(view->offer, sizeof(view->offer), lease->name);
	control_text(view->device, sizeof(view->device),
		     barlease_device_bdf(lease->device));
	view_who(lessee, &view->who);
}

static uint32_t flags_of(const struct barlease_server_offer_state *state)
{
	const struct barlease_server_offer *offer = state->offer;

	return (offer->sharers > 1 ? BARLEASE_OFFER_SHARED : 0) |
	       (offer->access == BARLEASE_READ_ONLY ? BARLEASE_OFFER_READ_ONLY :
						      0) |
	       (offer->attribute == BARLEASE_WRITE_COMBINING ?
			BARLEASE_OFFER_WRITE_COMBINING :
			0) |
	       (state->removed ? CONTROL_OFFER_REMOVED : 0);
}

void view_offer(const struct lender *lender,
		const struct barlease_server_offer_state *state,
		struct control_packet_offer *view)
{
	const struct policy_offer *policy = lender_offer(lender, state->id);
	const struct barlease_server_offer *offer = state->offer;
	int service = barlease_device_probe(state->device);

	control_text(view->name, sizeof(view->name), offer->name);
	control_text(view->device, sizeof(view->device),
		     barlease_device_bdf(state->device));
	if (policy)
		control_text(view->socket, sizeof(view->socket),
			     policy->socket);
	view->offset = offer->range.offset;
	view->length = offer->range.length;
	view->slice_size = offer->range.length / state->slices;
	view->time_limit = offer->time_limit;
	view->grace = offer->grace;
	view->bar = offer->bar;
	view->slices = state->slices;
	view->free = state->free;
	view->stuck = state->stuck;
	view->leases = state->leases;
	view->waiting = state->waiting;
	view->flags = flags_of(state);
	view->service = service < 0 ? 0 : (uint32_t)service;
}
