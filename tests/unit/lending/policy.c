// SPDX-License-Identifier: MIT
/* What the lessor does: his devices, and what he offers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

/* Each offer has a place of its own on one of the devices. */
#define PAGES_EACH 4

static void terms_fill(struct barlease_server_offer *terms)
{
	static const uint32_t quotas[] = { 0, 0, 0, 2, 3, 6 };
	static const uint64_t limits[] = { 0, 0, 100, 500 };

	terms->access = chance(5) ? BARLEASE_READ_WRITE : BARLEASE_READ_ONLY;
	terms->attribute =
		chance(2) ? BARLEASE_NON_CACHED : BARLEASE_WRITE_COMBINING;
	terms->sharers = chance(3) ? 1 : 2;
	terms->max_per_uid = quotas[chance(6)];
	terms->max_per_gid = quotas[chance(6)];
	terms->max_per_cgroup = quotas[chance(6)];
	terms->max_waiting = chance(3) ? 0 : 1 + chance(4);
	terms->time_limit = limits[chance(4)];
	terms->grace = chance(3) * 10;
}

/* More than one shares a page only where the terms say so, from now on. */
static void sharers_keep(const struct model_offer *offer,
			 struct barlease_server_offer *terms)
{
	if (terms->sharers < offer->terms.sharers)
		terms->sharers = offer->terms.sharers;
}

static void show(unsigned int offer, unsigned int listener)
{
	struct model_offer *what = &world.offers[offer];
	bool shown = what->shown[listener];
	int err;

	what->shown[listener] = true;
	err = barlease_server_show_offer(world.server, what->id,
					 world.listeners[listener]);
	CHECK(err == (shown ? -EALREADY : 0), "%d", err);
}

static void policy_show(unsigned int offer)
{
	if (!world.offers[offer].there || world.offers[offer].removed)
		return;
	world.changing = true;
	show(offer, chance(LISTENERS));
}

static void policy_add(unsigned int offer)
{
	struct model_offer *what = &world.offers[offer];
	int err;

	if (what->there && !what->removed)
		return;
	if (what->there) {
		struct barlease_server_offer same = what->terms;
		uint64_t id;

		err = barlease_server_add_offer(
			world.server, world.devices[what->device].device,
			&same, &id);
		CHECK(err == -EBUSY, "%d", err);
		return;
	}
	memset(what, 0, sizeof(*what));
	what->device = offer % DEVICES;
	snprintf(what->name, sizeof(what->name), "offer%u", offer);
	what->terms = (struct barlease_server_offer){
		.name = what->name,
		.bar = BAR,
		.range = { offer * (uint64_t)PAGES_EACH * PAGE,
			   PAGES_EACH * PAGE },
		.slice_size = (uint64_t)(1u << chance(3)) * PAGE,
	};
	terms_fill(&what->terms);
	what->count = (uint32_t)(what->terms.range.length /
				 what->terms.slice_size);
	err = barlease_server_add_offer(world.server,
					world.devices[what->device].device,
					&what->terms, &what->id);
	CHECK(!err, "%s", strerror(-err));
	what->there = true;
	world.changing = true;
	show(offer, chance(LISTENERS));
	policy_show(offer);
}

static void policy_change(unsigned int offer)
{
	struct model_offer *what = &world.offers[offer];
	struct barlease_server_offer terms = what->terms;
	int err;

	if (!what->there || what->removed)
		return;
	terms_fill(&terms);
	sharers_keep(what, &terms);
	what->terms = terms;
	world.changing = true;
	err = barlease_server_change_offer(world.server, what->id, &terms);
	CHECK(!err, "%s", strerror(-err));
}

static void recalled(unsigned int offer, uint64_t grace)
{
	uint64_t due = world.now + grace * 1000000;

	for (unsigned int i = 0; i < world.lease_count; i++) {
		struct model_lease *lease = &world.leases[i];

		if (!lease->live || lease->offer != offer ||
		    (due >= lease->due && grace))
			continue;
		lease->due = due;
		lease->due_by_recall = true;
	}
}

static void policy_remove(unsigned int offer)
{
	static const uint64_t graces[] = { 0, 20, BARLEASE_WAIT_FOR_EVER };
	struct model_offer *what = &world.offers[offer];
	uint64_t grace = graces[chance(3)];
	int err;

	if (!what->there || what->removed)
		return;
	what->removed = true;
	memset(what->shown, 0, sizeof(what->shown));
	if (grace != BARLEASE_WAIT_FOR_EVER)
		recalled(offer, grace);
	world.changing = true;
	err = barlease_server_remove_offer(world.server, what->id, grace);
	CHECK(!err, "%s", strerror(-err));
}

static void policy_hide(unsigned int offer)
{
	struct model_offer *what = &world.offers[offer];
	unsigned int listener = chance(LISTENERS);
	bool shown = what->shown[listener];
	int err;

	if (!what->there || what->removed)
		return;
	what->shown[listener] = false;
	world.changing = true;
	err = barlease_server_hide_offer(world.server, what->id,
					 world.listeners[listener]);
	CHECK(err == (shown ? 0 : -ENOENT), "%d", err);
}

