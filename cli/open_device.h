/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPEN_DEVICE_H
#define CLI_OPEN_DEVICE_H

#include "barlease.h"
#include "function.h"

/**
 * open_device() - barlease_device_open() that tells a person what is wrong
 * @function: which
 * @dev: where to put the device, which barlease_device_close() ends
 *
 * Return: STATUS_OK or STATUS_FAILED.
 */
int open_device(const struct function *function, struct barlease_device **dev);

#endif /* CLI_OPEN_DEVICE_H */
