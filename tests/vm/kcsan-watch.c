// SPDX-License-Identifier: GPL-2.0-only
/*
 * KCSAN watches one in so many of all accesses that the kernel makes, and those
 * of one driver are few among them. The linker has each plain access of ours
 * come by here, where it counts for many; see kcsan-watch.mk.
 */
#define WEIGHT 150

#define WATCH(kind)                                  \
	void __real___tsan_##kind(void *place);      \
	void __wrap___tsan_##kind(void *place);      \
	void __wrap___tsan_##kind(void *place)       \
	{                                            \
		for (int i = 0; i < WEIGHT; i++)     \
			__real___tsan_##kind(place); \
	}

WATCH(read1)
WATCH(read2)
WATCH(read4)
WATCH(read8)
WATCH(write1)
WATCH(write2)
WATCH(write4)
WATCH(write8)
WATCH(read_write1)
WATCH(read_write2)
WATCH(read_write4)
WATCH(read_write8)
