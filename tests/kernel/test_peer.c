// SPDX-License-Identifier: MIT
/* Leases that another device imports: who may, and what arrives. */
#include <stdio.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "host.h"
#include "importer.h"
#include "touch.h"

/* Pages of the RAM BAR. */
#define OFFSET (SIZE_2M + 3 * PAGE)
#define PAGES 4

/* A page has room for more entries of a scatterlist. */
#define FEW_RANGES 100

static int lend_pages(struct barlease_device **dev)
{
	*dev = device_open(IVSHMEM);
	return lease_export(*dev, RAM_BAR, OFFSET, PAGES * PAGE);
}

TEST(peer_reads_what_a_lessee_writes)
{
	struct lent lent;
	int importer;

	lend(&lent, OFFSET, PAGES * PAGE);
	importer = importer_start(lent.fd, IMPORTER_AT_ONCE);
	ASSERT_WRITES(page_word(lent.map, 0), 0x600d0001);
	ASSERT_WRITES(page_word(lent.map, 3), 0x600d0003);
	ASSERT_DMA_READS(importer, 0, 0x600d0001);
	ASSERT_DMA_READS(importer, 3 * PAGE, 0x600d0003);
}

TEST(peer_writes_exactly_what_the_host_sees)
{
	struct barlease_device *dev;
	int fd = lend_pages(&dev);
	int importer = importer_start(fd, IMPORTER_AT_ONCE);
	uint32_t value = ram_fresh(dev, OFFSET + PAGE + 8);

	host_snapshot();
	ASSERT_OK(importer_write(importer, PAGE + 8, value));
	host_assert_changed(OFFSET + PAGE + 8, sizeof(value));
	ASSERT_EQ(ram_read(dev, OFFSET + PAGE + 8), value);
}

/* The ranges are in the order of the lease, wherever they are in the BAR. */
TEST(peer_sees_the_ranges_in_the_order_of_the_lease)
{
	const struct barlease_range ranges[] = {
		{ .offset = 5 * PAGE, .length = PAGE },
		{ .offset = SIZE_2M, .length = 2 * PAGE },
		{ .offset = 0, .length = PAGE },
	};
	const size_t pages[] = { 5, 512, 513, 0 };
	struct barlease_device *dev = device_open(IVSHMEM);
	struct importer_map map;
	int fd, importer;
	size_t i;

	ram_tag_pages(dev);
	fd = lease_export_ranges(dev, RAM_BAR, ranges, 3);
	importer_needs_peers();
	importer = importer_open();
	ASSERT_OK(importer_attach(importer, fd, 0, IMPORTER_AT_ONCE));
	ASSERT_OK(importer_map(importer, &map));
	ASSERT_EQ(map.length, 4 * PAGE);
	for (i = 0; i < 4; i++)
		ASSERT_DMA_READS(importer, i * PAGE, page_tag(pages[i]));
}

TEST(peer_maps_and_unmaps_many_times)
{
	struct barlease_device *dev;
	int fd = lend_pages(&dev);
	int importer = importer_start(fd, IMPORTER_AT_ONCE);
	int i;

	for (i = 0; i < 200; i++) {
		ASSERT_OK(importer_unmap(importer));
		ASSERT_OK(importer_map(importer, NULL));
	}
	ram_write(dev, OFFSET, 0x600d600d);
	ASSERT_DMA_READS(importer, 0, 0x600d600d);
	ASSERT_EQ(importer_notified(importer), 0);
}

/* More entries than one chunk of a table has. */
TEST(peer_maps_a_lease_of_many_ranges)
{
	struct barlease_range ranges[BARLEASE_MAX_RANGES];
	struct barlease_device *dev = device_open(IVSHMEM);
	struct importer_map map;
	int fd, importer;
	size_t i;

	ram_tag_pages(dev);
	for (i = 0; i < BARLEASE_MAX_RANGES; i++)
		ranges[i] = (struct barlease_range){
			.offset = 2 * i * PAGE,
			.length = PAGE,
		};
	fd = lease_export_ranges(dev, RAM_BAR, ranges, BARLEASE_MAX_RANGES);
	importer = importer_start(fd, IMPORTER_AT_ONCE);
	ASSERT_OK(importer_unmap(importer));
	ASSERT_OK(importer_map(importer, &map));
	ASSERT_EQ(map.length, BARLEASE_MAX_RANGES * PAGE);
	ASSERT_DMA_READS(importer, 300 * PAGE, page_tag(600));
	ASSERT_DMA_READS(importer, 511 * PAGE, page_tag(1022));
}

/* Memory of the kernel that cannot be reclaimed, in KiB. */
static long kernel_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[100];
	long size = -1;

	ASSERT(file);
	while (size < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "SUnreclaim: %ld kB", &size);
	fclose(file);
	ASSERT(size > 0);
	return size;
}

/*
 * If the table of each were lost it would be 30 bytes a range and more; with so
 * few ranges it is no whole page, which would not be counted. Where KASAN keeps
 * what is freed for a while, kmemleak looks at the end of the run, too.
 */
