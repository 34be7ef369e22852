// SPDX-License-Identifier: MIT
/*
 * What the device fd answers: errors in the order that linux/barlease.h has
 * them, the first that applies.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <string.h>

#include "act.h"
#include "model.h"

#define HEAD sizeof(struct vfio_device_feature)

/*
 * What VFIO checks before it asks the driver, and what each feature checks
 * first. Return whether that is the answer.
 */
static bool refused_early(const struct op *op, uint32_t operations,
			  size_t minimum, struct expect *expect)
{
	uint32_t operation = (uint32_t)op->arg[A_OPERATION];
	uint64_t argsz =
		(uint32_t)(HEAD + op_feature_size(op) + op->arg[A_ARGSZ]);
	uint32_t both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	bool probe = operation & VFIO_DEVICE_FEATURE_PROBE;
	int error = 0;

	if (op->arg[A_READABLE] < HEAD)
		error = EFAULT;
	else if (argsz < HEAD)
		error = EINVAL;
	else if (operation & ~(both | VFIO_DEVICE_FEATURE_PROBE))
		error = EINVAL;
	else if (!probe && (operation & both) == both)
		error = EINVAL;
	else if (operation & both & ~operations)
		error = EINVAL;
	else if (!probe && !(operation & both))
		error = EINVAL;
	else if (!probe && argsz - HEAD < minimum)
		error = EINVAL;
	else if (!probe && op->arg[A_READABLE] < HEAD + minimum)
		error = EFAULT;
	if (error || probe)
		expect_error(expect, error);
	return error || probe;
}

static int check_ranges(const struct device_facts *facts, const struct op *op)
{
	uint64_t total = 0, offset, length, start, end;
	uint64_t bar = op->arg[A_BAR];
	uint32_t i;

	for (i = 0; i < op->arg[A_NR]; i++) {
		op_range(op, i, &offset, &length);
		if (!length || length % PAGE || offset % PAGE)
			return EINVAL;
		if (__builtin_add_overflow(total, length, &total) ||
		    total > BARLEASE_MAX_LENGTH)
			return EINVAL;
	}
	if (!facts->bar_mappable[bar])
		return EINVAL;
	for (i = 0; i < op->arg[A_NR]; i++) {
		op_range(op, i, &offset, &length);
		if (__builtin_add_overflow(facts->bar_start[bar], offset,
					   &start) ||
		    __builtin_add_overflow(start, length, &end))
			return EOVERFLOW;
		if (end - facts->bar_start[bar] > facts->bar_size[bar])
			return EINVAL;
	}
	return 0;
}

static int export_error(const struct device_facts *facts, const struct op *op)
{
	uint64_t open_flags = op->arg[A_OPEN_FLAGS];
	int64_t surplus = (int64_t)op->arg[A_ARGSZ];

	if (!op->arg[A_NR] || op->arg[A_FLAGS] ||
	    open_flags & ~(uint64_t)(O_ACCMODE | O_CLOEXEC) ||
	    (open_flags & O_ACCMODE) == O_ACCMODE)
		return EINVAL;
	if (op->arg[A_NR] > BARLEASE_MAX_RANGES)
		return E2BIG;
	if (surplus < 0)
		return EINVAL;
	if (op->arg[A_BAR] >= BARS || !facts->bar_size[op->arg[A_BAR]])
		return ENODEV;
	if (op->arg[A_READABLE] < HEAD + op_feature_size(op))
		return EFAULT;
	return check_ranges(facts, op);
}

static int slot_error(const struct slot *slot, const struct device *device)
{
	switch (slot->kind) {
	case SLOT_LEASE:
		return slot->lease->device != device ||
				       slot->lease->binding != device->binding
			       ? ENODEV
			       : 0;
	case SLOT_EMPTY:
	case SLOT_PATH:
		return EBADF;
	default:
		return EINVAL;
	}
}

static void expect_export(struct model *model, const struct op *op,
			  struct expect *expect)
{
	struct device *device = &model->devices[op->arg[A_DEV]];
	int error;

	if (refused_early(op, VFIO_DEVICE_FEATURE_GET,
			  sizeof(struct vfio_device_feature_dma_buf), expect))
		return;
	error = export_error(&device->facts, op);
	if (!error && op->arg[A_NO_FDS])
		error = EMFILE;
	if (!error && model->nr_leases == MAX_LEASES)
		expect->skip = true;
	expect_error(expect, error);
}

static void expect_end_or_attribute(struct model *model, const struct op *op,
				    struct expect *expect)
{
	struct slot *slot =
		&model->processes[op->worker].slots[op->arg[A_SLOT]];
	int error;

