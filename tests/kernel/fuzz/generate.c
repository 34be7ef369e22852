// SPDX-License-Identifier: MIT
#include "generate.h"

#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>

#include "act.h"
#include "pick.h"

/* How often each kind comes, in so many. */
static const unsigned int weights[OP_KINDS] = {
	[OP_OPEN] = 35,	    [OP_CLOSE_DEVICE] = 3, [OP_PASS_DEVICE] = 4,
	[OP_EXPORT] = 90,   [OP_REVOKE] = 40,	   [OP_MEMATTR] = 15,
	[OP_INFO] = 60,	    [OP_FEATURE] = 2,	   [OP_MEMORY] = 30,
	[OP_POWER] = 6,	    [OP_LOW_POWER] = 6,	   [OP_RESET] = 6,
	[OP_FLR] = 4,	    [OP_REGION] = 40,	   [OP_MAP] = 150,
	[OP_OPEN_SET] = 30, [OP_HOT_RESET] = 8,	   [OP_MAP_BAR] = 10,
	[OP_UNMAP] = 30,    [OP_PROTECT] = 30,	   [OP_MOVE] = 35,
	[OP_ADVISE] = 15,   [OP_LOCK] = 4,	   [OP_ACCESS] = 260,
	[OP_FORK] = 14,	    [OP_EXIT] = 6,	   [OP_SPAWN] = 30,
	[OP_PASS] = 50,	    [OP_DUP] = 10,	   [OP_CLOSE] = 20,
	[OP_REOPEN] = 8,    [OP_OTHER] = 2,	   [OP_SEEK] = 4,
	[OP_RW] = 4,	    [OP_POLL] = 4,	   [OP_BUFFER] = 8,
	[OP_REBIND] = 6,    [OP_ATTACH] = 30,	   [OP_DETACH] = 6,
	[OP_PEER_MAP] = 40, [OP_PEER_UNMAP] = 8,   [OP_PEER_STATE] = 6,
	[OP_DMA] = 20,	    [OP_ALLOW_PEERS] = 4,  [OP_YANK] = 2,
	[OP_PLUG] = 15,
};

/* Of those that can be done here. */
static enum op_kind pick_kind(struct random *random, const struct model *model)
{
	static unsigned int sum;
	unsigned int i;
	uint64_t left;

	if (!sum)
		for (i = 0; i < OP_KINDS; i++)
			if (model_knows(model, (enum op_kind)i))
				sum += weights[i];
	left = random_below(random, sum);
	for (i = 0;; i++) {
		if (!model_knows(model, (enum op_kind)i))
			continue;
		if (left < weights[i])
			return (enum op_kind)i;
		left -= weights[i];
	}
}

static void spoil_feature(struct random *random, struct op *op)
{
	uint64_t size =
		sizeof(struct vfio_device_feature) + op_feature_size(op);

	switch (random_below(random, 4)) {
	case 0:
		op->arg[A_ARGSZ] =
			PICK(random, -1ull, -8ull, -16ull, -17ull, -size,
			     -size + 7, -size + 8, 1, 8, 16, 64);
		break;
	case 1:
		op->arg[A_READABLE] = PICK(random, 0, 7, 8, 11, 12, 16, 23, 24,
					   size - 1, size - 8, size);
		break;
	case 2:
		op->arg[A_OPERATION] = PICK(
			random, 0, VFIO_DEVICE_FEATURE_GET,
			VFIO_DEVICE_FEATURE_SET,
			VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET,
			VFIO_DEVICE_FEATURE_PROBE,
			VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET,
			VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET,
			VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET |
				VFIO_DEVICE_FEATURE_SET,
			1u << (19 + random_below(random, 13)));
		break;
	default:
		op->arg[A_ARGSZ] = PICK(random, 8, 64);
	}
}

