// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lessee.h"

enum order_code {
	ORDER_GIVE,
	ORDER_TAKE,
	ORDER_MMAP,
	ORDER_MUNMAP,
	ORDER_CLOSE,
	ORDER_OPEN,
	ORDER_READ,
	ORDER_WRITE,
};

struct order {
	enum order_code code;
	int fd;
	int flags;
	uint32_t value;
	uint64_t offset;
	uint64_t length;
	void *address;
	char path[100];
};

struct answer {
	long result;		/* -errno, or what the call gives */
	uint32_t value;
};

/* Send @data, with @fd unless it is negative. */
static bool packet_send(int channel, void *data, size_t size, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec vec = { .iov_base = data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Receive into @data; put the fd that came with it into @fd, or -1. */
static bool packet_receive(int channel, void *data, size_t size, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec vec = { .iov_base = data, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	*fd = -1;
	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != (ssize_t)size)
		return false;
	if (message.msg_controllen)
		memcpy(fd, CMSG_DATA(&control.header), sizeof(*fd));
	return true;
}

static long sys(long value)
{
	return value == -1 ? -errno : value;
}

static struct answer obey(const struct order *order, int fd, int *fd_back)
{
	struct answer answer = { 0 };

	switch (order->code) {
	case ORDER_GIVE:
		answer.result = fd;
		break;
	case ORDER_TAKE:
		*fd_back = order->fd;
		break;
	case ORDER_MMAP:
		answer.result = sys((long)mmap(NULL, order->length,
					       order->flags, MAP_SHARED,
					       order->fd,
					       (off_t)order->offset));
		break;
	case ORDER_MUNMAP:
		answer.result = sys(munmap(order->address, order->length));
		break;
	case ORDER_CLOSE:
		answer.result = sys(close(order->fd));
		break;
	case ORDER_OPEN:
		answer.result = sys(open(order->path, order->flags));
		break;
	case ORDER_READ:
		answer.result = touch_read(order->address, &answer.value);
		break;
	case ORDER_WRITE:
		answer.result = touch_write(order->address, order->value);
		break;
	}
	return answer;
}

_Noreturn static void serve(int channel)
{
	struct answer answer;
	struct order order;
	int fd, fd_back;

	while (packet_receive(channel, &order, sizeof(order), &fd)) {
		fd_back = -1;
		answer = obey(&order, fd, &fd_back);
		if (!packet_send(channel, &answer, sizeof(answer), fd_back))
			break;
	}
	_exit(0);
}

static void drop_privileges(int channel)
{
	ASSERT_SYS(dup2(channel, STDIN_FILENO));
	/* 1 and 2 stay: a failed assertion ends up there. */
	ASSERT_SYS(close_range(3, ~0U, 0));
	ASSERT_SYS(setgroups(0, NULL));
	ASSERT_SYS(setresgid(LESSEE_UID, LESSEE_UID, LESSEE_UID));
	ASSERT_SYS(setresuid(LESSEE_UID, LESSEE_UID, LESSEE_UID));
	ASSERT_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void start(struct lessee *lessee, bool unprivileged)
{
	int channels[2];

	ASSERT_SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			      channels));
	lessee->pid = (pid_t)ASSERT_SYS(fork());
	if (!lessee->pid) {
		close(channels[0]);
		if (!unprivileged)
			serve(channels[1]);
		drop_privileges(channels[1]);
		serve(STDIN_FILENO);
	}
	close(channels[1]);
	lessee->channel = channels[0];
}

void lessee_start(struct lessee *lessee)
{
	start(lessee, false);
}

void lessee_start_unprivileged(struct lessee *lessee)
{
	start(lessee, true);
}

static struct answer command(struct lessee *lessee, struct order *order,
			     int fd, int *fd_back)
{
	struct answer answer;
	int ignored;

	if (!packet_send(lessee->channel, order, sizeof(*order), fd) ||
	    !packet_receive(lessee->channel, &answer, sizeof(answer),
			    fd_back ? fd_back : &ignored))
		FAIL("lessee %d is gone (order %d)", (int)lessee->pid,
		     order->code);
	return answer;
}

int lessee_give(struct lessee *lessee, int fd)
{
	struct order order = { .code = ORDER_GIVE };

	return (int)command(lessee, &order, fd, NULL).result;
}

int lessee_take(struct lessee *lessee, int fd)
{
	struct order order = { .code = ORDER_TAKE, .fd = fd };
	int taken;

	command(lessee, &order, -1, &taken);
	ASSERT(taken >= 0);
	return taken;
}

int lessee_mmap(struct lessee *lessee, int fd, uint64_t offset, size_t length,
		int prot, void **address)
{
	struct order order = {
		.code = ORDER_MMAP,
		.fd = fd,
		.offset = offset,
		.length = length,
		.flags = prot,
	};
	long result = command(lessee, &order, -1, NULL).result;

	if (result < 0 && result > -4096)
		return (int)result;
	*address = (void *)result;
	return 0;
}

int lessee_munmap(struct lessee *lessee, void *address, size_t length)
{
	struct order order = {
		.code = ORDER_MUNMAP,
		.address = address,
		.length = length,
	};

	return (int)command(lessee, &order, -1, NULL).result;
}

int lessee_close(struct lessee *lessee, int fd)
{
	struct order order = { .code = ORDER_CLOSE, .fd = fd };

	return (int)command(lessee, &order, -1, NULL).result;
}

int lessee_open(struct lessee *lessee, const char *path, int flags)
{
	struct order order = { .code = ORDER_OPEN, .flags = flags };

	ASSERT(strlen(path) < sizeof(order.path));
	strcpy(order.path, path);
	return (int)command(lessee, &order, -1, NULL).result;
}

enum outcome lessee_read(struct lessee *lessee, const void *address,
			 uint32_t *value)
{
	struct order order = {
		.code = ORDER_READ,
		.address = (void *)address,
	};
	struct answer answer = command(lessee, &order, -1, NULL);

	if (value)
		*value = answer.value;
	return (enum outcome)answer.result;
}

enum outcome lessee_write(struct lessee *lessee, void *address, uint32_t value)
{
	struct order order = {
		.code = ORDER_WRITE,
		.address = address,
		.value = value,
	};

	return (enum outcome)command(lessee, &order, -1, NULL).result;
}

void lessee_end(struct lessee *lessee)
{
	close(lessee->channel);
	ASSERT_SYS(waitpid(lessee->pid, NULL, 0));
}

void lessee_kill(struct lessee *lessee)
{
	ASSERT_SYS(kill(lessee->pid, SIGKILL));
	lessee_end(lessee);
}

void *lessee_start_mapped(struct lessee *lessee, int fd, size_t length)
{
	void *address;
	int their_fd;

	lessee_start_unprivileged(lessee);
	their_fd = lessee_give(lessee, fd);
	ASSERT_OK(lessee_mmap(lessee, their_fd, 0, length,
			      PROT_READ | PROT_WRITE, &address));
	ASSERT_OK(lessee_close(lessee, their_fd));
	return address;
}