TEST(peer_mappings_leave_no_memory_behind)
{
	struct barlease_range ranges[FEW_RANGES];
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd, importer, i;
	long before;

	for (i = 0; i < FEW_RANGES; i++)
		ranges[i] = (struct barlease_range){
			.offset = (uint64_t)i * PAGE,
			.length = PAGE,
		};
	fd = lease_export_ranges(dev, RAM_BAR, ranges, FEW_RANGES);
	importer = importer_start(fd, IMPORTER_AT_ONCE);
	before = kernel_memory();
	for (i = 0; i < 400; i++) {
		ASSERT_OK(importer_unmap(importer));
		ASSERT_OK(importer_map(importer, NULL));
	}
	test_note("%ld KiB more", kernel_memory() - before);
	ASSERT_COMPARE(kernel_memory() - before, <,
		       400L * FEW_RANGES * 30 / 2 / 1024);
}

TEST(peer_maps_a_lease_of_gigabytes)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	struct importer_map map;
	int fd, importer;

	importer_needs_peers();
	fd = lease_export(dev, bar, 0, 5 * SIZE_1G);
	importer = importer_open();
	ASSERT_OK(importer_attach(importer, fd, 0, IMPORTER_AT_ONCE));
	/* The peer has 28 bits for addresses; what it does not fit is refused. */
	ASSERT_ERROR(importer_map(importer, &map), ENOMEM);
	close(importer);
	ASSERT_SYS(lease_revoke(dev, fd));
}

TEST(peer_may_not_import_a_read_only_lease)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export_ro(dev, RAM_BAR, OFFSET, PAGE);

	ASSERT_ERROR(importer_attach(importer_open(), fd, 0, IMPORTER_AT_ONCE),
		     EACCES);
}

TEST(peer_may_not_import_without_p2pdma)
{
	struct barlease_device *dev;
	int fd = lend_pages(&dev);
	int importer = importer_open();
	int ret = importer_attach(importer, fd, 0, IMPORTER_AT_ONCE);

	if (!ret)
		test_skip("the kernel has CONFIG_PCI_P2PDMA");
	ASSERT_ERROR(ret, EOPNOTSUPP);
}

static void attach_refused(uint32_t flags, int error)
{
	struct barlease_device *dev;
	int fd = lend_pages(&dev);
	int importer;

	importer_needs_peers();
	importer = importer_open();
	ASSERT_ERROR(importer_attach(importer, fd, flags, IMPORTER_AT_ONCE),
		     error);
	/* It was for that reason alone. */
	ASSERT_OK(importer_attach(importer, fd, 0, IMPORTER_AT_ONCE));
	ASSERT_OK(importer_map(importer, NULL));
}

TEST(peer_may_not_import_what_it_could_keep)
{
	attach_refused(IMPORTER_STATIC, EOPNOTSUPP);
}

TEST(peer_may_not_import_when_it_needs_pages)
{
	attach_refused(IMPORTER_NO_PEER, EOPNOTSUPP);
}

TEST(peer_may_not_import_without_a_way_to_the_device)
{
	attach_refused(IMPORTER_NO_PCI, EOPNOTSUPP);
}

/* Also for one that is attached already. */
TEST(peers_can_be_forbidden_by_a_module_parameter)
{
	struct barlease_device *dev;
	int fd = lend_pages(&dev);
	int importer, attached, ret, mapped;

	importer_needs_peers();
	importer = importer_open();
	attached = importer_open();
	ASSERT_OK(importer_attach(attached, fd, 0, IMPORTER_AT_ONCE));
	ASSERT_OK(sysfs_write(ALLOW_PEERS, "N"));
	ret = importer_attach(importer, fd, 0, IMPORTER_AT_ONCE);
	mapped = importer_map(attached, NULL);
	ASSERT_OK(sysfs_write(ALLOW_PEERS, "Y"));
	ASSERT_ERROR(ret, EOPNOTSUPP);
	ASSERT_ERROR(mapped, EOPNOTSUPP);
	ASSERT_OK(importer_attach(importer, fd, 0, IMPORTER_AT_ONCE));
}

TEST(peer_may_not_attach_to_or_map_a_revoked_lease)
{
	struct barlease_device *dev;
	int fd = lend_pages(&dev);
	int attached, late;

	importer_needs_peers();
	attached = importer_open();
	late = importer_open();
	ASSERT_OK(importer_attach(attached, fd, 0, IMPORTER_AT_ONCE));
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_ERROR(importer_map(attached, NULL), ENODEV);
	ASSERT_ERROR(importer_attach(late, fd, 0, IMPORTER_AT_ONCE), ENODEV);
}

/* The importer has a reference of its own to the DMABUF. */
TEST(peer_outlives_the_fd_and_the_lessee)
{
	struct barlease_device *dev;
	int fd = lend_pages(&dev);
	int importer = importer_start(fd, IMPORTER_AT_ONCE);

	ASSERT_SYS(close(fd));
	ram_write(dev, OFFSET, 0x0c0ffee0);
	ASSERT_DMA_READS(importer, 0, 0x0c0ffee0);
}
