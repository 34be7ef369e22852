// SPDX-License-Identifier: MIT
#include "act.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "random.h"

uint64_t pristine(unsigned int device, uint64_t offset)
{
	return random_mix((uint64_t)device << 56 | offset >> 3);
}

void worker_init(struct worker *worker, unsigned int number,
		 struct shared *shared)
{
	memset(worker, 0, sizeof(*worker));
	worker->number = number;
	worker->shared = shared;
	memset(worker->slot, -1, sizeof(worker->slot));
	memset(worker->device, -1, sizeof(worker->device));
}

void slot_put(struct worker *worker, uint64_t slot, int fd)
{
	if (worker->slot[slot] >= 0)
		close(worker->slot[slot]);
	worker->slot[slot] = fd;
}

void result_note(struct result *result, int64_t value)
{
	result->value = value;
	result->error = value < 0 ? errno : 0;
}

int act(struct worker *worker, const struct op *op, int fd,
	struct result *result)
{
	memset(result, 0, sizeof(*result));
	switch (op->kind) {
	case OP_EXPORT:
	case OP_REVOKE:
	case OP_MEMATTR:
	case OP_INFO:
	case OP_FEATURE:
	case OP_LOW_POWER:
		act_feature(worker, op, result);
		break;
	case OP_OPEN_SET:
	case OP_HOT_RESET:
		act_set(worker, op, result);
		break;
	case OP_OPEN:
	case OP_CLOSE_DEVICE:
	case OP_MEMORY:
	case OP_POWER:
	case OP_RESET:
	case OP_FLR:
	case OP_REGION:
		act_device(worker, op, result);
		break;
	case OP_MAP:
	case OP_MAP_BAR:
	case OP_UNMAP:
	case OP_PROTECT:
	case OP_MOVE:
	case OP_ADVISE:
	case OP_LOCK:
	case OP_ACCESS:
		act_memory(worker, op, result);
		break;
	case OP_ATTACH:
	case OP_DETACH:
	case OP_PEER_MAP:
	case OP_PEER_UNMAP:
	case OP_PEER_STATE:
	case OP_DMA:
		act_peer(worker, op, result);
		break;
	case OP_YANK:
		act_yank(worker, op);
		break;
	case OP_PASS:
		if (op->worker == worker->number)
			return worker->slot[op->arg[A_SLOT]];
		slot_put(worker, op->arg[A_SLOT2], fd);
		break;
	case OP_PASS_DEVICE:
		if (op->worker == worker->number)
			return worker->device[op->arg[A_DEV]];
		worker->device[op->arg[A_DEV]] = fd;
		worker->opened[op->arg[A_DEV]] = NULL;
		break;
	case OP_EXIT:
		_exit(0);
	default:
		act_fd(worker, op, result);
	}
	return -1;
}
