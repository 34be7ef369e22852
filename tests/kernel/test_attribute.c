// SPDX-License-Identifier: MIT
/* Memory attributes, seen in the page table entries. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

/* Of tests/kernel/modules: the type of the entry behind an address. */
#define ENTRY "/sys/kernel/debug/barlease-test/entry"

#define NC VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR_NC
#define WC VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR_WC

static void entry_type(const volatile void *address, char *type, size_t size)
{
	char text[32];
	ssize_t length;
	int fd;

	if (module_load("barlease-test"))
		test_skip("no module barlease-test");
	fd = (int)ASSERT_SYS(open(ENTRY, O_RDWR | O_CLOEXEC));
	snprintf(text, sizeof(text), "%#lx", (unsigned long)address);
	ASSERT_SYS(write(fd, text, strlen(text)));
	length = ASSERT_SYS(read(fd, type, size - 1));
	type[length] = '\0';
	type[strcspn(type, "\n")] = '\0';
	close(fd);
}

#define ASSERT_TYPE(address, expected)                                         \
	do {                                                                   \
		char type_[16];                                                \
		entry_type(address, type_, sizeof(type_));                     \
		if (strcmp(type_, expected))                                   \
			FAIL("entry of %s is %s, not %s", #address, type_,     \
			     expected);                                        \
	} while (0)

static void set_attribute(struct barlease_device *dev, int fd, uint32_t memattr)
{
	struct vfio_device_feature_dma_buf_memattr request = {
		.dmabuf_fd = fd,
		.memattr = memattr,
	};

	ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR,
				  &request, sizeof(request)));
}

static int lend_wc(struct barlease_device *dev, uint64_t offset,
		   uint64_t length)
{
	int fd = lease_export(dev, RAM_BAR, offset, length);

	set_attribute(dev, fd, WC);
	return fd;
}

TEST(attribute_is_non_cached_by_default)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_WRITES(lent.map, 1);
	ASSERT_TYPE(lent.map, "uc-");
}

TEST(attribute_wc_is_write_combining_in_the_page_table)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lend_wc(dev, PAGE, 3 * PAGE);
	uint32_t *map = lease_map_rw(fd, 0, 3 * PAGE);
	uint32_t value = ram_fresh(dev, PAGE);

	ASSERT_WRITES(map, value);
	__sync_synchronize();
	ASSERT_EQ(ram_read(dev, PAGE), value);
	ASSERT_TYPE(map, "wc");
	ASSERT_TYPE(page_word(map, 2), "wc");
}

TEST(attribute_wc_leaves_leases_beside_it_and_of_the_same_range_non_cached)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	uint32_t *wc = lease_map_rw(lend_wc(dev, 0, PAGE), 0, PAGE);
	int beside_fd = lease_export(dev, RAM_BAR, PAGE, PAGE);
	uint32_t *beside = lease_map_rw(beside_fd, 0, PAGE);
	int same_fd = lease_export(dev, RAM_BAR, 0, PAGE);
	uint32_t *same = lease_map_rw(same_fd, 0, PAGE);
	uint32_t *bar = ram_map(dev, 0, PAGE);

	ASSERT_WRITES(wc, 1);
	ASSERT_WRITES(beside, 2);
	ASSERT_TOUCH(touch_read(same, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(bar, NULL), TOUCH_OK);
	ASSERT_TYPE(wc, "wc");
	ASSERT_TYPE(beside, "uc-");
	ASSERT_TYPE(same, "uc-");
	ASSERT_TYPE(bar, "uc-");
}

TEST(attribute_acts_on_later_mappings_only)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, 2 * PAGE);
	uint32_t *before = lease_map_rw(fd, 0, 2 * PAGE);
	uint32_t *wc, *after;

	ASSERT_WRITES(before, 1);
	set_attribute(dev, fd, WC);
	wc = lease_map_rw(fd, 0, 2 * PAGE);
	ASSERT_WRITES(wc, 2);
	/* Also a fault that comes later. */
	ASSERT_WRITES(page_word(before, 1), 3);
	set_attribute(dev, fd, NC);
	after = lease_map_rw(fd, 0, 2 * PAGE);
	ASSERT_WRITES(after, 4);
	ASSERT_WRITES(page_word(wc, 1), 5);
	ASSERT_TYPE(before, "uc-");
	ASSERT_TYPE(page_word(before, 1), "uc-");
	ASSERT_TYPE(wc, "wc");
	ASSERT_TYPE(page_word(wc, 1), "wc");
	ASSERT_TYPE(after, "uc-");
}

