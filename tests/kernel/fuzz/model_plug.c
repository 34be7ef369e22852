// SPDX-License-Identifier: MIT
/* A device that is pulled out of the machine, and another one that is put in. */
#include "model.h"

void expect_plug(struct model *model, const struct op *op,
		 struct expect *expect)
{
	const struct process *process = &model->processes[op->worker];
	const struct device *device = &model->devices[op->arg[A_DEV]];

	/* A function that sleeps may be away for another reason. */
	if (op->kind == OP_YANK)
		expect->skip |= process->ordinary || device->pulled ||
				!process->device[op->arg[A_DEV]] ||
				device->low_power ||
				op->arg[A_DEV] != HOTPLUG_DEVICE;
	else
		expect->skip = device->open || !device->pulled;
}

void apply_plug(struct model *model, const struct op *op)
{
	struct device *device = &model->devices[op->arg[A_DEV]];
	unsigned int i;

	device->pulled = op->kind == OP_YANK;
	if (op->kind == OP_PLUG) {
		device->binding++;
		device->filled = false;
		return;
	}
	for (i = 0; i < model->nr_leases; i++)
		if (model->leases[i]->device == device &&
		    model->leases[i]->state == LEASE_LIVE)
			model->leases[i]->state = LEASE_ORPHANED;
	for (i = 0; i < model->nr_importers; i++)
		model->importers[i]->leaving |=
			model->importers[i]->mapped &&
			model->importers[i]->lease->device == device;
}

/* Nobody knows what such a function answers: nothing, ones, an error. */
bool is_unknown_when_pulled(enum op_kind kind)
{
	switch (kind) {
	case OP_OPEN:
	case OP_MEMORY:
	case OP_POWER:
	case OP_LOW_POWER:
	case OP_RESET:
	case OP_FLR:
	case OP_REGION:
	case OP_REBIND:
		return true;
	default:
		return false;
	}
}
