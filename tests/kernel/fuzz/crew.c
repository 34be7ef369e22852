// SPDX-License-Identifier: MIT
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "harness.h"
#include "importer.h"

#define ANSWER_MS patience_ms(30000)
#define NOBODY 65534

struct message {
	void *data;
	size_t size;
	int fd;
};

static int send_message(int socket, const struct message *message)
{
	struct iovec vec = { message->data, message->size };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr header = { .msg_iov = &vec, .msg_iovlen = 1 };

	if (message->fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &message->fd, sizeof(int));
	}
	return sendmsg(socket, &header, MSG_NOSIGNAL) == (ssize_t)message->size
		       ? 0
		       : -1;
}

static int receive_message(int socket, struct message *message)
{
	struct iovec vec = { message->data, message->size };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr header = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	message->fd = -1;
	if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC) !=
	    (ssize_t)message->size)
		return -1;
	if (header.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&message->fd, CMSG_DATA(&control.header), sizeof(int));
	return 0;
}

void crew_drop_rights(unsigned int number)
{
	if (number < LESSORS)
		return;
	if (setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		abort();
	prctl(PR_SET_DUMPABLE, 1); /* /proc/self is its own again */
}

_Noreturn static void worker_run(struct crew *crew, unsigned int number)
{
	struct worker worker;
	struct result result;
	struct op op;
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	crew_drop_rights(number);
	worker_init(&worker, number, crew->shared);
	for (;;) {
		struct message in = { &op, sizeof(op), -1 };
		struct message out = { &result, sizeof(result), -1 };

		if (receive_message(crew->sockets[worker.number][1], &in))
			_exit(1);
		if (op.kind == OP_FORK) {
			memset(&result, 0, sizeof(result));
			pid = fork();
			if (!pid)
				worker.number = (unsigned int)op.arg[A_PEER];
			result_note(&result, pid);
		} else {
			out.fd = act(&worker, &op, in.fd, &result);
		}
		if (send_message(crew->sockets[worker.number][1], &out))
			_exit(1);
	}
}

static void note_process(struct crew *crew, unsigned int number, pid_t pid)
{
	crew->pids[number] = pid;
	crew->pidfds[number] = (int)syscall(SYS_pidfd_open, pid, 0);
	if (crew->pidfds[number] < 0)
		abort();
}

static void crew_spawn(struct crew *crew, unsigned int number)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid)
		worker_run(crew, number);
	note_process(crew, number, pid);
}

/* Return whether the process is gone, with all that it had. */
static bool crew_await_end(struct crew *crew, unsigned int number)
{
	struct pollfd end = { .fd = crew->pidfds[number], .events = POLLIN };

	if (poll(&end, 1, (int)ANSWER_MS) != 1)
		return false;
	close(crew->pidfds[number]);
	crew->pids[number] = 0;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return true;
}

void crew_start(struct crew *crew, struct shared *shared)
{
	unsigned int i;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	memset(crew, 0, sizeof(*crew));
	crew->shared = shared;
	for (i = 0; i < WORKERS; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			       crew->sockets[i]))
			abort();
	for (i = 0; i < FIRST_WORKERS; i++)
		crew_spawn(crew, i);
}

void crew_stop(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		if (crew->pids[i])
			kill(crew->pids[i], SIGKILL);
	for (i = 0; i < WORKERS; i++) {
		if (crew->pids[i])
			crew_await_end(crew, i);
		close(crew->sockets[i][0]);
		close(crew->sockets[i][1]);
	}
}

/* The answer of a worker. */
static int crew_hear(struct crew *crew, unsigned int number,
		     struct message *message, char *why, size_t size)
{
	struct pollfd polled[2] = {
		{ .fd = crew->sockets[number][0], .events = POLLIN },
		{ .fd = crew->pidfds[number], .events = POLLIN },
	};

	if (poll(polled, 2, (int)ANSWER_MS) < 1) {
		snprintf(why, size, "worker %u hangs", number);
		return -1;
	}
	if (!polled[0].revents) {
		snprintf(why, size, "worker %u is dead", number);
		crew_await_end(crew, number);
		return -1;
	}
	return receive_message(crew->sockets[number][0], message);
}

static int crew_tell(struct crew *crew, unsigned int number,
		     const struct op *op, int fd, struct result *result,
		     int *answered_fd, char *why, size_t size)
{
	struct message out = { (void *)op, sizeof(*op), fd };
	struct message in = { result, sizeof(*result), -1 };

	if (send_message(crew->sockets[number][0], &out)) {
		snprintf(why, size, "worker %u cannot be told", number);
		return -1;
	}
	if (crew_hear(crew, number, &in, why, size))
		return -1;
	if (answered_fd)
		*answered_fd = in.fd;
	return 0;
}

static int crew_pass(struct crew *crew, const struct op *op,
		     struct result *result, char *why, size_t size)
{
	int fd, ret;

	if (crew_tell(crew, op->worker, op, -1, result, &fd, why, size))
		return -1;
	if (fd < 0) {
		snprintf(why, size, "no fd came");
		return -1;
	}
	ret = crew_tell(crew, (unsigned int)op->arg[A_PEER], op, fd, result,
			NULL, why, size);
	close(fd);
	return ret;
}

static int crew_fork(struct crew *crew, const struct op *op,
		     struct result *result, char *why, size_t size)
{
	unsigned int peer = (unsigned int)op->arg[A_PEER];
	struct result child;
	struct message hello = { &child, sizeof(child), -1 };

	if (crew_tell(crew, op->worker, op, -1, result, NULL, why, size))
		return -1;
	if (result->error)
		return 0;
	note_process(crew, peer, (pid_t)result->value);
	return crew_hear(crew, peer, &hello, why, size);
}

static int crew_end(struct crew *crew, const struct op *op, char *why,
		    size_t size)
{
	struct message out = { (void *)op, sizeof(*op), -1 };

	if (op->arg[A_HOW])
		kill(crew->pids[op->worker], SIGKILL);
	else if (send_message(crew->sockets[op->worker][0], &out))
		return -1;
	if (crew_await_end(crew, op->worker))
		return 0;
	snprintf(why, size, "worker %u does not end", op->worker);
	return -1;
}

static void rebind(struct crew *crew, const struct op *op,
		   struct result *result)
{
	const char *bdf = crew->shared->bdf[op->arg[A_DEV]];

	result->error = -device_unbind(bdf);
	if (!result->error)
		result->error = -device_bind(bdf);
}

int crew_do(struct crew *crew, const struct op *op, struct result *result,
	    char *why, size_t size)
{
	memset(result, 0, sizeof(*result));
	switch (op->kind) {
	case OP_SPAWN:
		crew_spawn(crew, op->worker);
		return 0;
	case OP_EXIT:
		return crew_end(crew, op, why, size);
	case OP_FORK:
		return crew_fork(crew, op, result, why, size);
	case OP_PASS:
	case OP_PASS_DEVICE:
		return crew_pass(crew, op, result, why, size);
	case OP_ALLOW_PEERS:
		result->error =
			-sysfs_write(ALLOW_PEERS, op->arg[A_VALUE] ? "Y" : "N");
		return 0;
	case OP_PLUG:
		plug_in(crew->shared->bdf[op->arg[A_DEV]]);
		return 0;
	case OP_REBIND:
		rebind(crew, op, result);
		return 0;
	default:
		return crew_tell(crew, op->worker, op, -1, result, NULL, why,
				 size);
	}
}