TEST(attribute_wc_fault_fills_the_pages_around_it)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lend_wc(dev, SIZE_2M, 2 * SIZE_2M);
	uint32_t *map = lease_map_aligned(fd, 2 * SIZE_2M, SIZE_2M);

	ASSERT_EQ(touch_faults(page_word(map, 100)), 1);
	ASSERT_EQ(touch_faults(page_word(map, 0)), 0);
	ASSERT_EQ(touch_faults(page_word(map, 511)), 0);
	ASSERT_EQ(touch_faults(page_word(map, 512)), 1);
	ASSERT_EQ(touch_faults(page_word(map, 1023)), 0);
	ASSERT_TYPE(page_word(map, 511), "wc");
	ASSERT_TYPE(page_word(map, 1023), "wc");
}

TEST(attribute_wc_of_several_ranges_has_the_right_pages)
{
	const struct barlease_range ranges[] = {
		{ 5 * PAGE, 2 * PAGE }, { 0, PAGE }, { 6 * PAGE, 3 * PAGE },
	};
	const unsigned int pages[] = { 5, 6, 0, 6, 7, 8 };
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export_ranges(dev, RAM_BAR, ranges, 3);
	uint32_t *map;
	unsigned int i;

	ram_tag_pages(dev);
	set_attribute(dev, fd, WC);
	map = lease_map_rw(fd, 0, 6 * PAGE);
	for (i = 0; i < 6; i++)
		ASSERT_READS(page_word(map, i), page_tag(pages[i]));
}

TEST(attribute_wc_mapping_of_a_piece_stays_within_it)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lend_wc(dev, 0, 8 * PAGE);
	uint32_t *map = lease_map_rw(fd, 2 * PAGE, 3 * PAGE);

	ram_tag_pages(dev);
	ASSERT_READS(page_word(map, 1), page_tag(3));
	ASSERT_READS(map, page_tag(2));
	ASSERT_READS(page_word(map, 2), page_tag(4));
	ASSERT_SYS(munmap(page_word(map, 1), PAGE));
	ASSERT_TOUCH(touch_read(page_word(map, 1), NULL), TOUCH_SIGSEGV);
	ASSERT_READS(page_word(map, 2), page_tag(4));
	ASSERT_TYPE(page_word(map, 2), "wc");
}

TEST(attribute_wc_mapping_is_revoked_and_goes_with_the_memory)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lend_wc(dev, 0, 4 * PAGE);
	struct lessee lessee;
	uint32_t *map = lease_map_rw(fd, 0, 4 * PAGE);
	uint32_t *theirs = lessee_start_mapped(&lessee, fd, 4 * PAGE);

	ASSERT_WRITES(map, 1);
	ASSERT_TOUCH(lessee_write(&lessee, theirs, 2), TOUCH_OK);
	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_GONE(map);
	ASSERT_TOUCH(lessee_read(&lessee, theirs, NULL), TOUCH_SIGBUS);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_READS(map, 2);
	ASSERT_TYPE(map, "wc");
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_GONE(map);
	ASSERT_GONE(page_word(map, 3));
	ASSERT_TOUCH(lessee_read(&lessee, theirs, NULL), TOUCH_SIGBUS);
	lessee_end(&lessee);
}

TEST(attribute_wc_mapping_survives_fork_and_move)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lend_wc(dev, 0, 2 * PAGE);
	uint32_t *map = lease_map_rw(fd, 0, 2 * PAGE);
	struct lessee lessee;
	uint32_t *moved;

	ASSERT_WRITES(map, 7);
	lessee_start(&lessee);
	ASSERT_TOUCH(lessee_write(&lessee, map, 8), TOUCH_OK);
	moved = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	ASSERT(moved != MAP_FAILED);
	moved = mremap(map, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       moved);
	ASSERT(moved != MAP_FAILED);
	ASSERT_READS(moved, 8);
	ASSERT_TYPE(moved, "wc");
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_GONE(moved);
	ASSERT_TOUCH(lessee_read(&lessee, map, NULL), TOUCH_SIGBUS);
	lessee_end(&lessee);
}

TEST(attribute_wc_read_only_lease_is_write_combining_and_read_only)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export_ro(dev, RAM_BAR, 0, PAGE);
	uint32_t *map;

	set_attribute(dev, fd, WC);
	map = lease_map(fd, 0, PAGE, PROT_READ);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_TYPE(map, "wc");
	ASSERT_TOUCH(touch_write(map, 1), TOUCH_SIGSEGV);
}
