// SPDX-License-Identifier: MIT
#include "server/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

/*
 * The kernel knows the process itself. Where it does not tell (before 6.5) there
 * is only its number, which another process can have by now if this one has
 * passed the connection on and ended; the leases end with the connection then.
 */
static int process_open(int sock, pid_t pid)
{
	socklen_t size = sizeof(int);
	int fd = -1;

	if (!getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, &fd, &size)) {
		/* Before 6.9 it is what the process would call its own. */
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
			close(fd);
			return -EBADF;
		}
		return fd;
	}
	if (errno == ENOPROTOOPT) {
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (fd >= 0)
			return fd;
	}
	/* EINVAL is what it was called at first. */
	return errno == EINVAL ? -ESRCH : -errno;
}

/* All of a small file, as a string. */
static void file_read(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	size_t length = 0;
	ssize_t more;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while (length < size - 1 &&
		       (more = read(fd, text + length, size - 1 - length)) > 0)
			length += (size_t)more;
		close(fd);
	}
	text[length] = '\0';
}

/*
 * Its path in the unified hierarchy, which has the number 0. A line that does not
 * end is cut off, and its path that of another one.
 */
static void cgroup_find(char *lines, char *path, size_t size)
{
	char *rest = lines, *line;

	path[0] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (rest && !strncmp(line, "0::", 3) &&
		    strlen(line + 3) < size)
			strcpy(path, line + 3);
}

/* A process may call itself anything, and others will be told of it. */
static void command_clean(char *command)
{
	size_t length = strlen(command);

	if (length && command[length - 1] == '\n')
		command[length - 1] = '\0';
	for (; *command; command++)
		if (*command < ' ' || *command > '~')
			*command = '?';
}

static int ended(int process)
{
	struct pollfd poller = { .fd = process, .events = POLLIN };

	return poll(&poller, 1, 0) != 0;
}

int server_peer_get(int sock, struct peer *peer)
{
	char lines[2 * PATH_MAX];
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	peer->process = process_open(sock, cred.pid);
	if (peer->process < 0)
		return peer->process;
	peer->pid = cred.pid;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	file_read(cred.pid, "cgroup", lines, sizeof(lines));
	cgroup_find(lines, peer->cgroup, sizeof(peer->cgroup));
	file_read(cred.pid, "comm", peer->command, sizeof(peer->command));
	command_clean(peer->command);
	/* While it lives nobody else has its number. */
	if (ended(peer->process)) {
		close(peer->process);
		return -ESRCH;
	}
	return 0;
}

ssize_t server_peer_groups(int sock, gid_t **groups)
{
	socklen_t size = 0;

	*groups = NULL;
	/* It tells how much room they need. */
	if (!getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, NULL, &size))
		return 0;
	if (errno != ERANGE)
		return -errno;
	*groups = malloc(size);
	if (!*groups)
		return -ENOMEM;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, *groups, &size) < 0) {
		int err = -errno;

		free(*groups);
		*groups = NULL;
		return err;
	}
	return (ssize_t)(size / sizeof(gid_t));
}
