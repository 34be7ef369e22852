/* SPDX-License-Identifier: MIT */
/* Small files of sysfs and the like: read, written and followed as a whole. */
#ifndef CLI_ATTRIBUTE_H
#define CLI_ATTRIBUTE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "device/path.h"

/**
 * attribute_read() - read a file as a string, less its last newline
 * @path: file
 * @buf: where to put it
 * @size: size of @buf; a longer file is -EFBIG
 *
 * Return: 0 or -errno.
 */
int attribute_read(const char *path, char *buf, size_t size);

/**
 * attribute_write() - write a string to a file that exists, in one write()
 * @path: file
 * @value: what to write
 *
 * Return: 0 or -errno.
 */
int attribute_write(const char *path, const char *value);

/**
 * link_name() - the last part of what a symbolic link points to
 * @path: link
 * @buf: where to put it
 * @size: size of @buf
 *
 * Return: 0 or -errno; -ENOENT where there is no such link.
 */
int link_name(const char *path, char *buf, size_t size);

/**
 * path_exists() - whether there is something at a path
 * @path: path
 */
bool path_exists(const char *path);

#endif /* CLI_ATTRIBUTE_H */
