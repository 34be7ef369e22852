// SPDX-License-Identifier: MIT
/* A socket for lessees, with its file. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/socket.h"
#include "server/server.h"

static int socket_make(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);

	return fd < 0 ? -errno : fd;
}

/* Does nobody listen to the socket that is there? */
static bool is_left(const struct sockaddr_un *address)
{
	struct stat status;
	bool left;
	int fd;

	/* Nobody listens to any other file either. */
	if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return false;
	fd = socket_make();
	if (fd < 0)
		return false;
	left = connect(fd, (const struct sockaddr *)address,
		       sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;
	close(fd);
	return left;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *any = (const struct sockaddr *)address;

	if (!bind(fd, any, sizeof(*address)))
		return 0;
	if (errno != EADDRINUSE || !is_left(address))
		return -errno;
	if (unlink(address->sun_path) < 0 || bind(fd, any, sizeof(*address)))
		return -errno;
	return 0;
}

int server_socket_open(const char *path, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (!*path)
		return -EINVAL;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket_make();
	if (fd < 0)
		return fd;
	barlease_socket_prepare(fd, false);
	/* The file is made with this mode, or less: never with more. */
	if (fchmod(fd, mode) < 0) {
		err = -errno;
		goto err_close;
	}
	err = bind_to(fd, &address);
	if (err)
		goto err_close;
	if (chmod(path, mode) < 0 || listen(fd, SOMAXCONN) < 0) {
		err = -errno;
		unlink(path);
		goto err_close;
	}
	return fd;

err_close:
	close(fd);
	return err;
}
