// SPDX-License-Identifier: MIT
#include "saved_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Return: an fd, which the caller closes, or -errno. */
static int folder_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int folder_make(const char *path)
{
	int fd, err;

	if (mkdir(path, 0755) < 0)
		return errno == EEXIST ? folder_open(path) : -errno;
	fd = folder_open(path);
	if (fd >= 0 && fchmod(fd, 0755) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int text_write(int fd, const char *text)
{
	size_t left = strlen(text);
	ssize_t written;

	while (left) {
		/* The next one tells why this one was short. */
		written = write(fd, text, left);
		if (written <= 0)
			return written ? -errno : -EIO;
		text += written;
		left -= (size_t)written;
	}
	return 0;
}

static int file_write(int folder, const char *name, const char *text)
{
	int fd, err;

	/* What a killed process left behind is worth nothing. */
	unlinkat(folder, name, 0);
	fd = openat(folder, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	err = text_write(fd, text);
	if (!err && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

int saved_file_write(const char *folder, const char *name, const char *text)
{
	char new[NAME_MAX + 1];
	int fd, err;

	if (snprintf(new, sizeof(new), ".%s.new", name) >= (int)sizeof(new))
		return -ENAMETOOLONG;
	fd = folder_make(folder);
	if (fd < 0)
		return fd;
	err = file_write(fd, new, text);
	if (!err && renameat(fd, new, fd, name) < 0)
		err = -errno;
	if (err)
		unlinkat(fd, new, 0);
	else if (fsync(fd) < 0)
		err = -errno;
	close(fd);
	return err;
}

int saved_file_remove(const char *folder, const char *name)
{
	int fd = folder_open(folder);
	int err = 0;

	if (fd < 0)
		return fd;
	if (unlinkat(fd, name, 0) < 0 || fsync(fd) < 0)
		err = -errno;
	close(fd);
	return err;
}
