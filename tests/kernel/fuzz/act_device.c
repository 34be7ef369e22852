// SPDX-License-Identifier: MIT
/* The device fd, but for the features that are ioctls of one kind. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "act.h"

#define CONFIG ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)
#define BAR(device) ((uint64_t)fuzz_bar(device) << 40)

/* Puts the BAR into the state that every sequence starts with. */
static void clean_bar(struct worker *worker, unsigned int device)
{
	struct shared *shared = worker->shared;
	struct barlease_map map;
	uint64_t *word;
	uint64_t page, i;

	if (barlease_region_map(worker->opened[device], fuzz_bar(device), 0,
				shared->bar_size[device],
				PROT_READ | PROT_WRITE, &map))
		abort();
	for (page = 0; page < shared->bar_size[device] / PAGE; page++) {
		if (!shared->dirty[device][page])
			continue;
		word = (uint64_t *)((char *)map.address + page * PAGE);
		for (i = 0; i < PAGE / sizeof(*word); i++)
			word[i] = pristine(device, page * PAGE + i * 8);
		shared->dirty[device][page] = false;
	}
	barlease_map_end(&map);
}

static void open_device(struct worker *worker, const struct op *op,
			struct result *result)
{
	enum barlease_way way =
		op->arg[A_HOW] ? BARLEASE_BY_IOMMUFD : BARLEASE_BY_GROUP;
	uint64_t device = op->arg[A_DEV];
	struct barlease_device *opened;
	int err;

	err = barlease_device_open_by(worker->shared->bdf[device], way, NULL,
				      &opened, NULL);
	if (!err)
		err = barlease_device_set_memory(opened, true);
	result->error = -err;
	if (err)
		return;
	worker->opened[device] = opened;
	worker->device[device] = barlease_device_fd(opened);
	if (op->arg[A_VALUE])
		clean_bar(worker, (unsigned int)device);
}

static void close_device(struct worker *worker, uint64_t device)
{
	if (worker->opened[device])
		barlease_device_close(worker->opened[device]);
	else if (worker->device[device] >= 0)
		close(worker->device[device]);
	worker->opened[device] = NULL;
	worker->device[device] = -1;
}

/* 0 where the function has no such capability */
static unsigned int find_capability(int fd, uint8_t id)
{
	uint8_t position, header[2];
	int i;

	if (pread(fd, &position, 1, CONFIG + PCI_CAPABILITY_LIST) != 1)
		return 0;
	for (i = 0; i < 48 && position; i++) {
		if (pread(fd, header, 2, CONFIG + position) != 2)
			return 0;
		if (header[0] == id)
			return position;
		position = header[1];
	}
	return 0;
}

/* Changes bits of a register by a write of @size bytes. */
static void change(int fd, unsigned int offset, uint16_t mask, uint16_t value,
		   uint64_t size, struct result *result)
{
	uint16_t old;

	if (pread(fd, &old, sizeof(old), CONFIG + offset) != sizeof(old)) {
		result_note(result, -1);
		return;
	}
	value |= (uint16_t)(old & ~mask);
	result_note(result, pwrite(fd, &value, size, CONFIG + offset));
}

static void change_capability(int fd, uint8_t id, unsigned int offset,
			      uint16_t mask, uint16_t value,
			      struct result *result)
{
	unsigned int capability;

	if (fd < 0) {
		result->error = EBADF;
		return;
	}
	capability = find_capability(fd, id);
	if (!capability)
		result->error = ENOENT;
	else
		change(fd, capability + offset, mask, value, 2, result);
}

static void region(int fd, const struct op *op, struct result *result)
{
	uint64_t place = BAR(op->arg[A_DEV]) + op->arg[A_OFFSET];

	if (op->arg[A_WRITE])
		result_note(result, pwrite(fd, &op->arg[A_VALUE],
					   op->arg[A_SIZE], (off_t)place));
	else
		result_note(result, pread(fd, &result->data, op->arg[A_SIZE],
					  (off_t)place));
}

void act_device(struct worker *worker, const struct op *op,
		struct result *result)
{
	int fd = worker->device[op->arg[A_DEV]];

	switch (op->kind) {
	case OP_OPEN:
		open_device(worker, op, result);
		break;
	case OP_CLOSE_DEVICE:
		close_device(worker, op->arg[A_DEV]);
		break;
	case OP_MEMORY:
		change(fd, PCI_COMMAND, PCI_COMMAND_MEMORY,
		       op->arg[A_VALUE] ? PCI_COMMAND_MEMORY : 0,
		       op->arg[A_SIZE], result);
		break;
	case OP_POWER:
		change_capability(fd, PCI_CAP_ID_PM, PCI_PM_CTRL,
				  PCI_PM_CTRL_STATE_MASK,
				  op->arg[A_VALUE] ? 3 : 0, result);
		break;
	case OP_FLR:
		change_capability(fd, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL,
				  PCI_EXP_DEVCTL_BCR_FLR,
				  PCI_EXP_DEVCTL_BCR_FLR, result);
		break;
	case OP_RESET:
		result_note(result, ioctl(fd, VFIO_DEVICE_RESET));
		break;
	default:
		region(fd, op, result);
	}
}
