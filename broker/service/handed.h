/* SPDX-License-Identifier: MIT */
/* Sockets that the service manager listens to for us (socket activation). */
#ifndef SERVICE_HANDED_H
#define SERVICE_HANDED_H

#include <stddef.h>

struct handed {
	int *sockets;
	size_t count;
};

/**
 * handed_add() - have one more
 * @handed: those so far; all zero is none
 * @fd: on success @handed's, else the caller's
 *
 * Return: 0 or -ENOMEM.
 */
int handed_add(struct handed *handed, int fd);

/**
 * handed_find() - the socket that listens at a path
 * @handed: sockets, which stay as they are
 * @path: where
 *
 * Return: a copy of its fd, which is the caller's; -ENOENT; or -errno.
 */
int handed_find(const struct handed *handed, const char *path);

void handed_end(struct handed *handed);

#endif /* SERVICE_HANDED_H */
