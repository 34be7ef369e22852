/* SPDX-License-Identifier: MIT */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that will be copied somewhere of limited size, the size known first. */
struct source {
	uint64_t size;
	bool at_least; /* @size is only what was seen of it */
	int fd; /* a regular file, or -1: all is in @buf */
	unsigned char *buf;
	size_t buf_size;
};

/**
 * source_open() - open a file and learn its size
 * @source: where to put it; source_close() ends it
 * @name: path, or "-" for the standard input
 * @room: how many bytes it may have
 *
 * What is not a regular file is read to its end here.
 *
 * Return: 0; -EFBIG when there is more than @room, with @source->size and
 * @source->at_least set; or -errno. On failure there is nothing to close.
 */
int source_open(struct source *source, const char *name, uint64_t room);

/**
 * source_next() - read on
 * @source: source, not at its end
 * @data: where to put a pointer to the next bytes, valid until the next call
 * @length: where to put their number, more than 0
 *
 * Return: 0, -ENODATA when the file has become shorter, or -errno.
 */
int source_next(struct source *source, const void **data, size_t *length);

/**
 * source_close() - end a source
 * @source: source
 */
void source_close(struct source *source);

#endif /* CLI_SOURCE_H */
