/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPEN_DEVICE_H
#define CLI_OPEN_DEVICE_H

#include "barlease.h"
#include "function.h"

/**
 * open_device() - open a function, and tell a person what is wrong
 * @function: which
 * @vf_token: --vf-token, or NULL
 * @dev: where to put the device, which barlease_device_close() ends
 *
 * Return: STATUS_OK or STATUS_FAILED.
 */
int open_device(const struct function *function, const char *vf_token,
		struct barlease_device **dev);

#endif /* CLI_OPEN_DEVICE_H */
