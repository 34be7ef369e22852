// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lessee/lessee.h"

/* What there is to poll. */
static int poll_create(struct barlease_lessee *lessee)
{
	struct epoll_event event = { .events = EPOLLIN };

	lessee->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lessee->ready_fd < 0)
		return -errno;
	lessee->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (lessee->poll_fd < 0)
		return -errno;
	if (epoll_ctl(lessee->poll_fd, EPOLL_CTL_ADD, lessee->ready_fd,
		      &event) < 0 ||
	    epoll_ctl(lessee->poll_fd, EPOLL_CTL_ADD, lessee->sock, &event) < 0)
		return -errno;
	return 0;
}

/* All but the socket. */
static void lessee_free(struct barlease_lessee *lessee)
{
	if (lessee->poll_fd >= 0)
		close(lessee->poll_fd);
	if (lessee->ready_fd >= 0)
		close(lessee->ready_fd);
	free(lessee);
}

static int check_socket(int fd)
{
	struct sockaddr_un peer;
	socklen_t size = sizeof(peer);
	int type = 0;

	if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
		return -errno;
	size = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return -errno;
	return type == SOCK_SEQPACKET ? 0 : -EPROTOTYPE;
}

int barlease_lessee_connect_fd(int fd, struct barlease_lessee **result)
{
	struct barlease_lessee *lessee;
	int err;

	err = check_socket(fd);
	if (err)
		return err;
	lessee = calloc(1, sizeof(*lessee));
	if (!lessee)
		return -ENOMEM;
	lessee->sock = fd;
	lessee->poll_fd = -1;
	lessee->ready_fd = -1;
	lessee->owner = getpid();
	lessee->timeout = BARLEASE_LESSEE_TIMEOUT;
	lessee->last_serial = FIRST_SERIAL - 1;
	TAILQ_INIT(&lessee->unanswered);
	TAILQ_INIT(&lessee->telling);
	err = poll_create(lessee);
	if (!err && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		err = -errno;
	if (err) {
		lessee_free(lessee);
		return err;
	}
	barlease_socket_prepare(fd, true);
	*result = lessee;
	return 0;
}

/* A server that lets nobody in would have connect() wait for ever. */
static int connect_in_time(int sock, const struct sockaddr_un *address)
{
	uint64_t deadline = lessee_deadline(BARLEASE_LESSEE_TIMEOUT);
	struct timeval time;
	uint64_t left;

	for (;;) {
		left = lessee_left(deadline);
		if (!left)
			return -ETIMEDOUT;
		time.tv_sec = (time_t)(left / 1000);
		time.tv_usec = (suseconds_t)(left % 1000 * 1000);
		if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &time,
			       sizeof(time)) < 0)
			return -errno;
		if (!connect(sock, (const struct sockaddr *)address,
			     sizeof(*address)))
			return 0;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}

int barlease_lessee_connect(const char *path, struct barlease_lessee **lessee)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock, err;

	if (!*path)
		return -EINVAL;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	err = connect_in_time(sock, &address);
	if (!err)
		err = barlease_lessee_connect_fd(sock, lessee);
	if (err)
		close(sock);
	return err;
}

void barlease_lessee_close(struct barlease_lessee *lessee)
{
	struct record *record, *next;
	size_t i;

	if (!lessee)
		return;
	for (record = TAILQ_FIRST(&lessee->unanswered); record; record = next) {
		next = TAILQ_NEXT(record, unanswered);
		record_destroy(lessee, record);
	}
	for (record = TAILQ_FIRST(&lessee->telling); record; record = next) {
		next = TAILQ_NEXT(record, telling);
		record_destroy(lessee, record);
	}
	for (i = 0; i < LEASE_BUCKETS; i++) {
		for (record = LIST_FIRST(&lessee->leases[i]); record;
		     record = next) {
			next = LIST_NEXT(record, bucket);
			record_destroy(lessee, record);
		}
	}
	if (lessee->sock >= 0) {
		/* Also where a child has a copy, which would keep it open. */
		if (lessee->owner == getpid())
			shutdown(lessee->sock, SHUT_RDWR);
		close(lessee->sock);
	}
	lessee_free(lessee);
}

void barlease_lessee_set_timeout(struct barlease_lessee *lessee,
				 uint64_t timeout)
{
	lessee->timeout = timeout;
}

const char *barlease_lessee_sentence(const struct barlease_lessee *lessee)
{
	return lessee->sentence;
}

int barlease_lessee_get_fd(const struct barlease_lessee *lessee)
{
	return lessee->poll_fd;
}
