// SPDX-License-Identifier: MIT
/* What the fd of a lease answers, other than to mmap(). */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <stdio.h>

#include "model.h"

static void expect_buffer(const struct op *op, struct expect *expect)
{
	uint64_t flags = op->arg[A_FLAGS];
	bool valid = flags & DMA_BUF_SYNC_RW;

	switch (op->arg[A_HOW]) {
	case 0:
		valid = valid &&
			!(flags & ~(uint64_t)DMA_BUF_SYNC_VALID_FLAGS_MASK);
		expect_error(expect, valid ? 0 : EINVAL);
		break;
	case 1:
		expect_error(expect, 0);
		break;
	case 2:
		valid = valid && !(flags & ~(uint64_t)DMA_BUF_SYNC_RW);
		expect_error(expect, valid ? 0 : EINVAL);
		/* Without CONFIG_SYNC_FILE. */
		expect_error(expect, ENOTTY);
		break;
	case 3:
		expect_error(expect, EINVAL);
		expect_error(expect, ENOTTY);
		break;
	default:
		expect_error(expect, ENOTTY);
	}
}

static void expect_seek(const struct lease *lease, const struct op *op,
			struct expect *expect)
{
	if (op->arg[A_OFFSET] ||
	    (op->arg[A_HOW] != SEEK_SET && op->arg[A_HOW] != SEEK_END)) {
		expect_error(expect, EINVAL);
		return;
	}
	expect->has_value = true;
	expect->value =
		op->arg[A_HOW] == SEEK_END ? (int64_t)(lease->pages * PAGE) : 0;
}

static void expect_lease_fd(const struct lease *lease, const struct op *op,
			    struct expect *expect)
{
	switch (op->kind) {
	case OP_SEEK:
		expect_seek(lease, op, expect);
		break;
	case OP_RW:
		expect_error(expect,
			     lease->access == (op->arg[A_WRITE] ? O_RDONLY
								: O_WRONLY)
				     ? EBADF
				     : EINVAL);
		break;
	case OP_POLL:
		expect->has_data = true;
		expect->data = POLLIN | POLLOUT;
		break;
	case OP_BUFFER:
		expect_buffer(op, expect);
		break;
	default:
		break;
	}
}

/* Nobody gets access this way; who may not even try hears of that first. */
static void expect_reopen(const struct process *process, const struct op *op,
			  struct expect *expect)
{
	const struct slot *slot = &process->slots[op->arg[A_SLOT]];

	expect->skip = !slot->lease;
	if (op->arg[A_OPEN_FLAGS] == O_PATH)
		return;
	expect_error(expect, ENXIO);
	if (process->ordinary)
		expect_error(expect, EACCES);
}

void expect_fd(struct model *model, const struct op *op, struct expect *expect)
{
	const struct slot *slot =
		&model->processes[op->worker].slots[op->arg[A_SLOT]];
	bool empty = slot->kind == SLOT_EMPTY;

	if (expect->skip)
		return;
	if (op->kind == OP_REOPEN) {
		expect_reopen(&model->processes[op->worker], op, expect);
		return;
	}
	if (slot->kind == SLOT_LEASE) {
		expect_lease_fd(slot->lease, op, expect);
		return;
	}

	switch (op->kind) {
	case OP_DUP:
	case OP_CLOSE:
		expect_error(expect, empty ? EBADF : 0);
		break;
	case OP_POLL:
		expect->skip = slot->kind >= SLOT_GROUP;
		expect->has_data = true;
		expect->data = empty ? 0 : POLLNVAL;
		break;
	default:
		expect->skip = slot->kind >= SLOT_GROUP;
		expect_error(expect, EBADF);
	}
}
