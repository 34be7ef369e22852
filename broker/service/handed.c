// SPDX-License-Identifier: MIT
#include "service/handed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int handed_add(struct handed *handed, int fd)
{
	int *more = reallocarray(handed->sockets, handed->count + 1,
				 sizeof(*more));

	if (!more)
		return -ENOMEM;
	handed->sockets = more;
	more[handed->count++] = fd;
	return 0;
}

static bool is_at(int fd, const char *path)
{
	struct sockaddr_un address = { 0 };
	/* So that the path ends with a 0. */
	socklen_t size = sizeof(address) - 1;

	return !getsockname(fd, (struct sockaddr *)&address, &size) &&
	       address.sun_family == AF_UNIX &&
	       !strcmp(address.sun_path, path);
}

int handed_find(const struct handed *handed, const char *path)
{
	int fd;

	for (size_t i = 0; i < handed->count; i++) {
		if (!is_at(handed->sockets[i], path))
			continue;
		fd = fcntl(handed->sockets[i], F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

void handed_end(struct handed *handed)
{
	for (size_t i = 0; i < handed->count; i++)
		close(handed->sockets[i]);
	free(handed->sockets);
	*handed = (struct handed){ 0 };
}