static void spoil_export(struct random *random, struct op *op)
{
	uint64_t *range =
		&op->arg[A_RANGES + 2 * random_below(random, GIVEN_RANGES)];

	switch (random_below(random, 10)) {
	case 0:
		op->arg[A_FLAGS] = 1ull << random_below(random, 32);
		break;
	case 1:
		op->arg[A_NR] = PICK(random, 0, 3, 64, 512, 513, 600);
		break;
	case 2:
		op->arg[A_BAR] =
			PICK(random, 0, 1, 3, 4, 5, 6, 7, 8, 9, UINT32_MAX);
		break;
	case 3:
		op->arg[A_OPEN_FLAGS] =
			PICK(random, 3, O_RDWR | O_NONBLOCK, O_PATH, O_WRONLY,
			     O_RDWR | O_SYNC, 1u << random_below(random, 32));
		break;
	case 4:
		range[0] = PICK(random, range[0] + 1, range[0] + 0x800,
				-(uint64_t)PAGE, -(uint64_t)PAGE * 16,
				1ull << 40, 1ull << 63, 4ull << 20, 16ull << 20,
				(16ull << 20) - PAGE, (4ull << 20) - PAGE);
		break;
	case 5:
		range[1] = PICK(random, 0, 1, 0xfff, PAGE + 1, -(uint64_t)PAGE,
				1ull << 40, (1ull << 40) + PAGE, 1ull << 63,
				4ull << 20, 16ull << 20, (16ull << 20) + PAGE);
		break;
	case 6:
		op->arg[A_NO_FDS] = 1;
		break;
	default:
		spoil_feature(random, op);
	}
}

static void generate_export(struct random *random, const struct model *model,
			    struct op *op)
{
	uint64_t pages = model->devices[op->arg[A_DEV]]
				 .facts.bar_size[fuzz_bar(op->arg[A_DEV])] /
			 PAGE;
	bool big = random_chance(random, 15) && pages >= 512;
	uint32_t i;

	op->arg[A_SLOT] = random_below(random, SLOTS);
	op->arg[A_BAR] = fuzz_bar(op->arg[A_DEV]);
	op->arg[A_OPEN_FLAGS] = PICK(random, O_RDWR, O_RDWR, O_RDWR, O_RDONLY) |
				PICK(random, 0, O_CLOEXEC);
	if (random_chance(random, 4))
		op->arg[A_OPEN_FLAGS] = O_WRONLY;
	op->arg[A_NR] = 1 + random_below(random, GIVEN_RANGES);
	if (random_chance(random, 5))
		op->arg[A_NR] = 1 + random_below(random, 64);
	for (i = 0; i < GIVEN_RANGES; i++) {
		uint64_t *range = &op->arg[A_RANGES + 2 * i];

		range[0] = random_below(random, 32) * PAGE;
		range[1] = (1 + random_below(random, 8)) * PAGE;
		/* Up to the end, or a page too far. */
		if (random_chance(random, 10)) {
			range[0] = (pages - 8) * PAGE;
			range[1] = PICK(random, 7, 8, 8, 9) * PAGE;
		}
		if (big) {
			range[0] =
				random_below(random, pages / 512) * 512 * PAGE;
			range[1] = 512 * PAGE;
		}
		if (i >= op->arg[A_NR])
			memset(range, 0, 2 * sizeof(*range));
	}
	if (random_chance(random, 30))
		spoil_export(random, op);
}

static void generate_feature(struct random *random, const struct model *model,
			     struct op *op)
{
	pick_lessor(random, model, op);
	op->arg[A_READABLE] = READABLE_ALL;
	op->arg[A_OPERATION] = VFIO_DEVICE_FEATURE_SET;
	op->arg[A_SLOT] = pick_slot(random, &model->processes[op->worker]);
	switch (op->kind) {
	case OP_EXPORT:
		op->arg[A_OPERATION] = VFIO_DEVICE_FEATURE_GET;
		generate_export(random, model, op);
		return;
	case OP_INFO:
		op->arg[A_OPERATION] = VFIO_DEVICE_FEATURE_GET;
		op->arg[A_NR] = PICK(random, 0, 1, 2, 3, 64, 64, 64);
		if (random_chance(random, 3))
			op->arg[A_NR] = PICK(random, 512, 513);
		op->arg[A_VALUE] = random_chance(random, 2);
		break;
	case OP_MEMATTR:
		op->arg[A_VALUE] = PICK(random, 0, 1, 1, 1);
		if (random_chance(random, 5))
			op->arg[A_VALUE] = PICK(random, 2, UINT32_MAX);
		break;
	case OP_FEATURE:
		op->arg[A_VALUE] =
			BARLEASE_FEATURE_BASE + PICK(random, 0, 4, 5, 255);
		return;
	case OP_LOW_POWER:
		op->arg[A_VALUE] = random_chance(
			random,
			model->devices[op->arg[A_DEV]].low_power ? 5 : 50);
		return;
	default:
		break;
	}
	if (random_chance(random, 12))
		spoil_feature(random, op);
}

