// SPDX-License-Identifier: MIT
#include "protocol/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What headers of the C library may not have yet; the last is of Linux 6.16. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* There is room for two, as CMSG_SPACE() rounds up. */
union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

/* Keep the first fd, close the others. */
static void take_fds(const struct cmsghdr *header, struct received *received)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	size_t i;
	int fd;

	for (i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
		if (received->fd < 0) {
			received->fd = fd;
		} else {
			close(fd);
			received->fds_lost = true;
			received->fds_several = true;
		}
	}
}

void barlease_socket_prepare(int sock, bool takes_fds)
{
	static const int options[] = {
		SO_PASSCRED,
		SO_PASSSEC,
		SO_PASSPIDFD,
		SO_PASSRIGHTS,
	};
	const size_t count = sizeof(options) / sizeof(*options) - takes_fds;
	const int off = 0;

	for (size_t i = 0; i < count; i++)
		setsockopt(sock, SOL_SOCKET, options[i], &off, sizeof(off));
}

/* @control: NULL where no fd is wanted: the kernel drops them then. */
static int receive(int sock, int flags, union control *control,
		   struct received *received)
{
	struct iovec vec = {
		.iov_base = &received->packet,
		.iov_len = sizeof(received->packet),
	};
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = control ? sizeof(*control) : 0,
	};
	struct cmsghdr *header;
	ssize_t length;

	memset(received, 0, sizeof(*received));
	received->fd = -1;
	do {
		length = recvmsg(sock, &message,
				 MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC |
					 flags);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;

	for (header = CMSG_FIRSTHDR(&message); header;
	     header = CMSG_NXTHDR(&message, header))
		if (header->cmsg_level == SOL_SOCKET &&
		    header->cmsg_type == SCM_RIGHTS)
			take_fds(header, received);
	if (message.msg_flags & MSG_CTRUNC)
		received->fds_lost = true;
	if (received->fd >= 0 && (received->fds_lost || !length)) {
		close(received->fd);
		received->fd = -1;
	}
	received->length = (size_t)length;
	return length ? 0 : -ECONNRESET;
}

int barlease_packet_receive(int sock, struct received *received)
{
	union control control;

	return receive(sock, 0, &control, received);
}

int barlease_packet_receive_alone(int sock, struct received *received)
{
	return receive(sock, 0, NULL, received);
}

int barlease_packet_peek(int sock, struct received *received)
{
	return receive(sock, MSG_PEEK, NULL, received);
}

int barlease_packet_send(int sock, const union packet *packet, int fd)
{
	union control control = { 0 };
	struct iovec vec = {
		.iov_base = (void *)packet,
		.iov_len = packet->header.size,
	};
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	do {
		sent = sendmsg(sock, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}
