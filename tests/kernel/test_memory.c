// SPDX-License-Identifier: MIT
/* Memory decode off and on: leases go away and come back. */
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

TEST(memory_off_is_sigbus_and_on_works_again)
{
	struct lent lent;

	lend(&lent, 0, 2 * PAGE);
	ASSERT_WRITES(lent.map, 0x1001);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	ASSERT_GONE(lent.map);
	ASSERT_GONE(page_word(lent.map, 1));
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_READS(lent.map, 0x1001);
	ASSERT_WRITES(page_word(lent.map, 1), 0x1002);
	ASSERT_READS(page_word(lent.map, 1), 0x1002);
}

TEST(memory_off_and_on_works_many_times)
{
	struct lent lent;
	unsigned int i;

	lend(&lent, 0, SIZE_2M);
	for (i = 0; i < 200; i++) {
		ASSERT_WRITES(lent.map, i);
		ASSERT_OK(barlease_device_set_memory(lent.dev, false));
		ASSERT_GONE(lent.map);
		ASSERT_OK(barlease_device_set_memory(lent.dev, true));
		ASSERT_READS(lent.map, i);
	}
}

TEST(memory_off_reaches_every_process)
{
	struct lessee lessees[3], child;
	void *addresses[3];
	struct lent lent;
	unsigned int i;

	lend(&lent, 0, 2 * PAGE);
	ASSERT_WRITES(lent.map, 1);
	lessee_start(&child);
	ASSERT_TOUCH(lessee_read(&child, lent.map, NULL), TOUCH_OK);
	for (i = 0; i < 3; i++) {
		addresses[i] = lessee_start_mapped(&lessees[i], lent.fd,
						   2 * PAGE);
		ASSERT_TOUCH(lessee_read(&lessees[i], addresses[i], NULL),
			     TOUCH_OK);
	}

	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	ASSERT_TOUCH(lessee_read(&child, lent.map, NULL), TOUCH_SIGBUS);
	for (i = 0; i < 3; i++)
		ASSERT_TOUCH(lessee_read(&lessees[i], addresses[i], NULL),
			     TOUCH_SIGBUS);

	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_TOUCH(lessee_read(&child, lent.map, NULL), TOUCH_OK);
	for (i = 0; i < 3; i++)
		ASSERT_TOUCH(lessee_write(&lessees[i], addresses[i], i),
			     TOUCH_OK);
}

/* Huge pages of the empty BAR, 1 GiB and 2 MiB. */
TEST(memory_off_reaches_huge_pages)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	int fd = lease_export(dev, bar, SIZE_1G, SIZE_1G + SIZE_2M);
	uint8_t *map = lease_map_aligned(fd, SIZE_1G + SIZE_2M, SIZE_1G);

	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(map + SIZE_1G, NULL), TOUCH_OK);
	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_GONE(map);
	ASSERT_GONE(map + SIZE_1G / 2);
	ASSERT_GONE(map + SIZE_1G);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_TOUCH(touch_read(map + SIZE_1G / 2, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(map + SIZE_1G, NULL), TOUCH_OK);
}

TEST(memory_off_reaches_moved_mappings)
{
	struct lent lent;
	uint32_t *moved;

	lend(&lent, 8 * PAGE, 4 * PAGE);
	moved = lease_map_rw(lent.fd, 0, 4 * PAGE);
	moved = (uint32_t *)ASSERT_SYS(mremap(lent.map, 4 * PAGE, 4 * PAGE,
					      MREMAP_MAYMOVE | MREMAP_FIXED,
					      moved));
	ASSERT_TOUCH(touch_read(page_word(moved, 3), NULL), TOUCH_OK);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	ASSERT_GONE(page_word(moved, 3));
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_TOUCH(touch_read(page_word(moved, 3), NULL), TOUCH_OK);
}

TEST(memory_on_does_not_bring_back_a_revoked_lease)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_GONE(lent.map);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, lent.fd, 0),
		     ENODEV);
}
