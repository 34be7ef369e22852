// SPDX-License-Identifier: MIT
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "harness.h"

void expect_error(struct expect *expect, int error)
{
	expect->errors[expect->nr_errors++] = error;
}

bool device_accessible(const struct device *device)
{
	return device->open && !device->pulled && device->on &&
	       !device->asleep && !device->low_power;
}

bool lease_accessible(const struct lease *lease)
{
	return lease->state == LEASE_LIVE && device_accessible(lease->device);
}

unsigned int lease_mappings(const struct model *model,
			    const struct lease *lease)
{
	unsigned int count = 0, i;

	for (i = 0; i < WORKERS; i++)
		if (model->processes[i].alive)
			count += arena_count(&model->processes[i].arena, lease);
	return count;
}

static struct device *as_device(struct model *model, const void *object)
{
	int i;

	for (i = 0; i < DEVICES; i++)
		if (object == &model->devices[i])
			return &model->devices[i];
	return NULL;
}

struct device *page_device(struct model *model, const struct arena_page *page)
{
	const struct lease *lease = page->object;
	struct device *device = as_device(model, page->object);

	return device ? device : lease->device;
}

void model_zapped(struct model *model, const struct device *device)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		model->processes[i].zapped[device - model->devices] = true;
}

bool page_accessible(struct model *model, const struct arena_page *page)
{
	const struct device *device = as_device(model, page->object);

	return device ? device_accessible(device)
		      : lease_accessible(page->object);
}

/* Where in which BAR of its device the page is. */
static uint64_t page_place(struct model *model, const struct arena_page *page,
			   unsigned int *bar)
{
	struct device *device = as_device(model, page->object);
	uint64_t place = (uint64_t)page->index * PAGE;
	const struct lease *lease = page->object;
	uint32_t i;

	if (device) {
		*bar = fuzz_bar((uint64_t)(device - model->devices));
		return place;
	}
	*bar = lease->bar;
	for (i = 0; place >= lease->ranges[2 * i + 1]; i++)
		place -= lease->ranges[2 * i + 1];
	return lease->ranges[2 * i] + place;
}

uint8_t *page_bytes(struct model *model, const struct arena_page *page)
{
	struct device *device = page_device(model, page);
	unsigned int bar;
	uint64_t place = page_place(model, page, &bar);

	/* There is a shadow of the memory alone, not of other BARs. */
	return device->memory && bar == fuzz_bar(0) ? device->memory + place
						    : NULL;
}

bool page_unused(struct model *model, const struct arena_page *page)
{
	unsigned int bar;

	/* All registers of QEMU's edu are in the first page. */
	return page_place(model, page, &bar) >= PAGE &&
	       !page_device(model, page)->memory;
}

static bool device_held(const struct model *model, int device)
{
	unsigned int i;

	/* Mostly there is an fd; it takes long to look for mappings. */
	for (i = 0; i < WORKERS; i++)
		if (model->processes[i].alive &&
		    model->processes[i].device[device])
			return true;
	for (i = 0; i < WORKERS; i++)
		if (model->processes[i].alive &&
		    arena_count(&model->processes[i].arena,
				&model->devices[device]))
			return true;
	return false;
}

void model_settle(struct model *model)
{
	unsigned int i;

	for (i = 0; i < DEVICES; i++)
		if (model->devices[i].open && !device_held(model, (int)i))
			model->devices[i].open = false;
	for (i = 0; i < model->nr_leases; i++)
		if (model->leases[i]->state == LEASE_LIVE &&
		    !model->leases[i]->device->open)
			model->leases[i]->state = LEASE_ORPHANED;
	settle_importers(model);
}

bool model_knows(const struct model *model, enum op_kind kind)
{
	return (model->has_importers || !op_needs_importer(kind)) &&
	       (model->has_host || !op_needs_host(kind));
}

void model_init(struct model *model)
{
	unsigned int i;

	memset(model->processes, 0, sizeof(model->processes));
	model->nr_leases = 0;
	model->nr_importers = 0;
	model->peers_allowed = true;
	model->last_id = 0;
	for (i = 0; i < FIRST_WORKERS; i++) {
		model->processes[i].alive = true;
		model->processes[i].ordinary = i >= LESSORS;
	}
	for (i = 0; i < DEVICES; i++) {
		struct device *device = &model->devices[i];

		device->open = false;
		device->pulled = false;
		device->filled = false;
		device->binding = 0;
	}
}

void model_free(struct model *model)
{
	while (model->nr_leases)
		free(model->leases[--model->nr_leases]);
	while (model->nr_importers)
		free(model->importers[--model->nr_importers]);
}

