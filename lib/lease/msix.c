// SPDX-License-Identifier: MIT
#include <errno.h>

#include "lease/msix.h"

static bool overlap(const struct barlease_range *a,
		    const struct barlease_range *b)
{
	/* Of a range that wraps around the kernel says what is wrong. */
	return a->offset < b->offset + b->length &&
	       b->offset < a->offset + a->length;
}

int barlease_msix_check(struct barlease_device *dev, unsigned int bar,
			const struct barlease_range *ranges, unsigned int count,
			const struct barlease_terms *terms)
{
	struct barlease_msix msix;
	int err;

	if (terms->over_msix)
		return 0;
	err = barlease_device_msix(dev, &msix);
	if (err)
		return err == -ENOENT ? 0 : err;
	for (unsigned int i = 0; i < count; i++)
		if ((bar == msix.table_bar &&
		     overlap(&ranges[i], &msix.table)) ||
		    (bar == msix.pba_bar && overlap(&ranges[i], &msix.pba)))
			return -EPERM;
	return 0;
}
