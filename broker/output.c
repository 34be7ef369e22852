// SPDX-License-Identifier: MIT
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int output = STDERR_FILENO;
static bool torn; /* what was written last has no end */

void output_begin(void)
{
	struct stat status;
	int fd;

	if (fstat(STDERR_FILENO, &status) < 0 || !S_ISFIFO(status.st_mode))
		return;
	/* O_NONBLOCK of the one that there is would be that of others, too. */
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		output = fd;
}

/* A pipe or terminal with any room takes a piece. Return: bytes or -1. */
static ssize_t piece_write(const char *text, size_t length)
{
	struct pollfd room = { .fd = output, .events = POLLOUT };

	if (length > PIPE_BUF)
		length = PIPE_BUF;
	if (output == STDERR_FILENO && poll(&room, 1, 0) != 1)
		return -1;
	return write(output, text, length);
}

static ssize_t piece_put(const char *text, size_t length)
{
	ssize_t sent = send(output, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent < 0 && errno == ENOTSOCK ? piece_write(text, length) : sent;
}

bool output_put(const char *line)
{
	size_t length = strlen(line), done = 0;
	ssize_t sent;

	if (torn && piece_put("\n", 1) != 1)
		return false;
	torn = false;
	while (done < length) {
		sent = piece_put(line + done, length - done);
		if (sent <= 0)
			break;
		done += (size_t)sent;
	}
	torn = done && done < length;
	return done == length;
}
