/* SPDX-License-Identifier: MIT */
/* Sockets that listen, and their files: those of lessees and of operators. */
#ifndef SERVER_SOCKET_FILE_H
#define SERVER_SOCKET_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* Which of the files that are at a path, one after the other. */
struct socket_file {
	dev_t device;
	ino_t inode; /* 0: none */
};

/**
 * socket_file_open() - listen, also where a socket is that nobody listens to
 * @path: where, up to 107 bytes; of several processes that do this at the same
 *	time, one has it
 * @mode: permissions of the file
 * @file: which one it is, to be filled
 *
 * Return: an fd, the caller's; or -errno, as barlease_server_listen().
 */
int socket_file_open(const char *path, mode_t mode, struct socket_file *file);

/* The one that is there, whoever has made it. */
void socket_file_find(const char *path, struct socket_file *file);

/* Is it there still? */
bool socket_file_exists(const char *path, const struct socket_file *file);

/* Remove it, unless another process has its own there by now. */
void socket_file_remove(const char *path, const struct socket_file *file);

#endif /* SERVER_SOCKET_FILE_H */
