// SPDX-License-Identifier: MIT
/* What the mm does on behalf of memory policies must leave leases alone. */
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "reload.h"
#include "touch.h"

#define NODE_0 1ul
#define NODES (8 * sizeof(unsigned long))

static long bind_to_node_0(void *map, size_t length, unsigned int flags)
{
	unsigned long nodes = NODE_0;

	return syscall(SYS_mbind, map, length, MPOL_BIND, &nodes, NODES, flags);
}

static void skip_without_numa(void)
{
	if (access("/sys/devices/system/node", F_OK))
		test_skip("the kernel lacks CONFIG_NUMA");
}

static void *big_lease(struct barlease_device **dev, int *fd, size_t length)
{
	*dev = device_open(TESTDEV);
	*fd = lease_export(*dev, device_bar_of_size(*dev, 8 * SIZE_1G), 0,
			   length);
	return lease_map_aligned(*fd, length, 0);
}

/*
 * With the parameters that the module has by itself. Where it maps by 2 MiB
 * because it was told to, this crashes 6.12.
 */
static void assert_policy_harms_nobody(size_t length)
{
	static const unsigned int flags[] = {
		MPOL_MF_STRICT,
		MPOL_MF_MOVE,
		MPOL_MF_STRICT | MPOL_MF_MOVE,
	};
	struct barlease_device *dev;
	uint8_t *map;
	size_t i;
	int fd;

	skip_without_numa();
	module_reload(NULL);
	ASSERT_OK(device_bind(device_bdf(TESTDEV)));
	map = big_lease(&dev, &fd, length);
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
		if (bind_to_node_0(map, length, flags[i]))
			ASSERT_EQ(errno, EIO);
		ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	}
	ASSERT_OK(barlease_lease_revoke(dev, fd));
	ASSERT_GONE((uint32_t *)map);
	ASSERT_SYS(munmap(map, length));
	ASSERT_SYS(close(fd));
	barlease_device_close(dev);
	module_restore();
}

TEST(memory_policy_of_a_lease_of_2_mib_harms_nobody)
{
	assert_policy_harms_nobody(SIZE_2M);
}

TEST(memory_policy_of_a_lease_of_1_gib_harms_nobody)
{
	assert_policy_harms_nobody(SIZE_1G);
}

TEST(huge_pages_of_2_mib_are_off_where_a_parameter_says_so)
{
	struct barlease_device *dev;
	uint8_t *map;
	int fd;

	module_reload("allow_2m=0");
	ASSERT(!module_allows_2m());
	ASSERT_OK(device_bind(device_bdf(TESTDEV)));
	map = big_lease(&dev, &fd, SIZE_2M);
	ASSERT_EQ(touch_faults(map), 1);
	ASSERT_EQ(touch_faults(map + PAGE), 1);
	ASSERT_EQ(touch_faults(map + SIZE_2M - PAGE), 1);
	ASSERT_EQ(touch_faults(map + SIZE_2M - PAGE + 4), 0);
	ASSERT_OK(barlease_lease_revoke(dev, fd));
	ASSERT_GONE((uint32_t *)map);
	ASSERT_GONE((uint32_t *)(map + PAGE));
	ASSERT_SYS(munmap(map, SIZE_2M));
	ASSERT_SYS(close(fd));
	barlease_device_close(dev);
	module_restore();
}

/* Of each page it is asked on which node it is. */
TEST(nodes_of_a_lease_can_be_asked_for)
{
	struct barlease_device *dev;
	void *pages[2];
	int nodes[2];
	int fd;

	skip_without_numa();
	pages[0] = big_lease(&dev, &fd, SIZE_2M);
	pages[1] = (uint8_t *)pages[0] + PAGE;
	ASSERT_TOUCH(touch_read(pages[0], NULL), TOUCH_OK);
	ASSERT_SYS(syscall(SYS_move_pages, 0, 2, pages, NULL, nodes, 0));
	ASSERT_COMPARE(nodes[0], <, 0);
	ASSERT_COMPARE(nodes[1], <, 0);
	ASSERT_TOUCH(touch_read(pages[0], NULL), TOUCH_OK);
}