/* Whoever has what was pulled out is to close it first. */
static void generate_plug(struct random *random, const struct model *model,
			  struct op *op)
{
	const struct device *device = &model->devices[HOTPLUG_DEVICE];

	op->worker = (uint32_t)random_below(random, LESSORS);
	op->arg[A_DEV] = HOTPLUG_DEVICE;
	if (op->kind == OP_PLUG && device->pulled && device->open)
		op->kind = OP_CLOSE_DEVICE;
	if (op->kind != OP_PLUG)
		pick_holder_of(model, op, HOTPLUG_DEVICE);
}

/* Another device reaches it; a moment that would seldom be hit. */
static bool is_time_to_yank(struct random *random, const struct model *model)
{
	const struct device *device = &model->devices[HOTPLUG_DEVICE];
	unsigned int i;

	if (!model_knows(model, OP_YANK) || device->pulled ||
	    !random_chance(random, 1))
		return false;
	for (i = 0; i < model->nr_importers; i++)
		if (model->importers[i]->mapped &&
		    model->importers[i]->lease->device == device)
			return true;
	return false;
}

static void generate_device(struct random *random, const struct model *model,
			    struct op *op)
{
	const struct device *device;

	if (op->kind == OP_OPEN) {
		op->worker = (uint32_t)random_below(random, LESSORS);
		op->arg[A_DEV] = random_below(random, RAM_DEVICES);
		op->arg[A_HOW] = model->devices[0].facts.has_iommufd
					 ? random_below(random, 2)
					 : random_chance(random, 5);
		return;
	}
	if (op_needs_host(op->kind)) {
		generate_plug(random, model, op);
		return;
	}
	if (op->kind == OP_REBIND) {
		op->arg[A_DEV] = random_below(random, DEVICES);
		return;
	}
	if (!random_chance(random, 3))
		pick_lessor(random, model, op);
	/* Others have no such thing. */
	if (op->kind == OP_FLR || op->kind == OP_POWER)
		pick_holder_of(model, op, HOTPLUG_DEVICE);
	device = &model->devices[op->arg[A_DEV]];
	op->arg[A_PEER] = random_below(random, WORKERS);
	op->arg[A_SIZE] = PICK(random, 1, 2, 2);
	/* What is off does not stay so for long. */
	op->arg[A_VALUE] =
		op->kind == OP_MEMORY
			? random_chance(random, device->on ? 65 : 95)
			: random_chance(random, device->asleep ? 3 : 50);
	if (op->kind != OP_REGION)
		return;
	op->arg[A_SIZE] = PICK(random, 1, 2, 3, 4, 5, 6, 7, 8);
	op->arg[A_OFFSET] = random_below(random, 40) * PAGE +
			    PICK(random, 0, 0, 8, 4090, 4095, 2048);
	op->arg[A_WRITE] = random_below(random, 2);
	op->arg[A_VALUE] = random_next(random);
}

static void generate_map(struct random *random, const struct model *model,
			 struct op *op)
{
	const struct lease *lease;
	uint64_t pages = 32;

	if (op->kind == OP_MAP_BAR)
		pick_lessor(random, model, op);
	else
		pick_lease(random, model, op);
	lease = model->processes[op->worker].slots[op->arg[A_SLOT]].lease;
	if (op->kind == OP_MAP && lease)
		pages = lease->pages;
	if (random_chance(random, 40))
		op->arg[A_OFFSET] = random_below(random, pages + 1);
	if (random_chance(random, 1))
		op->arg[A_OFFSET] = PICK(random, 1ull << 28, 1ull << 39);
	op->arg[A_COUNT] = 1 + random_below(random, 8);
	if (random_chance(random, 75) && op->arg[A_OFFSET] < pages)
		op->arg[A_COUNT] = pages - op->arg[A_OFFSET];
	if (random_chance(random, 1))
		op->arg[A_COUNT] = 0;
	if (op->arg[A_COUNT] > ARENA_PAGES)
		op->arg[A_COUNT] = ARENA_PAGES;
	op->arg[A_PAGE] = pick_page(random, op->arg[A_COUNT]);
	op->arg[A_HOW] = random_chance(random, 85);
	op->arg[A_PROT] = PICK(random, 0, PROT_READ, PROT_WRITE,
			       PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
			       PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE);
	if (lease && lease->access == O_RDONLY && random_chance(random, 80))
		op->arg[A_PROT] = PROT_READ;
	op->arg[A_FLAGS] = PICK(random, MAP_SHARED, MAP_SHARED, MAP_SHARED,
				MAP_SHARED, MAP_SHARED_VALIDATE);
	if (random_chance(random, 4))
		op->arg[A_FLAGS] = PICK(random, 0, MAP_PRIVATE);
	op->arg[A_SKEW] = random_chance(random, 1);
}

