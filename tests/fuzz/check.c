// SPDX-License-Identifier: MIT
/* What is always true of a server, whatever was done to it. */
#include "world.h"

#define OFFERS_MAX 64

/* Of each page of the BAR and each user, as the server lists them. */
struct sums {
	struct world *world;
	uint32_t sharers[OFFERS * 4];
	uint32_t waiting, waiting_of_lessees;
	uint8_t listed[LEASES_MAX];
	/* Offers, of which those that were removed may be there yet, and what
	 * is left when what is listed has been taken off.
	 */
	struct {
		uint64_t id;
		uint32_t leases, waiting;
	} offers[OFFERS_MAX];
	unsigned int offer_count;
};

static int offer_see(void *context,
		     const struct barlease_server_offer_state *offer)
{
	struct sums *sums = context;

	promise(offer->free <= offer->slices && !offer->stuck);
	/* Nobody waits for what he could have. */
	promise(!offer->free || !offer->waiting);
	promise(!offer->removed || offer->leases);
	promise(sums->offer_count < OFFERS_MAX);
	sums->offers[sums->offer_count].id = offer->id;
	sums->offers[sums->offer_count].leases = offer->leases;
	sums->offers[sums->offer_count].waiting = offer->waiting;
	sums->offer_count++;
	return 0;
}

static unsigned int offer_find(const struct sums *sums, uint64_t id)
{
	unsigned int i = 0;

	while (i < sums->offer_count && sums->offers[i].id != id)
		i++;
	promise(i < sums->offer_count);
	return i;
}

static int lease_see(void *context, const struct barlease_server_lessee *lessee,
		     const struct barlease_server_lease *lease)
{
	struct sums *sums = context;
	uint64_t page = lease->range.offset / 4096;

	promise(!lease->stuck && lessee && lessee->leases);
	promise(page < OFFERS * 4);
	for (uint64_t i = 0; i < lease->range.length / 4096; i++)
		sums->sharers[page + i]++;
	sums->offers[offer_find(sums, lease->offer)].leases--;
	promise(lease->id && lease->id <= sums->world->last_lease);
	if (lease->id < LEASES_MAX) {
		promise(!sums->listed[lease->id]++);
		promise(sums->world->began[lease->id]);
		promise(!sums->world->ended[lease->id]);
	}
	return 0;
}

static int lessee_see(void *context,
		      const struct barlease_server_lessee *lessee)
{
	struct sums *sums = context;

	promise(lessee->waiting <= BARLEASE_REQUESTS_MAX);
	sums->waiting_of_lessees += lessee->waiting;
	return 0;
}

static int request_see(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_request *request)
{
	struct sums *sums = context;

	promise(lessee->waiting && request->position);
	sums->waiting++;
	if (request->offer)
		sums->offers[offer_find(sums, request->offer)].waiting--;
	return 0;
}

static void slices_check(const struct sums *sums)
{
	for (unsigned int page = 0; page < OFFERS * 4; page++)
		promise(sums->sharers[page] <=
			sums->world->sharers_max[page / 4]);
}

/* What a lessee has of a lease that the server does not list is of no use. */
static void held_check(const struct sums *sums, const struct client *client)
{
	for (unsigned int i = 0; i < client->held_count; i++) {
		const struct held *held = &client->held[i];
		uint64_t size;

		if (held->lease >= LEASES_MAX)
			continue;
		promise(!barlease_lease_size(held->fd, &size));
		promise(!!size == sums->listed[held->lease]);
	}
}

void world_check(struct world *world)
{
	struct sums sums = { .world = world };

	barlease_server_each_offer(world->server, offer_see, &sums);
	barlease_server_each_lease(world->server, lease_see, &sums);
	barlease_server_each_lessee(world->server, lessee_see, &sums);
	barlease_server_each_request(world->server, request_see, &sums);
	promise(sums.waiting == sums.waiting_of_lessees);
	for (unsigned int i = 0; i < sums.offer_count; i++)
		promise(!sums.offers[i].leases && !sums.offers[i].waiting);
	slices_check(&sums);
	for (unsigned int i = 0; i < CLIENTS; i++)
		held_check(&sums, &world->clients[i]);
}
