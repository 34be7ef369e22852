/* SPDX-License-Identifier: MIT */
/* Sockets of lease servers, from the side of a lessee. */
#ifndef CLI_SOCKETS_H
#define CLI_SOCKETS_H

#include <stddef.h>

#include "holding_tables.h"
#include "machine.h"

struct sockets {
	char **paths;
	size_t count;
};

/**
 * sockets_find() - the sockets of barleased on this machine
 * @machine: where
 * @chosen: the only one to look at, or NULL
 * @sockets: where to put them, for sockets_free() in any case
 *
 * In the order of their names; without that of operators.
 *
 * Return: 0 or -ENOMEM.
 */
int sockets_find(const struct machine *machine, const char *chosen,
		 struct sockets *sockets);
void sockets_free(struct sockets *sockets);

/**
 * sockets_ask() - what one offers to this process
 * @path: of the socket
 * @seen: array to add to; each has a socket, which is to be freed, too
 * @count: of @seen
 *
 * Return: 0, or -errno as barlease_lessee_connect() and barlease_lessee_list().
 */
int sockets_ask(const char *path, struct seen **seen, size_t *count);
void seen_free(struct seen *seen, size_t count);

#endif /* CLI_SOCKETS_H */
