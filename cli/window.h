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
 * window_rest() - how much of the lease there is from an offset on
 * @window: after window_lease()
 * @offset: into the lease
 * @length: where to put it, bytes, not 0
 *
 * Says what is wrong.
 *
 * Return: STATUS_OK, or STATUS_USAGE when the offset is past the end.
 */
int window_rest(const struct window *window, uint64_t offset, uint64_t *length);

/**
 * window_map() - map a piece of the lease
 * @window: after window_lease(); window_end() ends the mapping
 * @offset: into the lease
 * @length: bytes, not 0
 * @prot: as mmap()
 *
 * SIGBUS is caught from here to window_end(); there is one window at a time.
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
 *
 * What was stored to a write-combining lease is on its way to the device.
 */
void window_end(struct window *window);

/*
 * Accesses. All say it when the lease is gone, and return STATUS_OK or
 * STATUS_FAILED. Offsets are into the window.
 */

/**
 * window_read() - one little-endian load
 * @window: window
 * @offset: a multiple of the width
 * @width: 8, 16, 32 or 64 bits
 * @value: where to put it
 */
int window_read(const struct window *window, size_t offset, unsigned int width,
		uint64_t *value);

/**
 * window_write() - one little-endian store
 * @window: window
 * @offset: a multiple of the width
 * @width: 8, 16, 32 or 64 bits
 * @value: what to store; its upper bits are cut off
 */
int window_write(const struct window *window, size_t offset, unsigned int width,
		 uint64_t value);

/**
 * window_copy_from() - copy bytes out of the lease
 * @window: window
 * @offset: from where
 * @buf: where to
 * @length: how many bytes, see barlease_guarded_copy_from()
 */
int window_copy_from(const struct window *window, size_t offset, void *buf,
		     size_t length);

/**
 * window_copy_to() - copy bytes into the lease
 *
 * Mirrors window_copy_from().
 */
int window_copy_to(const struct window *window, size_t offset, const void *buf,
		   size_t length);

#endif /* CLI_WINDOW_H */
