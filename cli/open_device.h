/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPEN_DEVICE_H
#define CLI_OPEN_DEVICE_H

#include "barlease.h"
#include "function.h"

/* What a command line says about opening a function. */
struct open_options {
	const char *vf_token; /* --vf-token, or NULL */
	enum barlease_way way; /* --open */
};

/**
 * open_device() - open a function, and tell a person what is wrong
 * @function: which
 * @options: how
 * @dev: where to put the device, which barlease_device_close() ends
 *
 * Return: STATUS_OK or STATUS_FAILED.
 */
int open_device(const struct function *function,
		const struct open_options *options,
		struct barlease_device **dev);

#endif /* CLI_OPEN_DEVICE_H */
