// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"

#define CHUNK ((size_t)64 << 10)

static ssize_t read_some(int fd, void *buf, size_t length)
{
	ssize_t n;

	do {
		n = read(fd, buf, length);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Read to the end, or to the first byte that is more than @room. */
static int source_slurp(struct source *source, int fd, uint64_t room)
{
	size_t used = 0;
	unsigned char *larger;
	ssize_t n;

	for (;;) {
		if (used == source->buf_size) {
			size_t size = used ? used * 2 : CHUNK;

			larger = realloc(source->buf, size);
			if (!larger)
				return -ENOMEM;
			source->buf = larger;
			source->buf_size = size;
		}
		n = read_some(fd, source->buf + used, source->buf_size - used);
		if (n < 0)
			return (int)n;
		if (!n)
			break;
		used += (size_t)n;
		if (used > room) {
			source->size = used;
			source->at_least = true;
			return -EFBIG;
		}
	}
	source->size = used;
	return 0;
}

/* A regular file says how much there is left of it. */
static int source_measure(struct source *source, int fd, off_t file_size,
			  uint64_t room)
{
	off_t position = lseek(fd, 0, SEEK_CUR);

	if (position < 0)
		return -errno;
	source->size =
		position < file_size ? (uint64_t)(file_size - position) : 0;
	if (source->size > room)
		return -EFBIG;
	source->buf_size = CHUNK;
	source->buf = malloc(CHUNK);
	if (!source->buf)
		return -ENOMEM;
	source->fd = fd;
	return 0;
}

int source_open(struct source *source, const char *name, uint64_t room)
{
	struct stat status;
	int err;
	int fd;

	memset(source, 0, sizeof(*source));
	source->fd = -1;
	/* One's own copy of the standard input can be closed like a file. */
	if (!strcmp(name, "-"))
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	if (fstat(fd, &status) < 0)
		err = -errno;
	else if (S_ISREG(status.st_mode))
		err = source_measure(source, fd, status.st_size, room);
	else
		err = source_slurp(source, fd, room);

	if (err) {
		free(source->buf);
		source->buf = NULL;
	}
	if (err || source->fd < 0)
		close(fd);
	return err;
}

int source_next(struct source *source, const void **data, size_t *length)
{
	ssize_t n;

	*data = source->buf;
	if (source->fd < 0) {
		*length = (size_t)source->size;
		return 0;
	}
	n = read_some(source->fd, source->buf, source->buf_size);
	if (n <= 0)
		return n < 0 ? (int)n : -ENODATA;
	*length = (size_t)n;
	return 0;
}

void source_close(struct source *source)
{
	free(source->buf);
	if (source->fd >= 0)
		close(source->fd);
}
