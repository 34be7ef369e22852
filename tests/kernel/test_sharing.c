// SPDX-License-Identifier: MIT
/* A lease in many mappings, fds and processes. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aftermath.h"
#include "device.h"
#include "vfio/cdev.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

#define OFFSET (64 * PAGE)
#define LENGTH (16 * PAGE)

TEST(two_mappings_of_one_fd_are_the_same_memory)
{
	struct lent lent;
	uint32_t *second;

	lend(&lent, OFFSET, LENGTH);
	second = lease_map_rw(lent.fd, 0, LENGTH);
	ASSERT_WRITES(page_word(lent.map, 3), 0x1111);
	ASSERT_READS(page_word(second, 3), 0x1111);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_GONE(page_word(lent.map, 3));
	ASSERT_GONE(page_word(second, 3));
}

TEST(two_leases_of_one_range_are_the_same_memory)
{
	struct lent lent;
	uint32_t *second;

	lend(&lent, OFFSET, LENGTH);
	second = lease_map_rw(lease_export(lent.dev, RAM_BAR, OFFSET - PAGE,
					   LENGTH), 0, LENGTH);
	ASSERT_WRITES(page_word(lent.map, 3), 0x2222);
	ASSERT_READS(page_word(second, 4), 0x2222);
}

TEST(dup_of_the_fd_is_the_same_lease)
{
	struct lent lent;
	uint32_t *map;
	int copy;

	lend(&lent, OFFSET, LENGTH);
	copy = (int)ASSERT_SYS(dup(lent.fd));
	close(lent.fd);
	map = lease_map_rw(copy, 0, LENGTH);
	ASSERT_WRITES(page_word(map, 1), 0x3333);
	ASSERT_READS(page_word(lent.map, 1), 0x3333);
	ASSERT_SYS(lease_revoke(lent.dev, copy));
	ASSERT_GONE(page_word(map, 1));
	ASSERT_GONE(page_word(lent.map, 1));
}

TEST(forked_child_has_the_mapping)
{
	struct lessee child;
	struct lent lent;
	uint32_t found;

	lend(&lent, OFFSET, LENGTH);
	/* One page is there already, the other is first touched there. */
	ASSERT_WRITES(lent.map, 0x4444);
	lessee_start(&child);
	ASSERT_TOUCH(lessee_read(&child, lent.map, &found), TOUCH_OK);
	ASSERT_EQ(found, 0x4444);
	ASSERT_TOUCH(lessee_write(&child, page_word(lent.map, 5), 0x5555),
		     TOUCH_OK);
	ASSERT_READS(page_word(lent.map, 5), 0x5555);
	lessee_end(&child);
	ASSERT_READS(lent.map, 0x4444);
}

