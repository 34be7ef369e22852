// SPDX-License-Identifier: MIT
/* Revoke: all of this lease is gone at once, and nothing else. */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

#define OFFSET (32 * PAGE)
#define LENGTH (8 * PAGE)
#define LESSEES 4

TEST(revoke_ends_mappings_in_every_process)
{
	struct lessee lessees[LESSEES], child;
	void *addresses[LESSEES];
	struct lent lent;
	unsigned int i;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	lessee_start(&child);
	ASSERT_TOUCH(lessee_write(&child, lent.map, 2), TOUCH_OK);
	for (i = 0; i < LESSEES; i++) {
		addresses[i] = lessee_start_mapped(&lessees[i], lent.fd,
						   LENGTH);
		ASSERT_TOUCH(lessee_write(&lessees[i], addresses[i], i),
			     TOUCH_OK);
	}

	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));

	ASSERT_GONE(lent.map);
	ASSERT_TOUCH(lessee_read(&child, lent.map, NULL), TOUCH_SIGBUS);
	ASSERT_TOUCH(lessee_write(&child, lent.map, 0), TOUCH_SIGBUS);
	for (i = 0; i < LESSEES; i++) {
		ASSERT_TOUCH(lessee_read(&lessees[i], addresses[i], NULL),
			     TOUCH_SIGBUS);
		ASSERT_TOUCH(lessee_write(&lessees[i], addresses[i], 0),
			     TOUCH_SIGBUS);
	}
}

TEST(revoke_ends_mmap_in_every_process)
{
	struct lessee lessee;
	struct lent lent;
	void *address;
	int fd;

	lend(&lent, OFFSET, LENGTH);
	lessee_start_unprivileged(&lessee);
	fd = lessee_give(&lessee, lent.fd);
	ASSERT_OK(lessee_mmap(&lessee, fd, 0, LENGTH, PROT_READ, &address));
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_ERROR(lessee_mmap(&lessee, fd, 0, LENGTH, PROT_READ, &address),
		     ENODEV);
}

TEST(revoke_ends_pages_that_were_never_touched)
{
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_GONE(page_word(lent.map, 0));
	ASSERT_GONE(page_word(lent.map, 7));
}

TEST(revoke_lets_the_range_be_exported_anew)
{
	struct lent lent;
	uint32_t *again;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 0x1234);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	again = lease_map_rw(lease_export(lent.dev, RAM_BAR, OFFSET, LENGTH),
			     0, LENGTH);
	ASSERT_READS(again, 0x1234);
	ASSERT_WRITES(again, 0x4321);
	ASSERT_GONE(lent.map);
}

TEST(revoke_leaves_another_lease_of_the_range)
{
	struct lessee lessee;
	struct lent lent;
	void *address;
	int other;

	lend(&lent, OFFSET, LENGTH);
	other = lease_export(lent.dev, RAM_BAR, OFFSET, LENGTH);
	address = lessee_start_mapped(&lessee, other, LENGTH);
	ASSERT_TOUCH(lessee_write(&lessee, address, 1), TOUCH_OK);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_GONE(lent.map);
	ASSERT_TOUCH(lessee_write(&lessee, address, 2), TOUCH_OK);
	ASSERT_EQ(ram_read(lent.dev, OFFSET), 2);
}

TEST(revoke_leaves_leases_that_overlap)
{
	uint32_t *before, *after, *around;
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	before = lease_map_rw(lease_export(lent.dev, RAM_BAR, OFFSET - 4 * PAGE,
					   LENGTH), 0, LENGTH);
	after = lease_map_rw(lease_export(lent.dev, RAM_BAR, OFFSET + 4 * PAGE,
					  LENGTH), 0, LENGTH);
	around = lease_map_rw(lease_export(lent.dev, RAM_BAR, 0, 2 * OFFSET),
			      0, 2 * OFFSET);
	ASSERT_WRITES(page_word(before, 5), 5);
	ASSERT_WRITES(page_word(after, 2), 6);
	ASSERT_WRITES(page_word(around, 34), 7);

	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));

	ASSERT_GONE(page_word(lent.map, 1));
	ASSERT_READS(page_word(before, 5), 5);
	ASSERT_READS(page_word(after, 2), 6);
	ASSERT_READS(page_word(around, 34), 7);
	ASSERT_WRITES(page_word(around, 33), 8);
	ASSERT_READS(page_word(before, 5), 8);
}