static void generate_memory(struct random *random, struct model *model,
			    struct op *op)
{
	const struct arena *arena;

	op->arg[A_PAGE] = pick_mapped(random, model, op);
	arena = &model->processes[op->worker].arena;
	op->arg[A_COUNT] = pick_extent(random, arena, op->arg[A_PAGE]);
	switch (op->kind) {
	case OP_PROTECT:
		op->arg[A_PROT] = PICK(random, 0, 1, 2, 3, 3);
		break;
	case OP_MOVE:
		op->arg[A_COUNT2] = op->arg[A_COUNT];
		if (random_chance(random, 30))
			op->arg[A_COUNT2] =
				random_below(random, op->arg[A_COUNT] + 2);
		op->arg[A_PAGE2] = pick_page(random, op->arg[A_COUNT2]);
		op->arg[A_FLAGS] = PICK(random, MREMAP_MAYMOVE | MREMAP_FIXED,
					MREMAP_MAYMOVE | MREMAP_FIXED,
					MREMAP_MAYMOVE | MREMAP_FIXED,
					MREMAP_FIXED, 0, 0, 8);
		if (random_chance(random, 4))
			op->arg[A_COUNT] = 0;
		break;
	case OP_ADVISE:
		op->arg[A_VALUE] =
			PICK(random, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE,
			     MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
			     MADV_DONTDUMP, MADV_DODUMP, MADV_COLD,
			     MADV_PAGEOUT, MADV_POPULATE_READ,
			     MADV_POPULATE_WRITE, 25 /* MADV_COLLAPSE */);
		break;
	case OP_LOCK:
		op->arg[A_VALUE] = random_below(random, 2);
		break;
	default:
		break;
	}
}

static void generate_access(struct random *random, struct model *model,
			    struct op *op)
{
	uint64_t page = pick_mapped(random, model, op);
	const struct arena *arena = &model->processes[op->worker].arena;

	op->arg[A_PAGE] =
		page +
		random_below(random, pick_extent(random, arena, page) + 1);
	if (op->arg[A_PAGE] >= ARENA_PAGES)
		op->arg[A_PAGE] = page;
	op->arg[A_SIZE] = PICK(random, 1, 2, 4, 8);
	op->arg[A_OFFSET] = PICK(random, 0, 0, 8, 64, 4088, 4095, 4094, 4092,
				 4089, random_below(random, PAGE));
	op->arg[A_HOW] = random_chance(random, 10);
	op->arg[A_WRITE] = random_below(random, 2);
	if (!(arena->pages[op->arg[A_PAGE]].prot & PROT_WRITE))
		op->arg[A_WRITE] = random_chance(random, 10);
	op->arg[A_VALUE] = op->arg[A_WRITE] ? random_next(random) : 0;
}

#define BIT(arg) (1u << (arg))