void model_expect(struct model *model, const struct op *op,
		  struct expect *expect)
{
	struct process *process = &model->processes[op->worker];
	struct process *peer = &model->processes[op->arg[A_PEER]];
	struct device *device = &model->devices[op->arg[A_DEV]];
	bool has_device = process->device[op->arg[A_DEV]];

	memset(expect, 0, sizeof(*expect));
	expect->skip = !process->alive;
	switch (op->kind) {
	case OP_SPAWN:
		expect->skip = process->alive;
		break;
	case OP_REBIND:
		expect->skip = device->open;
		break;
	case OP_ALLOW_PEERS:
		expect->skip = !model->has_importers;
		break;
	case OP_YANK:
	case OP_PLUG:
		expect_plug(model, op, expect);
		break;
	case OP_FORK:
		expect->skip |= peer->alive;
		break;
	case OP_PASS_DEVICE:
		expect->skip |= !peer->alive || peer == process ||
				!has_device || peer->device[op->arg[A_DEV]];
		break;
	case OP_PASS:
		expect->skip |=
			!peer->alive || peer == process ||
			process->slots[op->arg[A_SLOT]].kind == SLOT_EMPTY;
		break;
	case OP_OPEN:
		/* The set has an operation of its own for that. */
		expect->skip |= process->ordinary || has_device ||
				op->arg[A_DEV] >= RAM_DEVICES;
		if (op->arg[A_HOW] && !device->facts.has_iommufd)
			expect_error(expect, ENOTSUP);
		else if (device->open)
			expect_error(expect, EBUSY);
		break;
	case OP_ATTACH:
	case OP_DETACH:
	case OP_PEER_MAP:
	case OP_PEER_UNMAP:
	case OP_PEER_STATE:
	case OP_DMA:
		expect_peer(model, op, expect);
		break;
	case OP_OPEN_SET:
	case OP_HOT_RESET:
		expect_set(model, op, expect);
		break;
	case OP_MAP:
	case OP_MAP_BAR:
	case OP_UNMAP:
	case OP_PROTECT:
	case OP_MOVE:
	case OP_ADVISE:
	case OP_LOCK:
	case OP_ACCESS:
		if (!expect->skip)
			expect_memory(model, op, expect);
		break;
	case OP_DUP:
	case OP_CLOSE:
	case OP_REOPEN:
	case OP_SEEK:
	case OP_RW:
	case OP_POLL:
	case OP_BUFFER:
		expect_fd(model, op, expect);
		break;
	case OP_EXIT:
	case OP_CLOSE_DEVICE:
	case OP_OTHER:
		break;
	default:
		expect_feature(model, op, expect);
	}
	if (device->pulled && is_unknown_when_pulled(op->kind))
		expect->skip = true;
	if (!expect->nr_errors && !expect->must_signal)
		expect_error(expect, 0);
}

/* The lease that a new fd is of. */
static void new_lease(struct model *model, const struct op *op)
{
	struct lease *lease = calloc(1, sizeof(*lease));
	uint32_t i;

	if (!lease)
		abort();
	lease->device = &model->devices[op->arg[A_DEV]];
	lease->binding = lease->device->binding;
	lease->bar = (unsigned int)op->arg[A_BAR];
	lease->access = (unsigned int)op->arg[A_OPEN_FLAGS] & O_ACCMODE;
	lease->nr_ranges = (uint32_t)op->arg[A_NR];
	for (i = 0; i < lease->nr_ranges; i++) {
		op_range(op, i, &lease->ranges[2 * i],
			 &lease->ranges[2 * i + 1]);
		lease->pages += lease->ranges[2 * i + 1] / PAGE;
	}
	model->leases[model->nr_leases++] = lease;
	model->processes[op->worker].slots[op->arg[A_SLOT]] =
		(struct slot){ .kind = SLOT_LEASE, .lease = lease };
}

/* What a feature changes that worked. */
static void apply_feature(struct model *model, const struct op *op)
{
	struct process *process = &model->processes[op->worker];
	struct device *device = &model->devices[op->arg[A_DEV]];
	struct lease *lease = process->slots[op->arg[A_SLOT]].lease;

	if (op->arg[A_OPERATION] & VFIO_DEVICE_FEATURE_PROBE)
		return;
	switch (op->kind) {
	case OP_EXPORT:
		new_lease(model, op);
		break;
	case OP_REVOKE:
		lease->state = LEASE_REVOKED;
		break;
	case OP_MEMATTR:
		lease->memattr = (unsigned int)op->arg[A_VALUE];
		break;
	default:
		device->low_power = op->arg[A_VALUE];
		if (device->low_power)
			model_zapped(model, device);
	}
}

