/* SPDX-License-Identifier: MIT */
/* The piece of a lease that a command works on. */
#ifndef CLI_WINDOW_H
#define CLI_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "barlease.h"
#include "command.h"

/* No --fd: use the lease that this process was started with. */
#define WINDOW_FD_INHERITED (-1)

struct window {
	int fd; /* not the window's */
	uint64_t bar_offset; /* 0 where unknown */
	uint64_t size; /* of the lease */
	uint64_t begin; /* of the mapping in the lease */
	struct barlease_map map;
	volatile unsigned char *base; /* of the window */
};

/**
 * window_lease() - find the lease and its size
 * @command: who asks
 * @fd: --fd, or WINDOW_FD_INHERITED
 * @window: gets @fd, @bar_offset and @size
 *
 * Says what is wrong.
 *
 * Return: STATUS_OK, or STATUS_USAGE or STATUS_FAILED.
 */
int window_lease(const struct command *command, int fd, struct window *window);

/**
 * window_map() - map a piece of the lease
 * @window: after window_lease(); window_end() ends the mapping
 * @offset: into the lease
 * @length: bytes, not 0
 * @prot: as mmap()
 *
 * Says what is wrong.
 *
 * Return: STATUS_OK, STATUS_USAGE when the piece is past the end, or
 * STATUS_FAILED.
 */
int window_map(struct window *window, uint64_t offset, uint64_t length,
	       int prot);

/**
 * window_end() - unmap
 * @window: window
 */
void window_end(struct window *window);

/**
 * window_call() - run code that accesses the window, see guard_call()
 * @window: window
 * @access: code
 * @arg: for @access
 *
 * Return: STATUS_OK, or STATUS_FAILED when the lease was gone, which it says.
 */
int window_call(const struct window *window, void (*access)(void *arg),
		void *arg);

#endif /* CLI_WINDOW_H */
