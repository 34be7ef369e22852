// SPDX-License-Identifier: MIT
#include "fds.h"

#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "input.h"

/* What is lost has a low number, as the kernel gives out the lowest. */
#define WATCHED 64

unsigned int fuzz_fd_count(void)
{
	static struct pollfd fds[WATCHED];
	unsigned int count = 0;

	for (int i = 0; i < WATCHED; i++)
		fds[i].fd = i;
	promise(poll(fds, WATCHED, 0) >= 0);
	for (int i = 0; i < WATCHED; i++)
		count += !(fds[i].revents & POLLNVAL);
	return count;
}

void input_keep(void)
{
	struct rlimit all;

	if (getrlimit(RLIMIT_NOFILE, &all))
		return;
	all.rlim_cur = all.rlim_max;
	setrlimit(RLIMIT_NOFILE, &all);
}

void fuzz_fds_exhaust(bool exhausted)
{
	static struct rlimit usual;
	struct rlimit none;

	if (!usual.rlim_cur)
		promise(!getrlimit(RLIMIT_NOFILE, &usual));
	none = usual;
	/* With 0 not even one could be polled. */
	none.rlim_cur = 1;
	promise(!setrlimit(RLIMIT_NOFILE, exhausted ? &none : &usual));
}

void fuzz_send(int sock, const void *bytes, size_t length, int fd,
	       unsigned int count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FUZZ_FDS_MAX * sizeof(int))];
	} control;
	struct iovec vec = {
		.iov_base = (void *)(uintptr_t)bytes,
		.iov_len = length,
	};
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };

	if (count) {
		memset(&control, 0, CMSG_SPACE(count * sizeof(int)));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		for (unsigned int i = 0; i < count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int),
			       &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	sendmsg(sock, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}
