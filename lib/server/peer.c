// SPDX-License-Identifier: MIT
#include "server/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

/* Of Linux 6.13, <linux/pidfd.h>: PIDFD_GET_INFO with the number of the cgroup. */
#define INFO_CGROUPID (1 << 2)

struct process_info {
	uint64_t mask, cgroup_id;
	uint32_t ids[12];
};

#define PROCESS_INFO _IOWR(0xff, 11, struct process_info)

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

static int ended(int process)
{
	struct pollfd poller = { .fd = process, .events = POLLIN };

	return poll(&poller, 1, 0) != 0;
}

/*
 * All of a small file, as a string, which is empty where there is none.
 * Return: 0 or -errno.
 */
static int file_read(const char *path, char *text, size_t size)
{
	size_t length = 0;
	ssize_t more = 0;
	int err = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	while (length < size - 1 &&
	       (more = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)more;
	if (more < 0) {
		err = -errno;
		length = 0;
	}
	close(fd);
	text[length] = '\0';
	return err;
}

/*
 * The number that a process has in this /proc. It need not be the one that it
 * has for this process: where /proc is that of another pid namespace, what has
 * that number there is somebody else.
 *
 * Return: 0; -ESRCH when it has none; or -errno.
 */
static int number_find(int process, int *number)
{
	char path[64], text[512];
	const char *line;
	int err;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", process);
	err = file_read(path, text, sizeof(text));
	if (err)
		return err;
	line = strstr(text, "\nPid:\t");
	if (!line || sscanf(line + 6, "%d", number) != 1 || *number <= 0)
		return -ESRCH;
	return 0;
}

static int process_read(int number, const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", number, name);
	return file_read(path, text, size);
}

/* Above the root of our own cgroup namespace: part of the way is not told. */
static bool is_outside(const char *path)
{
	return !strncmp(path, "/..", 3) && (!path[3] || path[3] == '/');
}

/*
 * Its path in the unified hierarchy, which has the number 0. A line that does not
 * end is cut off, and its path that of another one.
 */
static int cgroup_find(char *lines, char *path, size_t size)
{
	char *rest = lines, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line += 3;
		if (!rest || strlen(line) >= size)
			return -ENAMETOOLONG;
		if (is_outside(line))
			return -EXDEV;
		strcpy(path, line);
		return 0;
	}
	return -ENODATA;
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

static uint64_t cgroup_id(int process)
{
	struct process_info info = { .mask = INFO_CGROUPID };

	return ioctl(process, PROCESS_INFO, &info) < 0 ? 0 : info.cgroup_id;
}

int server_peer_get(int sock, struct peer *peer)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	peer->process = process_open(sock, cred.pid);
	if (peer->process < 0)
		return peer->process;
	if (ended(peer->process)) {
		close(peer->process);
		return -ESRCH;
	}
	peer->pid = cred.pid;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	peer->cgroup_id = cgroup_id(peer->process);
	return 0;
}

int server_peer_look(const struct peer *peer, struct peer_proc *proc)
{
	char lines[2 * PATH_MAX];
	int number, err;

	proc->cgroup[0] = '\0';
	proc->command[0] = '\0';
	err = number_find(peer->process, &number);
	if (!err) {
		process_read(number, "comm", proc->command,
			     sizeof(proc->command));
		command_clean(proc->command);
		err = process_read(number, "cgroup", lines, sizeof(lines));
	}
	if (!err)
		err = cgroup_find(lines, proc->cgroup, sizeof(proc->cgroup));
	/* Whoever is moved would else choose when it is looked up. */
	if (peer->cgroup_id && cgroup_id(peer->process) != peer->cgroup_id) {
		proc->cgroup[0] = '\0';
		err = -ESTALE;
	}
	proc->cgroup_error = err;
	/* While it lives nobody else has its number. */
	return ended(peer->process) ? -ESRCH : 0;
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
