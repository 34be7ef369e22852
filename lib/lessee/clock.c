// SPDX-License-Identifier: MIT
#include <time.h>

#include "lessee/lessee.h"

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

uint64_t lessee_deadline(uint64_t from_now)
{
	uint64_t deadline;

	if (__builtin_add_overflow(now(), from_now, &deadline))
		return UINT64_MAX;
	return deadline;
}

uint64_t lessee_left(uint64_t deadline)
{
	uint64_t time = now();

	if (deadline == UINT64_MAX)
		return UINT64_MAX;
	return deadline > time ? deadline - time : 0;
}
