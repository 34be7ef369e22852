// SPDX-License-Identifier: MIT
#include "pick.h"

uint32_t pick_worker(struct random *random, const struct model *model,
		     bool alive)
{
	uint32_t worker = (uint32_t)random_below(random, WORKERS), i;

	for (i = 0; i < WORKERS; i++, worker = (worker + 1) % WORKERS)
		if (model->processes[worker].alive == alive)
			break;
	return worker;
}

void pick_holder(struct random *random, const struct model *model,
		 struct op *op, bool of_set)
{
	uint64_t i, start = random_below(random, WORKERS * DEVICES);

	for (i = 0; i < (uint64_t)WORKERS * DEVICES; i++) {
		uint64_t place = (start + i) % (WORKERS * DEVICES);
		const struct process *process =
			&model->processes[place / DEVICES];

		if (!process->alive || !process->device[place % DEVICES] ||
		    of_set != (place % DEVICES >= RAM_DEVICES))
			continue;
		op->worker = (uint32_t)(place / DEVICES);
		op->arg[A_DEV] = place % DEVICES;
		return;
	}
}

void pick_holder_of(const struct model *model, struct op *op, uint64_t device)
{
	uint32_t i;

	op->arg[A_DEV] = device;
	for (i = 0; i < WORKERS; i++) {
		const struct process *process = &model->processes[i];

		if (!process->alive || !process->device[device])
			continue;
		op->worker = i;
		if (!process->ordinary)
			return;
	}
}

void pick_lessor(struct random *random, const struct model *model,
		 struct op *op)
{
	/* What the set has is mostly unknown, the memory of the others not. */
	bool of_set = random_chance(random, 25);

	pick_holder(random, model, op, !of_set);
	pick_holder(random, model, op, of_set);
}

uint64_t pick_group(struct random *random, const struct process *process)
{
	uint64_t i, slot = random_below(random, SLOTS);

	for (i = 0; i < SLOTS; i++, slot = (slot + 1) % SLOTS)
		if (process->slots[slot].kind == SLOT_GROUP)
			break;
	return slot;
}

uint64_t pick_slot(struct random *random, const struct process *process)
{
	uint64_t i, slot = random_below(random, SLOTS);

	bool any = random_chance(random, 25);

	if (random_chance(random, 5))
		return slot;
	for (i = 0; i < SLOTS; i++, slot = (slot + 1) % SLOTS)
		if (process->slots[slot].kind == SLOT_LEASE &&
		    (any || process->slots[slot].lease->state == LEASE_LIVE))
			break;
	return slot;
}

void pick_lease(struct random *random, const struct model *model, struct op *op)
{
	uint64_t i, start = random_below(random, WORKERS * SLOTS);
	bool any = random_chance(random, 12);

	op->arg[A_SLOT] = random_below(random, SLOTS);
	if (random_chance(random, 4))
		return;
	for (i = 0; i < (uint64_t)WORKERS * SLOTS; i++) {
		uint64_t place = (start + i) % (WORKERS * SLOTS);
		const struct process *process =
			&model->processes[place / SLOTS];
		const struct slot *slot = &process->slots[place % SLOTS];

		if (!process->alive || slot->kind != SLOT_LEASE ||
		    (!any && !lease_accessible(slot->lease)))
			continue;
		op->worker = (uint32_t)(place / SLOTS);
		op->arg[A_SLOT] = place % SLOTS;
		return;
	}
}

void pick_importer(struct random *random, const struct model *model,
		   struct op *op)
{
	uint64_t i, start = random_below(random, WORKERS * SLOTS);
	bool any = random_chance(random, 10);

	op->arg[A_SLOT] = random_below(random, SLOTS);
	if (random_chance(random, 4))
		return;
	for (i = 0; i < (uint64_t)WORKERS * SLOTS; i++) {
		uint64_t place = (start + i) % (WORKERS * SLOTS);
		const struct process *process =
			&model->processes[place / SLOTS];
		const struct slot *slot = &process->slots[place % SLOTS];

		if (!process->alive || !slot->importer)
			continue;
		/* Mostly one that can be mapped, or for DMA one that is. */
		if (!any && (!lease_accessible(slot->importer->lease) ||
			     (op->kind == OP_DMA && !slot->importer->mapped)))
			continue;
		op->worker = (uint32_t)(place / SLOTS);
		op->arg[A_SLOT] = place % SLOTS;
		return;
	}
}

uint64_t pick_peer_page(struct random *random, const struct model *model,
			const struct op *op)
{
	const struct importer *importer =
		model->processes[op->worker].slots[op->arg[A_SLOT]].importer;
	uint64_t pages = importer ? importer->lease->pages : 1;

	return random_below(random, pages + random_chance(random, 5));
}

uint64_t pick_page(struct random *random, uint64_t count)
{
	uint64_t page = random_below(random, 96);

	if (random_chance(random, 25))
		page = random_below(random, ARENA_PAGES / 512) * 512;
	return page + count <= ARENA_PAGES ? page : 0;
}

uint64_t pick_mapped(struct random *random, struct model *model, struct op *op)
{
	uint64_t i, page = pick_page(random, 1);
	uint32_t first = op->worker, worker;
	bool any = random_chance(random, 25);

	if (random_chance(random, 3))
		return page;
	for (worker = first; worker < first + WORKERS; worker++) {
		const struct process *process =
			&model->processes[worker % WORKERS];

		for (i = 0; process->alive && i < ARENA_PAGES; i++) {
			const struct arena_page *there =
				&process->arena.pages[(page + i) % ARENA_PAGES];

			if (!there->object ||
			    !(any || page_accessible(model, there)))
				continue;
			op->worker = worker % WORKERS;
			return (page + i) % ARENA_PAGES;
		}
	}
	return page;
}

uint64_t pick_extent(struct random *random, const struct arena *arena,
		     uint64_t page)
{
	uint64_t count = 1;

	while (page + count < ARENA_PAGES &&
	       arena_in_one(arena, page, count + 1))
		count++;
	if (random_chance(random, 40))
		count = 1 + random_below(random, count);
	else if (random_chance(random, 20))
		count += random_below(random, 12);
	if (random_chance(random, 2))
		count = 0;
	return page + count <= ARENA_PAGES ? count : ARENA_PAGES - page;
}
