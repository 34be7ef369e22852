// SPDX-License-Identifier: MIT
/* The slices of an offer, and which of them can be lent. */
#include "server/server.h"

static uint32_t sharers(const struct server_offer *offer)
{
	return offer->terms.sharers ? offer->terms.sharers : 1;
}

/* Put it where it belongs: the one that was used last comes last. */
static void sort(struct server_offer *offer, struct server_slice *slice)
{
	if (!list_empty(&slice->free)) {
		list_remove(&slice->free);
		offer->free_count--;
	}
	if (!slice->stuck && slice->leases < sharers(offer)) {
		list_add_tail(&offer->free, &slice->free);
		offer->free_count++;
	}
}

struct barlease_range server_slice_range(const struct server_offer *offer,
					 uint32_t index)
{
	uint64_t length = offer->terms.range.length / offer->count;

	return (struct barlease_range){
		.offset = offer->terms.range.offset + index * length,
		.length = length,
	};
}

uint32_t server_slice_take(struct server_offer *offer)
{
	struct server_slice *slice =
		list_entry(offer->free.next, struct server_slice, free);

	server_slice_take_at(offer, (uint32_t)(slice - offer->slices));
	return (uint32_t)(slice - offer->slices);
}

void server_slice_take_at(struct server_offer *offer, uint32_t index)
{
	offer->slices[index].leases++;
	sort(offer, &offer->slices[index]);
}

void server_slice_give_back(struct server_offer *offer, uint32_t index)
{
	offer->slices[index].leases--;
	sort(offer, &offer->slices[index]);
}

void server_slice_set_stuck(struct server_offer *offer, uint32_t index,
			    bool stuck)
{
	if (stuck)
		offer->slices[index].stuck++;
	else
		offer->slices[index].stuck--;
	sort(offer, &offer->slices[index]);
}

void server_slices_sort(struct server_offer *offer)
{
	for (uint32_t i = 0; i < offer->count; i++)
		sort(offer, &offer->slices[i]);
}
