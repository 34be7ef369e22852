/* SPDX-License-Identifier: MIT */
/*
 * Who has connected: what the socket tells, which costs little, and what is to be
 * found in /proc, which costs ten times as much.
 */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

/* As the kernel has it (TASK_COMM_LEN), with its 0. */
#define PEER_COMMAND_SIZE 16

struct peer {
	pid_t pid; /* 0: it cannot be seen from here */
	uid_t uid;
	gid_t gid;
	int process; /* a pidfd, the caller's */
	uint64_t cgroup_id; /* 0: the kernel does not tell (before 6.13) */
};

struct peer_proc {
	char cgroup[PATH_MAX]; /* "": not known */
	int cgroup_error; /* why not, as in struct barlease_server_lessee */
	char command[PEER_COMMAND_SIZE]; /* "": not known */
};

/**
 * server_peer_get() - who has made a connection
 * @socket: the server's end of it
 * @peer: where to put it; on failure there is no pidfd
 *
 * Return: 0; -ESRCH when that process is gone already, whoever has the
 * connection now; or -errno.
 */
int server_peer_get(int socket, struct peer *peer);

/**
 * server_peer_look() - what /proc tells of it, as far as it does
 * @peer: which
 * @proc: where to put it; where @peer has the number of the cgroup that it was in
 *	and it is in another one now, that is not known (-ESTALE)
 *
 * Return: 0; -ESRCH when that process is gone, so that it may be of another one.
 */
int server_peer_look(const struct peer *peer, struct peer_proc *proc);

/**
 * server_peer_groups() - the supplementary groups that who connected had then
 * @socket: the server's end of the connection
 * @groups: where to put them, to be freed; NULL where there is none
 *
 * Return: how many, or -errno.
 */
ssize_t server_peer_groups(int socket, gid_t **groups);

#endif /* SERVER_PEER_H */
