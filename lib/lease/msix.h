/* SPDX-License-Identifier: MIT */
#ifndef BARLEASE_LEASE_MSIX_H
#define BARLEASE_LEASE_MSIX_H

#include "public.h"

/**
 * barlease_msix_check() - whether ranges may be lent as to the MSI-X table
 * @dev: device
 * @bar: BAR
 * @ranges: @count ranges of it
 * @count: how many
 * @terms: on what terms
 *
 * Return: 0 if no range has a byte of the table or of the pending bits, or the
 * terms insist; -EPERM; or -EIO when it cannot be known.
 */
int barlease_msix_check(struct barlease_device *dev, unsigned int bar,
			const struct barlease_range *ranges, unsigned int count,
			const struct barlease_terms *terms);

#endif /* BARLEASE_LEASE_MSIX_H */
