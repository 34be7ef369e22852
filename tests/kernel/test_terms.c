// SPDX-License-Identifier: MIT
/* What the library lends on, and tells of a lease, as the driver has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <barlease/guarded.h>

#include "device.h"
#include "harness.h"
#include "nvme.h"

static void assert_name(int fd, const char *expected)
{
	char path[64], line[128], name[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	ASSERT(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "name: %63[^\n]", name);
	fclose(file);
	if (strcmp(name, expected))
		FAIL("the name is '%s', not '%s'", name, expected);
}

TEST(terms_are_what_info_tells)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	const struct barlease_range ranges[] = { { 4 * PAGE, 2 * PAGE },
						 { 0, PAGE } };
	const struct barlease_terms terms = {
		.access = BARLEASE_READ_ONLY,
		.attribute = BARLEASE_WRITE_COMBINING,
		.name = "queue 3",
	};
	struct barlease_range found[3] = { 0 };
	struct barlease_info info;
	struct barlease_map map;
	int fd;

	fd = (int)ASSERT_OK(barlease_lease_export_as(dev, RAM_BAR, ranges, 2,
						     &terms));
	assert_name(fd, "queue 3");
	ASSERT_OK(barlease_lease_map(fd, 0, PAGE, PROT_READ, 0, &map));
	ASSERT_OK(barlease_lease_info(dev, fd, &info, found, 3));
	ASSERT_EQ(info.bar, RAM_BAR);
	ASSERT_EQ(info.length, 3 * PAGE);
	ASSERT_EQ(info.access, BARLEASE_READ_ONLY);
	ASSERT_EQ(info.attribute, BARLEASE_WRITE_COMBINING);
	ASSERT_EQ(info.state, BARLEASE_IS_LIVE);
	ASSERT_EQ(info.mappings, 1);
	ASSERT_EQ(info.importers, 0);
	ASSERT_EQ(info.ranges, 2);
	ASSERT(!memcmp(found, ranges, sizeof(ranges)));

	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_OK(barlease_lease_info(dev, fd, &info, NULL, 0));
	ASSERT_EQ(info.state, BARLEASE_IS_AWAY);
	ASSERT_OK(barlease_lease_revoke(dev, fd));
	ASSERT_OK(barlease_lease_info(dev, fd, &info, NULL, 0));
	ASSERT_EQ(info.state, BARLEASE_IS_REVOKED);
	barlease_map_end(&map);
}

/* QEMU's nvme has its MSI-X table in the third page of BAR 0. */
TEST(terms_keep_the_msix_table_from_lessees)
{
	struct barlease_device *dev = device_open(NVME);
	const struct barlease_range whole = { 0, 4 * PAGE };
	const struct barlease_terms insist = { .over_msix = true };
	struct barlease_msix msix;

	ASSERT_OK(barlease_device_msix(dev, &msix));
	ASSERT_EQ(msix.table_bar, 0);
	ASSERT_EQ(msix.table.offset, 2 * PAGE);
	ASSERT_ERROR(barlease_lease_export(dev, 0, &whole, 1,
					   BARLEASE_READ_WRITE), EPERM);
	ASSERT_OK(barlease_lease_export_as(dev, 0, &whole, 1, &insist));
}

TEST(guarded_accesses_outlive_a_revocation)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	struct barlease_map map;
	unsigned char bytes[64] = { 1, 2, 3 };
	uint32_t value = 7;
	size_t done;

	ASSERT_OK(barlease_guard_install());
	ASSERT_OK(barlease_lease_map(fd, 0, PAGE, PROT_READ | PROT_WRITE, 0,
				     &map));
	ASSERT_OK(barlease_guarded_write32(map.address, 0x12345678));
	ASSERT_OK(barlease_guarded_read32(map.address, &value));
	ASSERT_EQ(value, 0x12345678);
	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_ERROR(barlease_guarded_read32(map.address, &value), ENXIO);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_OK(barlease_guarded_copy_to_wc(map.address, bytes,
					      sizeof(bytes), &done));
	ASSERT_OK(barlease_guarded_read32(map.address, &value));
	ASSERT_EQ(value, 0x030201);

	ASSERT_OK(barlease_lease_revoke(dev, fd));
	ASSERT_ERROR(barlease_guarded_write32(map.address, 1), ENXIO);
	ASSERT_ERROR(barlease_guarded_read32(map.address, &value), ENXIO);
	ASSERT_EQ(value, 0x030201);
	ASSERT_ERROR(barlease_guarded_copy_from(bytes, map.address, 64, &done),
		     ENXIO);
	ASSERT_EQ(done, 0);
}

TEST(adopted_device_lends_until_its_fd_is_closed)
{
	struct barlease_device *owner = device_open(IVSHMEM);
	struct barlease_device *dev;
	struct barlease_info info;
	int fd;

	ASSERT_OK(barlease_device_adopt(barlease_device_fd(owner),
					device_bdf(IVSHMEM), &dev));
	fd = lease_export(dev, RAM_BAR, 0, PAGE);
	barlease_device_close(dev);
	ASSERT_OK(barlease_lease_info(owner, fd, &info, NULL, 0));
	ASSERT_EQ(info.state, BARLEASE_IS_LIVE);
	barlease_device_close(owner);
	ASSERT_ERROR(barlease_lease_map(fd, 0, PAGE, PROT_READ, 0,
					&(struct barlease_map){ 0 }), ENODEV);
}
