// SPDX-License-Identifier: MIT
/* Where leases lie in the address space of their device; see kmod/window.c. */
#include <stdio.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "touch.h"

/* All windows of a device are less than seven of these. */
#define RANGE (8 * SIZE_1G)
#define RANGES 100
#define ENOUGH 10

/* The offset that the mapping at @address has in its file, bytes. */
static unsigned long long offset_of_mapping(const void *address)
{
	unsigned long long start, offset;
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[500];

	ASSERT(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%llx-%*x %*s %llx", &start, &offset) == 2 &&
		    start == (uintptr_t)address) {
			fclose(maps);
			return offset;
		}
	}
	FAIL("%p is not mapped", address);
}

/* Some mapping of it stays, which whoever ends the next lease would walk over. */
TEST(window_of_a_lease_that_has_ended_is_not_the_next_one)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int first = lease_export(dev, RAM_BAR, 0, PAGE);
	uint32_t *old = lease_map_rw(first, 0, PAGE), *new;
	unsigned long long offset = offset_of_mapping(old);
	int second;

	ASSERT_OK(barlease_lease_revoke(dev, first));
	second = lease_export(dev, RAM_BAR, 0, PAGE);
	new = lease_map_rw(second, 0, PAGE);
	ASSERT_COMPARE(offset_of_mapping(new), !=, offset);
	ASSERT_GONE(old);
	ASSERT_TOUCH(touch_read(new, NULL), TOUCH_OK);
}

TEST(windows_are_used_again_when_all_have_been)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, RANGE);
	struct barlease_range ranges[RANGES];
	unsigned int i;
	int fd;

	for (i = 0; i < RANGES; i++)
		ranges[i] = (struct barlease_range){ .length = RANGE };
	for (i = 0; i < ENOUGH; i++) {
		fd = lease_export_ranges(dev, bar, ranges, RANGES);
		ASSERT_OK(barlease_lease_revoke(dev, fd));
		ASSERT_SYS(close(fd));
	}
	barlease_device_close(dev);
}
