// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/barlease.h>
#include <unistd.h>

#include "sim/sim.h"

/* The checks and their order are those of linux/barlease.h. */
int sim_ranges_check(const struct sim *sim, unsigned int bar,
		     const struct barlease_range *ranges, unsigned int count,
		     uint64_t *sum)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t end;

	if (!count)
		return -EINVAL;
	if (bar >= BARLEASE_BARS || !sim->bar_size[bar])
		return -ENODEV;

	*sum = 0;
	for (unsigned int i = 0; i < count; i++)
		if (!ranges[i].length || ranges[i].length % page ||
		    ranges[i].offset % page ||
		    __builtin_add_overflow(*sum, ranges[i].length, sum) ||
		    *sum > BARLEASE_MAX_LENGTH)
			return -EINVAL;
	if (sim->bar_size[bar] < page)
		return -EINVAL;

	for (unsigned int i = 0; i < count; i++) {
		if (__builtin_add_overflow(ranges[i].offset, ranges[i].length,
					   &end))
			return -EOVERFLOW;
		if (end > sim->bar_size[bar])
			return -EINVAL;
	}
	return 0;
}
