/* SPDX-License-Identifier: MIT */
#ifndef CLI_LEND_H
#define CLI_LEND_H

#include "barlease.h"
#include "function.h"
#include "open_device.h"

/**
 * lend_check() - whether a slice can be lent, as far as sysfs tells
 * @function: whose
 * @slice: what; a length of 0 becomes that of the BAR
 *
 * Says what is wrong. Does not open the device.
 *
 * Return: STATUS_OK, STATUS_USAGE for a slice that can never be, or
 * STATUS_FAILED.
 */
int lend_check(const struct function *function, struct barlease_slice *slice);

/* A slice that is lent, with the device that it is of. */
struct loan {
	struct barlease_device *dev; /* NULL: it has ended */
	int lease_fd;
};

/**
 * lend_begin() - open the function and lend a slice of it
 * @function: whose
 * @options: how to open it
 * @slice: what
 * @over_msix: whether the slice may have the function's MSI-X table
 * @loan: where to put it; lend_end() ends it
 *
 * Says what is wrong.
 *
 * Return: STATUS_OK or STATUS_FAILED.
 */
int lend_begin(const struct function *function,
	       const struct open_options *options,
	       const struct barlease_slice *slice, bool over_msix,
	       struct loan *loan);

/**
 * lend_watch() - hear of it when the kernel wants the function back
 * @loan: loan
 *
 * Return: an fd that is readable then, and stays the loan's; or -1 where it is
 * not told.
 */
int lend_watch(const struct loan *loan);

/**
 * lend_end() - take the slice back and give the function up
 * @loan: loan; one that has ended stays so
 *
 * Return: STATUS_OK, or STATUS_FAILED when it could not be revoked, which it
 * says.
 */
int lend_end(struct loan *loan);

#endif /* CLI_LEND_H */
