// SPDX-License-Identifier: MIT
/* Operations on functions that are reset together, and on importers. */
#include "generate.h"

#include <fcntl.h>

#include "importer.h"
#include "pick.h"

void generate_set(struct random *random, const struct model *model,
		  struct op *op)
{
	if (op->kind == OP_OPEN_SET) {
		op->worker = (uint32_t)random_below(random, LESSORS);
		op->arg[A_SLOT] = random_below(random, SLOTS);
		op->arg[A_NR] = PICK(random, 4, 8, 12, 12, 12);
		op->arg[A_HOW] = model->devices[0].facts.has_iommufd
					 ? random_below(random, 2)
					 : random_chance(random, 5);
		return;
	}
	op->arg[A_DEV] = RAM_DEVICES;
	pick_holder(random, model, op, random_chance(random, 95));
	op->arg[A_SLOT] = pick_group(random, &model->processes[op->worker]);
	op->arg[A_NR] = !model->devices[op->arg[A_DEV]].by_iommufd;
	op->arg[A_READABLE] = READABLE_ALL;
	if (random_chance(random, 60))
		return;
	switch (random_below(random, 5)) {
	case 0:
		op->arg[A_NR] = PICK(random, 0, 1, 2, 3, MAX_GROUPS);
		break;
	case 1:
		op->arg[A_SLOT] = random_below(random, SLOTS);
		break;
	case 2:
		op->arg[A_ARGSZ] = PICK(random, -4ull, -5ull, -12ull, -16ull, 4,
					-op_reset_size(op));
		break;
	case 3:
		op->arg[A_READABLE] = PICK(random, 0, 4, 11, 12, 13, 15, 16);
		break;
	default:
		op->arg[A_FLAGS] = 1ull << random_below(random, 32);
	}
}

/* One that can map, or that has. */
static bool has_importer(const struct model *model, bool mapped)
{
	unsigned int i;

	for (i = 0; i < model->nr_importers; i++)
		if (model->importers[i]->attached &&
		    (model->importers[i]->mapped || !mapped) &&
		    lease_accessible(model->importers[i]->lease))
			return true;
	return false;
}

static void generate_attach(struct random *random, const struct model *model,
			    struct op *op)
{
	const struct slot *slot;
	int tries = 0;

	/* Mostly one that may be imported. */
	do {
		pick_lease(random, model, op);
		slot = &model->processes[op->worker].slots[op->arg[A_SLOT]];
	} while (++tries < 3 && slot->kind == SLOT_LEASE &&
		 slot->lease->access != O_RDWR);
	op->arg[A_SLOT2] = random_below(random, SLOTS);
	op->arg[A_VALUE] = PICK(random, 0, 0, 0, 1, 10);
	if (random_chance(random, 12))
		op->arg[A_FLAGS] =
			PICK(random, IMPORTER_STATIC, IMPORTER_NO_PEER,
			     IMPORTER_NO_PCI, IMPORTER_NO_PCI);
}

static void generate_transfer(struct random *random, const struct model *model,
			      struct op *op)
{
	op->arg[A_OFFSET] =
		pick_peer_page(random, model, op) * PAGE +
		PICK(random, 0, 8, PAGE - DMA_SIZE,
		     random_below(random, PAGE / DMA_SIZE) * DMA_SIZE);
	op->arg[A_WRITE] = random_below(random, 2);
	op->arg[A_VALUE] = op->arg[A_WRITE] ? random_next(random) : 0;
}

void generate_peer(struct random *random, const struct model *model,
		   struct op *op)
{
	/* Forbidden for a short time, and seldom done in vain. */
	if (!model->peers_allowed && random_chance(random, 40))
		op->kind = OP_ALLOW_PEERS;
	else if (op->kind != OP_ALLOW_PEERS && !has_importer(model, false) &&
		 random_chance(random, 80))
		op->kind = OP_ATTACH;
	else if (op->kind == OP_DMA && !has_importer(model, true) &&
		 random_chance(random, 80))
		op->kind = OP_PEER_MAP;

	switch (op->kind) {
	case OP_ALLOW_PEERS:
		op->arg[A_VALUE] =
			random_chance(random, model->peers_allowed ? 30 : 95);
		break;
	case OP_ATTACH:
		generate_attach(random, model, op);
		break;
	case OP_DMA:
		pick_importer(random, model, op);
		generate_transfer(random, model, op);
		break;
	default:
		pick_importer(random, model, op);
	}
}