static void device_away(struct model_device *device)
{
	bool away = device->away;
	int err;

	device->away = true;
	err = barlease_server_device_away(world.server, device->device);
	CHECK(err == (device->lost ? -ENODEV : away ? -EALREADY : 0), "%d",
	      err);
}

static void device_back(struct model_device *device)
{
	bool away = device->away;
	int err;

	device->away = false;
	err = barlease_server_device_back(world.server, device->device);
	CHECK(err == (device->lost ? -ENODEV : away ? 0 : -EALREADY), "%d",
	      err);
}

static void device_lose(struct model_device *device)
{
	int err = device->lost ? -EALREADY : 0;

	device->lost = true;
	world.changing = true;
	CHECK(barlease_server_device_lost(world.server, device->device) == err,
	      "not %d", err);
}

/* It was lost, and the lessor opens it anew. */
static void device_reopen(unsigned int lost)
{
	struct model_device *device = &world.devices[lost];
	int err;

	world.changing = true;
	for (unsigned int i = 0; i < OFFERS; i++)
		if (world.offers[i].there && world.offers[i].device == lost) {
			memset(world.offers[i].shown, 0,
			       sizeof(world.offers[i].shown));
			world.offers[i].removed = true;
		}
	for (unsigned int i = 0; i < world.lease_count; i++)
		if (world.offers[world.leases[i].offer].device == lost) {
			/* The kernel has it back when the device is closed. */
			if (world.leases[i].stuck)
				fake_closed(device->device);
			world.leases[i].stuck = false;
		}
	err = barlease_server_remove_device(world.server, device->device);
	CHECK(!err, "%d", err);
	err = barlease_server_add_device(world.server, device->device);
	CHECK(!err, "%d", err);
	device->lost = false;
	device->away = false;
}

/* What is not as usual does not stay for long. */
static bool mend(void)
{
	for (unsigned int i = 0; i < DEVICES; i++) {
		if (world.devices[i].lost && chance(2)) {
			device_reopen(i);
			return true;
		}
		if (world.devices[i].away && chance(2)) {
			device_back(&world.devices[i]);
			return true;
		}
	}
	for (unsigned int i = 0; i < OFFERS; i++)
		if (!world.offers[i].there ||
		    (world.offers[i].removed && !chance(4))) {
			policy_add(i);
			return true;
		}
	return false;
}

void step_policy(void)
{
	struct model_device *device = &world.devices[chance(DEVICES)];
	unsigned int offer = chance(OFFERS);

	if (mend())
		return;
	switch (chance(20)) {
	case 0:
		policy_add(offer);
		break;
	case 1:
	case 2:
		policy_remove(offer);
		break;
	case 3:
		policy_hide(offer);
		break;
	case 4:
	case 5:
	case 6:
		/* Those who do not read are told too often. */
		for (unsigned int i = chance(3); i > 0; i--) {
			device_away(device);
			device_back(device);
		}
		device_away(device);
		break;
	case 7:
		device_back(device);
		break;
	case 8:
		if (!chance(3))
			device_lose(device);
		break;
	case 9:
	case 10:
	case 11:
		policy_show(offer);
		break;
	default:
		policy_change(offer);
	}
}

void world_begin(uint64_t seed)
{
	const struct barlease_sim_terms device = {
		.name = "sim:random",
		.bar_size = { [BAR] = PAGES * PAGE },
	};
	const struct barlease_server_terms terms = {
		.calls = watch_calls,
		.now = watch_now,
		.packets_max = 1,
	};

	memset(&world, 0, sizeof(world));
	fake_reset();
	world.random = seed ? seed : 1;
	world.now = 1000000;
	CHECK(!barlease_server_create(&terms, &world.server), "create");
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct model_device *new = &world.devices[i];

		CHECK(!barlease_device_open_sim(&device, &new->device), "open");
		CHECK(!barlease_server_add_device(world.server, new->device),
		      "add");
	}
	for (unsigned int i = 0; i < LISTENERS; i++) {
		snprintf(world.paths[i], sizeof(world.paths[i]),
			 "/tmp/barlease-random-%d-%u", getpid(), i);
		CHECK(!barlease_server_listen(world.server, world.paths[i],
					      0600, &world.listeners[i]),
		      "%s", world.paths[i]);
	}
	for (unsigned int i = 0; i < OFFERS; i++)
		policy_add(i);
}

void world_end(void)
{
	/* Everything ends now, for another reason than during a step. */
	world.steps = 0;
	world.changing = true;
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (world.clients[i].there)
			watch_client_dead(i);
	barlease_server_destroy(world.server);
	for (unsigned int i = 0; i < world.lease_count; i++)
		CHECK(!world.leases[i].live, "lease %u did not end",
		      (unsigned int)world.leases[i].id);
	for (unsigned int i = 0; i < CLIENTS; i++)
		CHECK(!world.clients[i].there, "%u is still there", i);
	for (unsigned int i = 0; i < DEVICES; i++)
		barlease_device_close(world.devices[i].device);
}
