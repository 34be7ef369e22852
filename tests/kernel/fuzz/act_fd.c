// SPDX-License-Identifier: MIT
/* What can be done with the fd of a lease, other than to map it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "act.h"

static void buffer_ioctl(int fd, const struct op *op, struct result *result)
{
	struct dma_buf_sync sync = { .flags = op->arg[A_FLAGS] };
	struct dma_buf_export_sync_file out = {
		.flags = (uint32_t)op->arg[A_FLAGS],
		.fd = -1,
	};
	struct dma_buf_import_sync_file in = {
		.flags = (uint32_t)op->arg[A_FLAGS],
		.fd = -1,
	};

	switch (op->arg[A_HOW]) {
	case 0:
		result_note(result, ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
		break;
	case 1:
		result_note(result, ioctl(fd, DMA_BUF_SET_NAME_B, "fuzz"));
		break;
	case 2:
		result_note(result,
			    ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &out));
		if (!result->error)
			close(out.fd);
		break;
	case 3:
		result_note(result,
			    ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &in));
		break;
	default:
		result_note(result, ioctl(fd, VFIO_DEVICE_RESET, &sync));
	}
}

static void reopen(struct worker *worker, const struct op *op,
		   struct result *result)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d",
		 worker->slot[op->arg[A_SLOT]]);
	fd = open(path, (int)op->arg[A_OPEN_FLAGS] | O_CLOEXEC);
	result_note(result, fd);
	if (fd >= 0)
		slot_put(worker, op->arg[A_SLOT2], fd);
}

void act_fd(struct worker *worker, const struct op *op, struct result *result)
{
	int fd = worker->slot[op->arg[A_SLOT]];
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	uint64_t data = 0;

	switch (op->kind) {
	case OP_DUP:
		result_note(result, dup(fd));
		if (!result->error)
			slot_put(worker, op->arg[A_SLOT2], (int)result->value);
		break;
	case OP_CLOSE:
		result_note(result, close(fd));
		worker->slot[op->arg[A_SLOT]] = -1;
		break;
	case OP_REOPEN:
		reopen(worker, op, result);
		break;
	case OP_OTHER:
		slot_put(worker, op->arg[A_SLOT],
			 open("/dev/null", O_RDWR | O_CLOEXEC));
		break;
	case OP_SEEK:
		result_note(result, lseek(fd, (off_t)op->arg[A_OFFSET],
					  (int)op->arg[A_HOW]));
		break;
	case OP_RW:
		result_note(result, op->arg[A_WRITE]
					    ? write(fd, &data, sizeof(data))
					    : read(fd, &data, sizeof(data)));
		break;
	case OP_POLL:
		result_note(result, poll(&poll_fd, 1, 0));
		result->data = (uint64_t)poll_fd.revents;
		break;
	default:
		buffer_ioctl(fd, op, result);
	}
}