TEST(forked_childs_mapping_dies_by_revoke)
{
	struct lessee child;
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	lessee_start(&child);
	ASSERT_TOUCH(lessee_read(&child, lent.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(lessee_read(&child, page_word(lent.map, 1), NULL),
		     TOUCH_OK);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_TOUCH(lessee_read(&child, lent.map, NULL), TOUCH_SIGBUS);
	ASSERT_TOUCH(lessee_write(&child, lent.map, 0), TOUCH_SIGBUS);
	ASSERT_TOUCH(lessee_read(&child, page_word(lent.map, 1), NULL),
		     TOUCH_SIGBUS);
	ASSERT_TOUCH(lessee_read(&child, page_word(lent.map, 2), NULL),
		     TOUCH_SIGBUS);
}

TEST(forked_childs_mapping_outlives_its_parents)
{
	struct lessee child, grandchild;
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 0x6666);
	lessee_start(&child);
	lessee_start(&grandchild);
	ASSERT_SYS(munmap(lent.map, LENGTH));
	lessee_kill(&child);
	ASSERT_TOUCH(lessee_read(&grandchild, lent.map, NULL), TOUCH_OK);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_TOUCH(lessee_read(&grandchild, lent.map, NULL), TOUCH_SIGBUS);
}

TEST(madv_dontfork_keeps_the_mapping_from_the_child)
{
	struct lessee child;
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_SYS(madvise(lent.map, LENGTH, MADV_DONTFORK));
	lessee_start(&child);
	ASSERT_TOUCH(lessee_read(&child, lent.map, NULL), TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
}

/* A place for a mapping to be moved to. */
static void *free_address(size_t length)
{
	void *address = (void *)ASSERT_SYS(mmap(NULL, length, PROT_NONE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1,
						0));

	ASSERT_SYS(munmap(address, length));
	return address;
}

TEST(mapping_moved_by_mremap_works_and_is_revoked)
{
	struct lent lent;
	uint32_t *moved;

	lend(&lent, OFFSET, LENGTH);
	ram_tag_pages(lent.dev);
	ASSERT_READS(lent.map, page_tag(64));
	moved = (uint32_t *)ASSERT_SYS(mremap(lent.map, LENGTH, LENGTH,
					      MREMAP_MAYMOVE | MREMAP_FIXED,
					      free_address(LENGTH)));
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_SIGSEGV);
	ASSERT_READS(moved, page_tag(64));
	ASSERT_READS(page_word(moved, 9), page_tag(73));
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_GONE(moved);
	ASSERT_GONE(page_word(moved, 9));
	ASSERT_GONE(page_word(moved, 10));
}

TEST(mapping_moved_in_part_works_and_is_revoked)
{
	struct lent lent;
	uint32_t *moved;

	lend(&lent, OFFSET, LENGTH);
	ram_tag_pages(lent.dev);
	ASSERT_READS(page_word(lent.map, 5), page_tag(69));
	moved = (uint32_t *)ASSERT_SYS(mremap(page_word(lent.map, 4), 4 * PAGE,
					      4 * PAGE,
					      MREMAP_MAYMOVE | MREMAP_FIXED,
					      free_address(4 * PAGE)));
	ASSERT_READS(page_word(moved, 0), page_tag(68));
	ASSERT_READS(page_word(moved, 1), page_tag(69));
	ASSERT_READS(page_word(lent.map, 3), page_tag(67));
	ASSERT_TOUCH(touch_read(page_word(lent.map, 4), NULL), TOUCH_SIGSEGV);
	ASSERT_READS(page_word(lent.map, 8), page_tag(72));
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_GONE(page_word(moved, 0));
	ASSERT_GONE(page_word(moved, 3));
	ASSERT_GONE(page_word(lent.map, 3));
	ASSERT_GONE(page_word(lent.map, 8));
}

TEST(mapping_shrunk_by_mremap_keeps_its_beginning)
{
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	ram_tag_pages(lent.dev);
	ASSERT_SYS(mremap(lent.map, LENGTH, 2 * PAGE, 0));
	ASSERT_READS(page_word(lent.map, 1), page_tag(65));
	ASSERT_TOUCH(touch_read(page_word(lent.map, 2), NULL), TOUCH_SIGSEGV);
}

TEST(mapping_with_a_hole_works_on_both_sides_and_is_revoked)
{
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	ram_tag_pages(lent.dev);
	ASSERT_READS(page_word(lent.map, 4), page_tag(68));
	ASSERT_SYS(munmap(page_word(lent.map, 4), 2 * PAGE));
	ASSERT_TOUCH(touch_read(page_word(lent.map, 4), NULL), TOUCH_SIGSEGV);
	ASSERT_READS(page_word(lent.map, 3), page_tag(67));
	ASSERT_READS(page_word(lent.map, 6), page_tag(70));
	ASSERT_READS(page_word(lent.map, 15), page_tag(79));
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_GONE(page_word(lent.map, 3));
	ASSERT_GONE(page_word(lent.map, 6));
	ASSERT_GONE(page_word(lent.map, 15));
}

TEST(mapping_of_a_part_is_revoked)
{
	struct lent lent;
	uint32_t *part;

	lend(&lent, OFFSET, LENGTH);
	part = lease_map_rw(lent.fd, 7 * PAGE, 2 * PAGE);
	ASSERT_TOUCH(touch_read(page_word(part, 1), NULL), TOUCH_OK);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_GONE(part);
	ASSERT_GONE(page_word(part, 1));
}

TEST(mapping_outlives_the_fd_and_is_still_revoked)
{
	struct lessee keeper;
	struct lent lent;
	int their_fd;

	lend(&lent, OFFSET, LENGTH);
	lessee_start_unprivileged(&keeper);
	their_fd = lessee_give(&keeper, lent.fd);
	close(lent.fd);
	ASSERT_WRITES(lent.map, 0x7777);
	ASSERT_READS(lent.map, 0x7777);
	ASSERT_SYS(lease_revoke(lent.dev, lessee_take(&keeper, their_fd)));
	ASSERT_GONE(lent.map);
}

TEST(mapping_alone_keeps_the_lease)
{
	struct lent lent;
	int dmabufs;

	lend(&lent, OFFSET, LENGTH);
	dmabufs = module_dmabufs();
	close(lent.fd);
	ASSERT_WRITES(lent.map, 1);
	ASSERT_EQ(module_dmabufs(), dmabufs);
	ASSERT_SYS(munmap(lent.map, LENGTH));
	if (dmabufs > 0)
		ASSERT_EQ(module_dmabufs(), dmabufs - 1);
}

TEST(unprivileged_process_uses_a_lease_it_was_passed)
{
	struct lessee lessee;
	struct lent lent;
	uint32_t found;
	void *address;

	lend(&lent, OFFSET, LENGTH);
	address = lessee_start_mapped(&lessee, lent.fd, LENGTH);
	ASSERT_WRITES(lent.map, 0x8888);
	ASSERT_TOUCH(lessee_read(&lessee, address, &found), TOUCH_OK);
	ASSERT_EQ(found, 0x8888);
	ASSERT_TOUCH(lessee_write(&lessee, address, 0x9999), TOUCH_OK);
	ASSERT_READS(lent.map, 0x9999);
}

/* It has the lease and nothing else of the device. */
TEST(unprivileged_process_has_no_other_way_to_the_device)
{
	char path[100], line[4096], status[64];
	struct lessee lessee;
	struct cdev cdev;
	struct lent lent;
	ssize_t length;
	void *address;
	FILE *file;
	bool none;
	int fd;

	lend(&lent, OFFSET, LENGTH);
	lessee_start_unprivileged(&lessee);
	fd = lessee_give(&lessee, lent.fd);

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 barlease_device_bdf(lent.dev));
	length = ASSERT_SYS(readlink(path, line, sizeof(line) - 1));
	line[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio%.20s", strrchr(line, '/'));
	ASSERT_ERROR(lessee_open(&lessee, path, O_RDWR), EACCES);
	if (!cdev_find("/sys", barlease_device_bdf(lent.dev), &cdev)) {
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s", cdev.name);
		ASSERT_ERROR(lessee_open(&lessee, path, O_RDWR), EACCES);
	}

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource%d",
		 barlease_device_bdf(lent.dev), RAM_BAR);
	ASSERT_ERROR(lessee_open(&lessee, path, O_RDWR), EACCES);
	ASSERT_ERROR(lessee_open(&lessee, path, O_RDONLY), EACCES);
	ASSERT_ERROR(lessee_open(&lessee, "/dev/mem", O_RDONLY), EACCES);
	ASSERT_ERROR(lessee_mmap(&lessee, fd, LENGTH, PAGE, PROT_READ,
				 &address), EINVAL);

	snprintf(status, sizeof(status), "/proc/%d/status", (int)lessee.pid);
	file = fopen(status, "r");
	ASSERT(file);
	for (none = false; fgets(line, sizeof(line), file);)
		if (!strcmp(line, "CapEff:\t0000000000000000\n"))
			none = true;
	fclose(file);
	ASSERT(none);
}

TEST(killed_lessee_leaves_nothing)
{
	struct lessee lessee;
	struct lent lent;
	void *address;

	lend(&lent, OFFSET, LENGTH);
	address = lessee_start_mapped(&lessee, lent.fd, LENGTH);
	ASSERT_TOUCH(lessee_write(&lessee, address, 1), TOUCH_OK);
	lessee_kill(&lessee);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	close(lent.fd);
	lent.fd = lease_export(lent.dev, RAM_BAR, OFFSET, LENGTH);
	ASSERT_WRITES(lease_map_rw(lent.fd, 0, LENGTH), 2);
}
