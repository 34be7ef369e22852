// SPDX-License-Identifier: MIT
/*
 * Functions that are reset together: who may open them, who may reset them, and
 * what is left of the leases of all of them.
 */
#include <errno.h>
#include <linux/vfio.h>

#include "act.h"
#include "model.h"

#define HEAD sizeof(struct vfio_pci_hot_reset)

static bool is_held(const struct model *model, enum slot_kind kind)
{
	unsigned int i, slot;

	for (i = 0; i < WORKERS; i++)
		for (slot = 0; slot < SLOTS; slot++)
			if (model->processes[i].alive &&
			    model->processes[i].slots[slot].kind == kind)
				return true;
	return false;
}

/* A group is open once, and functions of a group have one owner. */
static void expect_open_set(const struct model *model, const struct op *op,
			    struct expect *expect)
{
	const struct process *process = &model->processes[op->worker];
	bool in_use = false;
	int i;

	for (i = RAM_DEVICES; i < DEVICES; i++)
		in_use |= model->devices[i].open;
	expect->skip |= process->ordinary || !(op->arg[A_NR] & SET_DEVICES);
	if (!op->arg[A_HOW]) {
		if (in_use || is_held(model, SLOT_GROUP))
			expect_error(expect, EBUSY);
		return;
	}
	if (!model->devices[0].facts.has_iommufd) {
		expect_error(expect, ENOENT);
		return;
	}
	if (!in_use && !is_held(model, SLOT_GROUP))
		return;
	expect_error(expect, EBUSY);
	expect_error(expect, EINVAL); /* it is bound to another one */
	expect_error(expect, EPERM); /* its neighbour is */
}

/* The errors in the order of the kernel's checks. */
static int hot_reset_error(const struct model *model, const struct op *op)
{
	const struct device *device = &model->devices[op->arg[A_DEV]];
	const struct process *process = &model->processes[op->worker];
	const struct slot *slot = &process->slots[op->arg[A_SLOT]];
	uint64_t count = op->arg[A_NR];

	if (!process->device[op->arg[A_DEV]])
		return EBADF;
	if (op->arg[A_READABLE] < HEAD)
		return EFAULT;
	if ((uint32_t)(op_reset_size(op) + op->arg[A_ARGSZ]) < HEAD ||
	    op->arg[A_FLAGS])
		return EINVAL;
	/* Group fds for who came by the group, and none for the other. */
	if (!count == !device->by_iommufd)
		return EINVAL;
	if (op->arg[A_DEV] < RAM_DEVICES)
		return ENODEV; /* nothing resets a root bus */
	if (!count)
		return 0;
	if (count > DEVICES - RAM_DEVICES)
		return EINVAL;
	if (op->arg[A_READABLE] < op_reset_size(op))
		return EFAULT;
	if (slot->kind == SLOT_EMPTY || slot->kind == SLOT_PATH)
		return EBADF;
	return slot->kind == SLOT_GROUP ? 0 : EINVAL;
}

void expect_set(struct model *model, const struct op *op, struct expect *expect)
{
	if (op->kind == OP_OPEN_SET) {
		expect_open_set(model, op, expect);
		return;
	}
	/*
	 * The second is reset by its slot. VFIO, the slot and the removal of
	 * devices take their locks in a circle, whatever the driver.
	 */
	expect->skip |= op->arg[A_DEV] == 1 || op->arg[A_NR] > MAX_GROUPS;
	expect_error(expect, hot_reset_error(model, op));
}

void apply_set(struct model *model, const struct op *op)
{
	struct process *process = &model->processes[op->worker];
	int i;

	for (i = RAM_DEVICES; i < DEVICES; i++) {
		struct device *device = &model->devices[i];

		if (op->kind == OP_HOT_RESET) {
			device->asleep = false;
			model_zapped(model, device);
		} else if (op->arg[A_NR] & 1u << i) {
			process->device[i] = true;
			device->open = true;
			device->on = true;
			device->asleep = false;
			device->low_power = false;
			device->by_iommufd = op->arg[A_HOW];
		}
	}
	if (op->kind == OP_OPEN_SET)
		process->slots[op->arg[A_SLOT]] = (struct slot){
			.kind = op->arg[A_HOW] ? SLOT_IOMMUFD : SLOT_GROUP,
		};
}