/* What these make use of, so that nothing else is shown. */
static const uint32_t used[OP_KINDS] = {
	[OP_CLOSE_DEVICE] = BIT(A_DEV),
	[OP_PASS_DEVICE] = BIT(A_DEV) | BIT(A_PEER),
	[OP_MEMORY] = BIT(A_DEV) | BIT(A_VALUE) | BIT(A_SIZE),
	[OP_POWER] = BIT(A_DEV) | BIT(A_VALUE),
	[OP_RESET] = BIT(A_DEV),
	[OP_FLR] = BIT(A_DEV),
	[OP_REGION] = BIT(A_DEV) | BIT(A_OFFSET) | BIT(A_SIZE) | BIT(A_WRITE) |
		      BIT(A_VALUE),
	[OP_FORK] = BIT(A_PEER),
	[OP_EXIT] = BIT(A_HOW),
	[OP_PASS] = BIT(A_SLOT) | BIT(A_PEER) | BIT(A_SLOT2),
	[OP_DUP] = BIT(A_SLOT) | BIT(A_SLOT2),
	[OP_CLOSE] = BIT(A_SLOT),
	[OP_REOPEN] = BIT(A_SLOT) | BIT(A_SLOT2) | BIT(A_OPEN_FLAGS),
	[OP_OTHER] = BIT(A_SLOT),
	[OP_SEEK] = BIT(A_SLOT) | BIT(A_OFFSET) | BIT(A_HOW),
	[OP_RW] = BIT(A_SLOT) | BIT(A_WRITE),
	[OP_POLL] = BIT(A_SLOT),
	[OP_BUFFER] = BIT(A_SLOT) | BIT(A_HOW) | BIT(A_FLAGS),
};

static void drop_unused(struct op *op)
{
	unsigned int i;

	for (i = 0; used[op->kind] && i < ARGS; i++)
		if (!(used[op->kind] & BIT(i)))
			op->arg[i] = 0;
}

static void generate_fd(struct random *random, const struct model *model,
			struct op *op)
{
	/* Mostly a lease; processes come and go whatever they have. */
	if (op->kind != OP_FORK && op->kind != OP_EXIT)
		pick_lease(random, model, op);
	if (op->kind == OP_EXIT && op->worker < LESSORS &&
	    random_chance(random, 80))
		op->worker = LESSORS;
	op->arg[A_SLOT2] = random_below(random, SLOTS);
	op->arg[A_PEER] = pick_worker(random, model, op->kind != OP_FORK);
	op->arg[A_OPEN_FLAGS] = PICK(random, O_PATH, O_PATH, O_RDWR, O_RDONLY);
	op->arg[A_FLAGS] = PICK(random, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1ull << 31);
	op->arg[A_WRITE] = random_below(random, 2);
	op->arg[A_HOW] = op->kind == OP_EXIT ? random_below(random, 2)
					     : random_below(random, 5);
	op->arg[A_OFFSET] = PICK(random, 0, 0, 0, PAGE);
}

void generate(struct random *random, struct model *model, struct op *op)
{
	memset(op, 0, sizeof(*op));
	op->kind = is_time_to_yank(random, model) ? OP_YANK
						  : pick_kind(random, model);
	op->worker = pick_worker(random, model, op->kind != OP_SPAWN);
	switch (op->kind) {
	case OP_EXPORT:
	case OP_REVOKE:
	case OP_MEMATTR:
	case OP_INFO:
	case OP_FEATURE:
	case OP_LOW_POWER:
		generate_feature(random, model, op);
		break;
	case OP_ATTACH:
	case OP_DETACH:
	case OP_PEER_MAP:
	case OP_PEER_UNMAP:
	case OP_PEER_STATE:
	case OP_DMA:
	case OP_ALLOW_PEERS:
		generate_peer(random, model, op);
		break;
	case OP_OPEN_SET:
	case OP_HOT_RESET:
		generate_set(random, model, op);
		break;
	case OP_OPEN:
	case OP_CLOSE_DEVICE:
	case OP_PASS_DEVICE:
	case OP_MEMORY:
	case OP_POWER:
	case OP_RESET:
	case OP_FLR:
	case OP_REGION:
	case OP_YANK:
	case OP_PLUG:
	case OP_REBIND:
		generate_device(random, model, op);
		break;
	case OP_MAP:
	case OP_MAP_BAR:
		generate_map(random, model, op);
		break;
	case OP_UNMAP:
	case OP_PROTECT:
	case OP_MOVE:
	case OP_ADVISE:
	case OP_LOCK:
		generate_memory(random, model, op);
		break;
	case OP_ACCESS:
		generate_access(random, model, op);
		break;
	case OP_SPAWN:
		op->worker = (uint32_t)random_below(random, FIRST_WORKERS);
		break;
	default:
		generate_fd(random, model, op);
	}
	drop_unused(op);
}
