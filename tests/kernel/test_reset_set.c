// SPDX-License-Identifier: MIT
/* Functions that are reset together. */
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "pair.h"
#include "touch.h"

/* The edu device: identification, and a register that inverts (QEMU docs). */
#define EDU_ID 0
#define EDU_ID_VALUE 0x010000edu
#define EDU_INVERT 1

static void start_lessee(struct pair *pair, int which, struct lessee *lessee,
			 uint32_t **map)
{
	int fd = pair_export(pair, which, 0, PAGE);

	*map = lessee_start_mapped(lessee, fd, PAGE);
	close(fd);
}

TEST(hot_reset_by_another_function_zaps_and_gives_back)
{
	struct lessee lessee;
	struct pair pair;
	uint32_t *map, *own;
	int fd;

	pair_open(&pair);
	start_lessee(&pair, 0, &lessee, &map);
	fd = pair_export(&pair, 0, 0, PAGE);
	own = lease_map_rw(fd, 0, PAGE);
	ASSERT_READS(&own[EDU_ID], EDU_ID_VALUE);
	ASSERT_EQ(touch_faults(&own[EDU_ID]), 0);

	ASSERT_OK(pair_hot_reset(&pair, 1));
	ASSERT_EQ(touch_faults(&own[EDU_ID]), 1);
	ASSERT_WRITES(&own[EDU_INVERT], 0x0ff00ff0);
	ASSERT_READS(&own[EDU_INVERT], ~0x0ff00ff0u);
	ASSERT_TOUCH(lessee_read(&lessee, &map[EDU_ID], NULL), TOUCH_OK);
	lessee_end(&lessee);
	close(fd);
	pair_close(&pair);
}

/*
 * The memory of a function that is gone lives on with its lease. Whoever
 * resets the set must not come across it.
 */
TEST(hot_reset_forgets_a_removed_function_with_lessees)
{
	const char *bdf = device_bdf(PAIR0);
	struct lessee lessee;
	char trouble[200];
	struct pair pair;
	uint32_t *map;

	pair_open(&pair);
	start_lessee(&pair, 0, &lessee, &map);
	ASSERT_TOUCH(lessee_read(&lessee, &map[EDU_ID], NULL), TOUCH_OK);
	ASSERT_SYS(close(pair.device[0]));
	pair.device[0] = -1;
	ASSERT_OK(device_sysfs_write(bdf, "remove", "1"));
	ASSERT_TOUCH(lessee_read(&lessee, &map[EDU_ID], NULL), TOUCH_SIGBUS);

	ASSERT_OK(pair_hot_reset(&pair, 1));
	pair_close(&pair);	/* resets the set once more */

	ASSERT_OK(sysfs_write("/sys/bus/pci/rescan", "1"));
	if (devices_bind_all(trouble, sizeof(trouble)))
		FAIL("%s", trouble);
	pair_open(&pair);
	ASSERT_OK(pair_hot_reset(&pair, 0));
	pair_close(&pair);
	lessee_end(&lessee);
}
