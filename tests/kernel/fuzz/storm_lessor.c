// SPDX-License-Identifier: MIT
/* A lessor in the storm. */
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"

#define NONE UINT32_MAX

struct lessor {
	struct storm *storm;
	struct worker worker;
	struct random random;
	unsigned int device;
	uint32_t leases[SLOTS]; /* of the slots */
	uint32_t first; /* lease of this opening */
};

static void op_init(struct lessor *lessor, struct op *op, enum op_kind kind)
{
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->worker = lessor->worker.number;
	op->arg[A_DEV] = lessor->device;
	op->arg[A_READABLE] = READABLE_ALL;
	op->arg[A_SLOT] = random_below(&lessor->random, SLOTS);
	op->arg[A_SIZE] = 2;
	op->arg[A_OPERATION] = VFIO_DEVICE_FEATURE_SET;
}

static void fill_with_tags(struct lessor *lessor)
{
	uint64_t size = lessor->storm->shared->bar_size[lessor->device];
	struct barlease_map map;
	uint64_t page, i, *word;

	if (barlease_region_map(lessor->worker.opened[lessor->device],
				fuzz_bar(lessor->device), 0, size,
				PROT_READ | PROT_WRITE, &map))
		abort();
	for (page = 0; page < size / PAGE; page++) {
		word = (uint64_t *)((char *)map.address + page * PAGE);
		for (i = 0; i < PAGE / sizeof(*word); i++)
			word[i] = storm_word(lessor->device, page * PAGE);
		lessor->storm->shared->dirty[lessor->device][page] = true;
	}
	barlease_map_end(&map);
}

static void open_it(struct lessor *lessor)
{
	struct result result;
	struct op op;

	op_init(lessor, &op, OP_OPEN);
	storm_act(lessor->storm, &lessor->worker, &op, &result);
	if (result.error)
		storm_fail(lessor->storm, "the device does not open: error %d",
			   result.error);
	lessor->first = lessor->storm->nr_leases;
}

/* All leases of this device that there are have ended. */
static void close_it(struct lessor *lessor)
{
	struct storm *storm = lessor->storm;
	struct result result;
	struct op op;
	uint32_t i;

	op_init(lessor, &op, OP_CLOSE_DEVICE);
	storm_act(storm, &lessor->worker, &op, &result);
	for (i = lessor->first; i < storm->nr_leases; i++)
		if (storm->leases[i].device == lessor->device)
			atomic_store(&storm->leases[i].ended, true);
}

static void export_one(struct lessor *lessor, struct op *op)
{
	struct storm *storm = lessor->storm;
	struct random *random = &lessor->random;
	uint64_t pages = storm->shared->bar_size[lessor->device] / PAGE;
	struct storm_lease *lease;
	struct result result;
	uint32_t number;
	int copies;

	number = atomic_fetch_add(&storm->nr_leases, 1);
	if (number >= STORM_LEASES) {
		atomic_store(&storm->stop, true);
		return;
	}
	lease = &storm->leases[number];
	lease->device = lessor->device;
	lease->pages = 1 + (uint32_t)random_below(random, 8);
	lease->first_page = (uint32_t)random_below(random, pages - 8);
	if (random_chance(random, 20)) {
		lease->pages = 512;
		lease->first_page =
			(uint32_t)random_below(random, pages / 512) * 512;
	}
	lease->open_flags = random_chance(random, 25) ? O_RDONLY : O_RDWR;

	op->arg[A_OPERATION] = VFIO_DEVICE_FEATURE_GET;
	op->arg[A_BAR] = fuzz_bar(lessor->device);
	op->arg[A_OPEN_FLAGS] = lease->open_flags | O_CLOEXEC;
	op->arg[A_NR] = 1;
	op->arg[A_RANGES] = lease->first_page * PAGE;
	op->arg[A_RANGES + 1] = lease->pages * PAGE;
	storm_act(storm, &lessor->worker, op, &result);
	if (result.error) {
		storm_fail(storm, "an export fails: error %d", result.error);
		return;
	}
	lessor->leases[op->arg[A_SLOT]] = number;
	for (copies = 0; copies < 2; copies++)
		storm_send(storm,
			   (unsigned int)random_below(random, STORM_BORROWERS),
			   number, (int)result.value);
}

static void revoke_one(struct lessor *lessor, const struct op *op)
{
	struct result result;

	storm_act(lessor->storm, &lessor->worker, op, &result);
	if (!result.error && lessor->leases[op->arg[A_SLOT]] != NONE)
		atomic_store(&lessor->storm
				      ->leases[lessor->leases[op->arg[A_SLOT]]]
				      .ended,
			     true);
}

static void turn(struct lessor *lessor)
{
	static const enum op_kind kinds[] = {
		OP_EXPORT, OP_EXPORT, OP_EXPORT, OP_EXPORT,
		OP_REVOKE, OP_REVOKE, OP_REVOKE, OP_MEMATTR,
		OP_INFO,   OP_REGION, OP_MEMORY, OP_POWER, /* events */
	};
	unsigned int count = sizeof(kinds) / sizeof(*kinds);
	struct random *random = &lessor->random;
	struct result result;
	struct op op;

	if (!lessor->storm->events)
		count -= 2;
	op_init(lessor, &op, kinds[random_below(random, count)]);
	if (lessor->storm->events && random_chance(random, 1))
		op.kind = random_chance(random, 50) ? OP_RESET : OP_FLR;
	switch (op.kind) {
	case OP_EXPORT:
		export_one(lessor, &op);
		return;
	case OP_REVOKE:
		revoke_one(lessor, &op);
		return;
	case OP_INFO:
		op.arg[A_OPERATION] = VFIO_DEVICE_FEATURE_GET;
		op.arg[A_NR] = 4;
		break;
	case OP_MEMATTR:
		op.arg[A_VALUE] = random_below(random, 2);
		break;
	case OP_MEMORY:
	case OP_POWER:
		/* Away for a moment. */
		op.arg[A_VALUE] = op.kind == OP_POWER;
		storm_act(lessor->storm, &lessor->worker, &op, &result);
		op.arg[A_VALUE] = op.kind == OP_MEMORY;
		break;
	case OP_REGION:
		op.arg[A_OFFSET] = random_below(random, 64) * PAGE;
		break;
	default:
		break;
	}
	storm_act(lessor->storm, &lessor->worker, &op, &result);
}

void storm_lessor(struct storm *storm, unsigned int device, uint64_t seed)
{
	struct lessor lessor = {
		.storm = storm,
		.random = { seed },
		.device = device,
	};
	unsigned int i;

	worker_init(&lessor.worker, device, storm->shared);
	memset(lessor.leases, -1, sizeof(lessor.leases));
	open_it(&lessor);
	if (!atomic_load(&storm->failed))
		fill_with_tags(&lessor);
	while (!atomic_load(&storm->stop)) {
		for (i = 0; i < 200 && !atomic_load(&storm->stop); i++)
			turn(&lessor);
		if (!storm->events)
			continue;
		close_it(&lessor);
		open_it(&lessor);
	}
	close_it(&lessor);
	_exit(0);
}