static void apply_device(struct model *model, const struct op *op)
{
	struct process *process = &model->processes[op->worker];
	struct device *device = &model->devices[op->arg[A_DEV]];

	switch (op->kind) {
	case OP_OPEN:
		process->device[op->arg[A_DEV]] = true;
		device->open = true;
		device->on = true;
		device->filled = true;
		device->asleep = false;
		device->low_power = false;
		device->by_iommufd = op->arg[A_HOW];
		break;
	case OP_CLOSE_DEVICE:
		process->device[op->arg[A_DEV]] = false;
		break;
	case OP_PASS_DEVICE:
		model->processes[op->arg[A_PEER]].device[op->arg[A_DEV]] = true;
		break;
	case OP_MEMORY:
		device->on = op->arg[A_VALUE];
		if (!device->on)
			model_zapped(model, device);
		break;
	case OP_POWER:
		device->asleep = op->arg[A_VALUE];
		if (device->asleep)
			model_zapped(model, device);
		break;
	case OP_RESET:
	case OP_FLR:
		device->asleep = false;
		model_zapped(model, device);
		break;
	case OP_REBIND:
		device->binding++;
		break;
	default:
		if (op->arg[A_WRITE] && device->memory)
			memcpy(device->memory + op->arg[A_OFFSET],
			       &op->arg[A_VALUE], op->arg[A_SIZE]);
	}
}

static void apply_process(struct model *model, const struct op *op)
{
	struct process *process = &model->processes[op->worker];
	struct process *peer = &model->processes[op->arg[A_PEER]];
	struct slot *slot = &process->slots[op->arg[A_SLOT]];
	struct slot *slot2 = &process->slots[op->arg[A_SLOT2]];

	switch (op->kind) {
	case OP_FORK:
		*peer = *process;
		arena_fork(&peer->arena, &process->arena);
		break;
	case OP_EXIT:
		process->alive = false;
		break;
	case OP_SPAWN:
		memset(process, 0, sizeof(*process));
		process->alive = true;
		process->ordinary = op->worker >= LESSORS;
		break;
	case OP_PASS:
		peer->slots[op->arg[A_SLOT2]] = *slot;
		break;
	case OP_DUP:
		*slot2 = *slot;
		break;
	case OP_CLOSE:
		*slot = (struct slot){ .kind = SLOT_EMPTY };
		break;
	case OP_REOPEN:
		*slot2 = (struct slot){ .kind = SLOT_PATH,
					.lease = slot->lease };
		break;
	default:
		*slot = (struct slot){ .kind = SLOT_OTHER };
	}
}

void model_apply(struct model *model, const struct op *op,
		 const struct result *result)
{
	touch_memory(model, op);
	tell_importers(model, op, result);
	if (result->error || result->signal)
		if (op->kind != OP_PROTECT && op->kind != OP_ADVISE)
			return;
	switch (op->kind) {
	case OP_EXPORT:
	case OP_REVOKE:
	case OP_MEMATTR:
	case OP_LOW_POWER:
		apply_feature(model, op);
		break;
	case OP_ATTACH:
	case OP_DETACH:
	case OP_PEER_MAP:
	case OP_PEER_UNMAP:
	case OP_DMA:
	case OP_ALLOW_PEERS:
		apply_peer(model, op);
		break;
	case OP_YANK:
	case OP_PLUG:
		apply_plug(model, op);
		break;
	case OP_OPEN_SET:
	case OP_HOT_RESET:
		apply_set(model, op);
		break;
	case OP_OPEN:
	case OP_CLOSE_DEVICE:
	case OP_PASS_DEVICE:
	case OP_MEMORY:
	case OP_POWER:
	case OP_RESET:
	case OP_FLR:
	case OP_REBIND:
	case OP_REGION:
		apply_device(model, op);
		break;
	case OP_FORK:
	case OP_EXIT:
	case OP_SPAWN:
	case OP_PASS:
	case OP_DUP:
	case OP_CLOSE:
	case OP_REOPEN:
	case OP_OTHER:
		apply_process(model, op);
		break;
	case OP_MAP:
	case OP_MAP_BAR:
	case OP_UNMAP:
	case OP_PROTECT:
	case OP_MOVE:
	case OP_ADVISE:
	case OP_ACCESS:
		apply_memory(model, op);
		break;
	default:
		break;
	}
	model_settle(model);
}
