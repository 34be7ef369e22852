// SPDX-License-Identifier: MIT
/* What happens: time passes, the lessor wants something, or a lessee does. */
#include <errno.h>
#include <unistd.h>

#include "fds.h"
#include "world.h"

#define DISPATCHES_MAX 2000

void world_dispatch(struct world *world)
{
	int count = 0, err;

	/* It must come to an end. */
	do {
		err = barlease_server_dispatch(world->server);
		promise(err >= 0);
	} while (err && count++ < DISPATCHES_MAX);
	promise(!err);
}

static void dispatch_once(struct world *world)
{
	promise(barlease_server_dispatch(world->server) >= 0);
}

static void time_passes(struct world *world)
{
	static const uint64_t ms[] = { 1, 5, 20, 50, 100, 1000, 100000 };

	world->now += ms[input_byte(&world->input) %
			 (sizeof(ms) / sizeof(*ms))] *
		      1000000;
	world_dispatch(world);
}

static void fds_run_out(struct world *world)
{
	fuzz_fds_exhaust(true);
	dispatch_once(world);
	fuzz_fds_exhaust(false);
}

static void mood_changes(struct world *world)
{
	static const uint32_t rates[] = { 0, 1, 10, 1000 };

	world->mood = input_byte(&world->input);
	promise(!barlease_server_limit_requests(world->server,
						rates[world->mood >> 6]));
}

static void lease_ends(struct world *world)
{
	uint8_t how = input_byte(&world->input);
	uint64_t lease = world->last_lease - (how & 7u);

	if (how & 8)
		barlease_server_revoke(world->server, lease, how >> 4);
	else
		barlease_server_recall(world->server, lease, how >> 4);
}

static void offer_add(struct world *world, unsigned int which,
		      unsigned int listener)
{
	struct barlease_server_offer offer = world_offer(which);

	if (barlease_server_add_offer(world->server, world_device(), &offer,
				      &world->offers[which]))
		return;
	world->sharers_max[which] = 0;
	world_terms_set(world, which, &offer);
	barlease_server_show_offer(world->server, world->offers[which],
				   world->listeners[listener]);
}

static void offer_changes(struct world *world, unsigned int which)
{
	struct barlease_server_offer offer = world_offer(which);
	uint8_t how = input_byte(&world->input);

	offer.sharers = how & 3;
	offer.max_per_uid = how >> 2 & 3;
	offer.access = how >> 4 & 1;
	offer.max_waiting = how >> 5 & 1;
	offer.time_limit = how >> 6 & 1 ? 30 : 0;
	/* Leases that this lets begin do so within the call. */
	if (!barlease_server_change_offer(world->server, world->offers[which],
					  &offer))
		world_terms_set(world, which, &offer);
}

static void lessor_changes_offers(struct world *world)
{
	uint8_t what = input_byte(&world->input);
	unsigned int which = what % OFFERS, listener = what >> 7;
	uint64_t *offer = &world->offers[which];

	switch (what >> 4 & 7) {
	case 0:
		barlease_server_remove_offer(world->server, *offer, 0);
		break;
	case 1:
		barlease_server_remove_offer(world->server, *offer, 10);
		break;
	case 2:
		barlease_server_remove_offer(world->server, *offer,
					     BARLEASE_WAIT_FOR_EVER);
		break;
	case 3:
		barlease_server_hide_offer(world->server, *offer,
					   world->listeners[listener]);
		break;
	case 4:
		barlease_server_show_offer(world->server, *offer,
					   world->listeners[listener]);
		break;
	case 5:
		offer_changes(world, which);
		break;
	default:
		offer_add(world, which, listener);
		break;
	}
}

static void device_changes(struct world *world)
{
	struct barlease_device *device = world_device();

	switch (input_byte(&world->input) % 8) {
	case 0:
	case 1:
	case 2:
		barlease_server_device_away(world->server, device);
		break;
	case 3:
	case 4:
	case 5:
		barlease_server_device_back(world->server, device);
		break;
	case 6:
		barlease_server_device_lost(world->server, device);
		break;
	default:
		barlease_server_remove_device(world->server, device);
		barlease_server_add_device(world->server, device);
		for (unsigned int i = 0; i < OFFERS; i++)
			offer_add(world, i, i % 2);
		break;
	}
}

static void listener_changes(struct world *world)
{
	uint8_t which = input_byte(&world->input) % LISTENERS;
	int fd;

	if (!barlease_server_unlisten(world->server, world->listeners[which]))
		return;
	fd = world_listen(which);
	promise(!barlease_server_listen_fd(world->server, fd,
					   &world->listeners[which]));
	for (unsigned int i = 0; i < OFFERS; i++)
		barlease_server_show_offer(world->server, world->offers[i],
					   world->listeners[which]);
}

static void (*const steps[])(struct world *world) = {
	client_send, client_send, client_send, client_send,
	client_send, client_send, client_join, client_join,
	client_read, client_read, world_dispatch, dispatch_once,
	time_passes, client_close, client_die, client_shut_down,
	fds_run_out, mood_changes, lease_ends, lessor_changes_offers,
	device_changes, listener_changes, world_dispatch, client_send,
};

void world_step(struct world *world, uint8_t which)
{
	steps[which % (sizeof(steps) / sizeof(*steps))](world);
}