	if (refused_early(op, VFIO_DEVICE_FEATURE_SET, op_feature_size(op),
			  expect))
		return;
	error = slot_error(slot, &model->devices[op->arg[A_DEV]]);
	if (!error && slot->lease->state != LEASE_LIVE)
		error = EBADFD;
	if (!error && op->kind == OP_MEMATTR &&
	    op->arg[A_VALUE] > BARLEASE_MEMATTR_WC)
		error = ENOENT;
	expect_error(expect, error);
}

static void expect_info(struct model *model, const struct op *op,
			struct expect *expect)
{
	struct slot *slot =
		&model->processes[op->worker].slots[op->arg[A_SLOT]];
	size_t size = sizeof(struct barlease_lease_info);
	int error;

	if (refused_early(op, VFIO_DEVICE_FEATURE_GET, size, expect))
		return;
	if (op->arg[A_VALUE] || op->arg[A_NR] > BARLEASE_MAX_RANGES ||
	    (int64_t)op->arg[A_ARGSZ] < 0) {
		expect_error(expect, EINVAL);
		return;
	}
	error = slot_error(slot, &model->devices[op->arg[A_DEV]]);
	if (!error) {
		uint64_t shown = slot->lease->nr_ranges < op->arg[A_NR]
					 ? slot->lease->nr_ranges
					 : op->arg[A_NR];

		size += shown * sizeof(struct vfio_region_dma_range);
		if (op->arg[A_READABLE] < HEAD + size)
			error = EFAULT;
		else if (op->arg[A_READABLE] >= HEAD + op_feature_size(op))
			expect->info = slot->lease;
	}
	expect_error(expect, error);
}

bool low_power_is_asked(const struct op *op)
{
	struct expect unused = { 0 };

	return !refused_early(op, VFIO_DEVICE_FEATURE_SET, 0, &unused);
}

static void expect_low_power(struct device *device, const struct op *op,
			     struct expect *expect)
{
	/* What becomes of D3hot in low power is the kernel's affair. */
	expect->skip |= !device->facts.has_low_power || device->asleep;
	if (refused_early(op, VFIO_DEVICE_FEATURE_SET, 0, expect))
		return;
	if (op->arg[A_VALUE] && device->low_power)
		expect_error(expect, EINVAL);
}

static void expect_region(const struct device *device, const struct op *op,
			  struct expect *expect)
{
	uint64_t size = op->arg[A_SIZE], offset = op->arg[A_OFFSET];

	expect->skip |=
		size > 8 ||
		offset + size >
			device->facts.bar_size[fuzz_bar(op->arg[A_DEV])] ||
		(!device->memory && op->arg[A_WRITE] && offset < PAGE);
	if (expect->skip)
		return;
	if (!device->on || device->asleep) {
		expect_error(expect, EIO);
		return;
	}
	expect->has_value = true;
	expect->value = (int64_t)size;
	if (!op->arg[A_WRITE] && device->memory) {
		expect->has_data = true;
		memcpy(&expect->data, device->memory + offset, size);
	}
}

void expect_feature(struct model *model, const struct op *op,
		    struct expect *expect)
{
	struct device *device = &model->devices[op->arg[A_DEV]];

	if (expect->skip)
		return;
	switch (op->kind) {
	case OP_POWER:
		expect->skip = !device->facts.has_power || device->low_power;
		break;
	case OP_FLR:
		expect->skip = !device->facts.has_flr || device->low_power;
		break;
	case OP_RESET:
		expect->skip = device->low_power;
		break;
	case OP_LOW_POWER:
		expect->skip = !device->facts.has_low_power || device->asleep;
		break;
	default:
		break;
	}
	if (!model->processes[op->worker].device[op->arg[A_DEV]]) {
		expect_error(expect, EBADF);
		return;
	}

	switch (op->kind) {
	case OP_EXPORT:
		expect_export(model, op, expect);
		break;
	case OP_REVOKE:
	case OP_MEMATTR:
		expect_end_or_attribute(model, op, expect);
		break;
	case OP_INFO:
		expect_info(model, op, expect);
		break;
	case OP_FEATURE:
		expect_error(expect, ENOTTY);
		break;
	case OP_LOW_POWER:
		expect_low_power(device, op, expect);
		break;
	case OP_RESET:
		expect_error(expect, device->facts.has_reset ? 0 : EINVAL);
		break;
	case OP_REGION:
		expect_region(device, op, expect);
		break;
	default:
		break;
	}
}
