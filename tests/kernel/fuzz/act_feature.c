// SPDX-License-Identifier: MIT
/*
 * VFIO_DEVICE_FEATURE with arguments as a program should and should not give
 * them. The argument ends where the memory that can be read ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "act.h"

#define ROOM (16 * PAGE) /* more than any argument needs */
#define TRAILING 64 /* bytes behind it, which nobody may look at */

static uint32_t feature_number(const struct op *op)
{
	switch (op->kind) {
	case OP_EXPORT:
		return VFIO_DEVICE_FEATURE_DMA_BUF;
	case OP_REVOKE:
		return BARLEASE_FEATURE_REVOKE;
	case OP_MEMATTR:
		return BARLEASE_FEATURE_MEMATTR;
	case OP_INFO:
		return BARLEASE_FEATURE_INFO;
	case OP_LOW_POWER:
		return op->arg[A_VALUE] ? VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY
					: VFIO_DEVICE_FEATURE_LOW_POWER_EXIT;
	default:
		return (uint32_t)op->arg[A_VALUE];
	}
}

static void fill_export(const struct op *op, uint8_t *data)
{
	struct vfio_device_feature_dma_buf head = {
		.region_index = (uint32_t)op->arg[A_BAR],
		.open_flags = (uint32_t)op->arg[A_OPEN_FLAGS],
		.flags = (uint32_t)op->arg[A_FLAGS],
		.nr_ranges = (uint32_t)op->arg[A_NR],
	};
	struct vfio_region_dma_range range;
	uint32_t i;

	memcpy(data, &head, sizeof(head));
	data += sizeof(head);
	for (i = 0; i < head.nr_ranges; i++, data += sizeof(range)) {
		uint64_t offset, length;

		op_range(op, i, &offset, &length);
		range.offset = offset;
		range.length = length;
		memcpy(data, &range, sizeof(range));
	}
}

static void fill(const struct op *op, int fd, uint8_t *data)
{
	struct barlease_memattr memattr = {
		.dmabuf_fd = fd,
		.memattr = (uint32_t)op->arg[A_VALUE],
	};
	struct barlease_lease_info info = {
		.dmabuf_fd = fd,
		.nr_ranges = (uint32_t)op->arg[A_NR],
		.attachments = (uint32_t)op->arg[A_VALUE],
	};

	switch (op->kind) {
	case OP_EXPORT:
		fill_export(op, data);
		break;
	case OP_REVOKE:
		memcpy(data, &fd, sizeof(fd));
		break;
	case OP_MEMATTR:
		memcpy(data, &memattr, sizeof(memattr));
		break;
	case OP_INFO:
		memcpy(data, &info, sizeof(info));
		break;
	default:
		break;
	}
}

/* There are no more ranges than there was room for. */
static void note_info(const uint8_t *data, uint64_t room, struct result *result)
{
	struct barlease_lease_info info;
	uint64_t count;

	memcpy(&info, data, sizeof(info));
	result->info.nr_ranges = info.nr_ranges;
	result->info.region_index = info.region_index;
	result->info.open_flags = info.open_flags;
	result->info.memattr = info.memattr;
	result->info.state = info.state;
	result->info.mappings = info.mappings;
	result->info.attachments = info.attachments;
	result->info.length = info.length;
	result->info.lease_id = info.lease_id;
	count = info.nr_ranges < room ? info.nr_ranges : room;
	if (count > SEEN_RANGES)
		count = SEEN_RANGES;
	memcpy(result->info.ranges, data + sizeof(info),
	       count * sizeof(struct vfio_region_dma_range));
}

/* Allows no new fd, if that is asked for. */
static void limit_fds(const struct op *op, struct rlimit *old)
{
	struct rlimit none;

	if (getrlimit(RLIMIT_NOFILE, old))
		abort();
	none = *old;
	none.rlim_cur = op->arg[A_NO_FDS] ? 0 : old->rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &none))
		abort();
}

static void send(int fd, const struct op *op, uint8_t *memory,
		 struct result *result)
{
	struct rlimit old;

	limit_fds(op, &old);
	result_note(result, ioctl(fd, VFIO_DEVICE_FEATURE, memory));
	setrlimit(RLIMIT_NOFILE, &old);
}

void act_feature(struct worker *worker, const struct op *op,
		 struct result *result)
{
	size_t size = sizeof(struct vfio_device_feature) + op_feature_size(op);
	struct vfio_device_feature feature = {
		.argsz = (uint32_t)(size + op->arg[A_ARGSZ]),
		.flags = (uint32_t)op->arg[A_OPERATION] | feature_number(op),
	};
	size_t readable = op->arg[A_READABLE];
	uint8_t *memory, *start, *bytes;

	bytes = calloc(1, size + TRAILING);
	memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!bytes || memory == MAP_FAILED)
		abort();
	memcpy(bytes, &feature, sizeof(feature));
	fill(op, worker->slot[op->arg[A_SLOT]], bytes + sizeof(feature));
	memset(bytes + size, 0xa5, TRAILING);
	if (readable > size + TRAILING)
		readable = size + TRAILING;
	start = memory + ROOM - PAGE - readable;
	memcpy(start, bytes, readable);
	mprotect(memory + ROOM - PAGE, PAGE, PROT_NONE);

	send(worker->device[op->arg[A_DEV]], op, start, result);
	if (!result->error && op->kind == OP_EXPORT && result->value > 0)
		slot_put(worker, op->arg[A_SLOT], (int)result->value);
	if (!result->error && op->kind == OP_INFO && readable >= size)
		note_info(start + sizeof(feature), op->arg[A_NR], result);
	munmap(memory, ROOM);
	free(bytes);
}
