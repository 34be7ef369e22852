// SPDX-License-Identifier: MIT
/* A lease imported by another device, through the module of the tests. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "act.h"
#include "harness.h"
#include "importer.h"

#define TOLD_MS patience_ms(10000)

static void attach(struct worker *worker, const struct op *op,
		   struct result *result)
{
	struct importer_attach attach = {
		.dmabuf_fd = worker->slot[op->arg[A_SLOT]],
		.flags = (uint32_t)op->arg[A_FLAGS],
		.unmap_after = (int32_t)op->arg[A_VALUE],
	};
	int fd = open(IMPORTER, O_RDWR | O_CLOEXEC);

	result_note(result, fd);
	if (fd < 0)
		return;
	result_note(result, ioctl(fd, IMPORTER_ATTACH, &attach));
	if (result->error)
		close(fd);
	else
		slot_put(worker, op->arg[A_SLOT2], fd);
}

/* Whether it is mapped, as soon as it has been told so often or has let go. */
static void ask(int fd, const struct op *op, struct result *result)
{
	long long end = now_ms() + TOLD_MS;
	struct importer_state state = { 0 };

	do {
		result_note(result, ioctl(fd, IMPORTER_STATE, &state));
		if (result->error || (state.notified >= op->arg[A_COUNT] &&
				      !(op->arg[A_HOW] && state.mapped)))
			break;
		sleep_ms(1);
		if (now_ms() > end)
			result->error = ETIMEDOUT;
	} while (!result->error);
	result->data = state.mapped;
}

static void transfer(int fd, const struct op *op, struct result *result)
{
	uint64_t data = op->arg[A_VALUE];
	struct importer_transfer transfer = {
		.offset = op->arg[A_OFFSET],
		.length = DMA_SIZE,
		.write = (uint32_t)op->arg[A_WRITE],
		.buffer = (uintptr_t)&data,
	};

	result_note(result, ioctl(fd, IMPORTER_TRANSFER, &transfer));
	result->data = op->arg[A_WRITE] ? 0 : data;
}

void act_peer(struct worker *worker, const struct op *op, struct result *result)
{
	int fd = worker->slot[op->arg[A_SLOT]];
	struct importer_map map = { 0 };

	switch (op->kind) {
	case OP_ATTACH:
		attach(worker, op, result);
		break;
	case OP_DETACH:
		result_note(result, ioctl(fd, IMPORTER_DETACH));
		break;
	case OP_PEER_MAP:
		result_note(result, ioctl(fd, IMPORTER_MAP, &map));
		result->data = map.length;
		break;
	case OP_PEER_UNMAP:
		result_note(result, ioctl(fd, IMPORTER_UNMAP));
		break;
	case OP_PEER_STATE:
		ask(fd, op, result);
		break;
	default:
		transfer(fd, op, result);
	}
}
