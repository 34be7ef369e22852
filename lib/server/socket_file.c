// SPDX-License-Identifier: MIT
#include "server/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/socket.h"

#define LOCK_SUFFIX ".lock"

/* Servers that come and go there while one waits. */
#define LOCK_TRIES 1000

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

static bool is_file(int fd, const char *path)
{
	struct stat ours, there;

	return !fstat(fd, &ours) && !lstat(path, &there) &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* Somebody else could have his own locked for ever. */
static bool is_ours(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && status.st_uid == geteuid();
}

/*
 * Of two servers that find the same socket, one would remove what the other one
 * has just put in its place; and a socket that does not listen yet looks as if
 * nobody did. The file must be nobody else's, so that nobody else can have it
 * locked.
 * Return: an fd, which holds the lock, or -errno.
 */
static int path_lock(const char *lock)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	for (unsigned int i = 0; i < LOCK_TRIES; i++) {
		fd = open(lock,
			  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0600);
		if (fd < 0)
			return -errno;
		if (!is_ours(fd)) {
			close(fd);
			return -EACCES;
		}
		while (fcntl(fd, F_OFD_SETLKW, &whole) < 0) {
			int err = -errno;

			if (err == -EINTR)
				continue;
			close(fd);
			return err;
		}
		/* Who had it before has removed it. */
		if (is_file(fd, lock))
			return fd;
		close(fd);
	}
	return -EBUSY;
}

static void path_unlock(const char *lock, int fd)
{
	struct flock none = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	unlink(lock);
	/* A process that was forked meanwhile has it open as well. */
	fcntl(fd, F_OFD_SETLK, &none);
	close(fd);
}

static int socket_open(const struct sockaddr_un *address, mode_t mode)
{
	const char *path = address->sun_path;
	int fd = socket_make();
	int err;

	if (fd < 0)
		return fd;
	barlease_socket_prepare(fd, false);
	/* The file is made with this mode, or less: never with more. */
	if (fchmod(fd, mode) < 0) {
		err = -errno;
		goto err_close;
	}
	err = bind_to(fd, address);
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

void socket_file_find(const char *path, struct socket_file *file)
{
	struct stat status;

	*file = (struct socket_file){ 0 };
	if (lstat(path, &status) < 0)
		return;
	file->device = status.st_dev;
	file->inode = status.st_ino;
}

bool socket_file_exists(const char *path, const struct socket_file *file)
{
	struct socket_file there;

	socket_file_find(path, &there);
	return there.inode && there.device == file->device &&
	       there.inode == file->inode;
}

void socket_file_remove(const char *path, const struct socket_file *file)
{
	if (socket_file_exists(path, file))
		unlink(path);
}

int socket_file_open(const char *path, mode_t mode, struct socket_file *file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char lock[sizeof(address.sun_path) + sizeof(LOCK_SUFFIX)];
	int held, fd;

	if (!*path)
		return -EINVAL;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	strcpy(lock, path);
	strcat(lock, LOCK_SUFFIX);
	held = path_lock(lock);
	if (held < 0)
		return held;
	fd = socket_open(&address, mode);
	if (fd >= 0)
		socket_file_find(path, file);
	path_unlock(lock, held);
	return fd;
}
