/* SPDX-License-Identifier: MIT */
/* What peek, poke and fill have in common on their command lines. */
#ifndef CLI_ACCESS_OPTIONS_H
#define CLI_ACCESS_OPTIONS_H

#include <stdint.h>

#include "command.h"

struct access_options {
	int fd;
	unsigned int width; /* bits */
	uint64_t offset; /* a multiple of the width */
};

/**
 * width_argument() - read the width of an access
 * @command: whose
 * @text: its text
 * @width: where to put it, in bits
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int width_argument(const struct command *command, const char *text,
		   unsigned int *width);

/**
 * offset_argument() - read the offset of an access
 * @command: whose
 * @text: its text
 * @access: has its width; gets its offset
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int offset_argument(const struct command *command, const char *text,
		    struct access_options *access);

/**
 * value_argument() - read a value that is to be stored
 * @command: whose
 * @text: its text
 * @access: has its width, in which the value must fit
 * @value: where to put it
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int value_argument(const struct command *command, const char *text,
		   const struct access_options *access, uint64_t *value);

#endif /* CLI_ACCESS_OPTIONS_H */
