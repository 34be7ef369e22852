// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"

int attribute_read(const char *path, char *buf, size_t size)
{
	size_t done = 0;
	ssize_t n = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (done < size) {
		n = read(fd, buf + done, size - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (n < 0) {
		n = -errno;
		close(fd);
		return (int)n;
	}
	close(fd);

	if (done == size)
		return -EFBIG;
	if (done && buf[done - 1] == '\n')
		done--;
	buf[done] = '\0';
	return 0;
}

int attribute_write(const char *path, const char *value)
{
	size_t length = strlen(value);
	int err = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, value, length);
	if (n < 0)
		err = -errno;
	else if ((size_t)n != length)
		err = -EIO;
	close(fd);
	return err;
}

int link_name(const char *path, char *buf, size_t size)
{
	char target[PATH_MAX];
	const char *name;
	ssize_t length;

	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';

	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= size)
		return -ENAMETOOLONG;
	strcpy(buf, name);
	return 0;
}

bool path_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