TEST(revoke_leaves_the_neighbours)
{
	uint32_t *left, *right;
	struct lent lent;

	lend(&lent, OFFSET, PAGE);
	left = lease_map_rw(lease_export(lent.dev, RAM_BAR, OFFSET - PAGE,
					 PAGE), 0, PAGE);
	right = lease_map_rw(lease_export(lent.dev, RAM_BAR, OFFSET + PAGE,
					  PAGE), 0, PAGE);
	ASSERT_WRITES(left, 1);
	ASSERT_WRITES(right, 2);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	/* Not even a fault: their mappings were not touched. */
	ASSERT_EQ(touch_faults(left), 0);
	ASSERT_EQ(touch_faults(right), 0);
}

/* Nor are others zapped to be faulted in again. */
TEST(revoke_costs_other_mappings_of_the_range_no_fault)
{
	struct lent lent;
	uint32_t *other, *bar;

	lend(&lent, OFFSET, LENGTH);
	other = lease_map_rw(lease_export(lent.dev, RAM_BAR, OFFSET, LENGTH),
			     0, LENGTH);
	bar = ram_map(lent.dev, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	ASSERT_WRITES(other, 2);
	ASSERT_WRITES(bar, 3);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_EQ(touch_faults(other), 0);
	ASSERT_EQ(touch_faults(bar), 0);
	ASSERT_GONE(lent.map);
}

TEST(revoke_leaves_the_lessors_bar_mapping)
{
	struct lent lent;
	uint32_t *bar;

	lend(&lent, OFFSET, LENGTH);
	bar = ram_map(lent.dev, 0, RAM_SIZE);
	ASSERT_WRITES(page_word(bar, 32), 0x77);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_READS(page_word(bar, 32), 0x77);
	ASSERT_WRITES(page_word(bar, 32), 0x78);
	ASSERT_EQ(ram_read(lent.dev, OFFSET), 0x78);
}

TEST(revoke_of_an_unmapped_lease_works)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, OFFSET, LENGTH);

	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
}

TEST(revoke_with_memory_off_works)
{
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_GONE(lent.map);
}

TEST(revoke_from_a_dup_works)
{
	struct lent lent;
	int copy;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	copy = (int)ASSERT_SYS(dup(lent.fd));
	ASSERT_SYS(lease_revoke(lent.dev, copy));
	ASSERT_GONE(lent.map);
	ASSERT_ERRNO(lease_revoke(lent.dev, lent.fd), EBADFD);
}

TEST(revoke_from_an_fd_that_was_passed_back_works)
{
	struct lessee lessee;
	struct lent lent;
	int theirs, back;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	lessee_start_unprivileged(&lessee);
	theirs = lessee_give(&lessee, lent.fd);
	close(lent.fd);
	back = lessee_take(&lessee, theirs);
	ASSERT_SYS(lease_revoke(lent.dev, back));
	ASSERT_GONE(lent.map);
}

/* The lessee has no device fd, and its lease fd is none. */
TEST(revoke_by_the_lessee_is_impossible)
{
	struct vfio_device_feature_dma_buf_revoke revoke;
	uint8_t bytes[sizeof(struct vfio_device_feature) + sizeof(revoke)]
		__attribute__((aligned(8)));
	struct vfio_device_feature *feature = (void *)bytes;
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	feature->argsz = sizeof(bytes);
	feature->flags = VFIO_DEVICE_FEATURE_SET |
			 VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE;
	revoke.dmabuf_fd = lent.fd;
	memcpy(feature->data, &revoke, sizeof(revoke));
	ASSERT_ERRNO(ioctl(lent.fd, VFIO_DEVICE_FEATURE, feature), ENOTTY);
}

TEST(revoke_of_a_thousand_leases_works)
{
	struct lent lent;
	unsigned int i;
	uint32_t *map;
	int fd;

	lend(&lent, OFFSET, LENGTH);
	for (i = 0; i < 1000; i++) {
		fd = lease_export(lent.dev, RAM_BAR, OFFSET, LENGTH);
		map = lease_map_rw(fd, 0, LENGTH);
		ASSERT_WRITES(map, i);
		ASSERT_SYS(lease_revoke(lent.dev, fd));
		ASSERT_GONE(map);
		munmap(map, LENGTH);
		close(fd);
	}
	ASSERT_READS(lent.map, 999);
}

/* Offsets for leases are scarce; who keeps dead fds must not use them up. */
TEST(revoked_leases_that_are_kept_leave_room_for_others)
{
	const struct rlimit limit = { 4096, 4096 };
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	int i;

	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < 1000; i++)
		ASSERT_SYS(lease_revoke(dev, lease_export(dev, bar, 0,
							  8 * SIZE_1G)));
}
