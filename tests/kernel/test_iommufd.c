// SPDX-License-Identifier: MIT
/* Devices that are opened by their own file and an iommufd, or cannot be. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cdev.h"
#include "dev_folder.h"
#include "device.h"
#include "vfio/iommufd.h"
#include "harness.h"
#include "lessee.h"
#include "pair.h"
#include "touch.h"

#define OFFSET (32 * PAGE)
#define LENGTH (4 * PAGE)

static int open_by(enum barlease_way way, struct barlease_device **dev,
		   const char **reason)
{
	return barlease_device_open_by(device_bdf(IVSHMEM), way, NULL, dev,
				       reason);
}

/* It opens all the same, by group, and this is why. */
static void assert_falls_back(const char *words)
{
	struct barlease_device *dev;
	const char *reason;

	ASSERT_OK(open_by(BARLEASE_ANY_WAY, &dev, &reason));
	ASSERT_EQ(barlease_device_way(dev), BARLEASE_BY_GROUP);
	ASSERT_EQ(barlease_device_ioas(dev), 0);
	if (!reason || !strstr(reason, words))
		FAIL("the reason is \"%s\", not \"%s\"",
		     reason ? reason : "nothing", words);
	barlease_device_close(dev);
}

TEST(iommufd_is_used_where_the_kernel_has_it)
{
	struct barlease_device *dev;
	const char *reason;

	if (!have_iommufd()) {
		assert_falls_back("CONFIG_VFIO_DEVICE_CDEV");
		return;
	}
	ASSERT_OK(open_by(BARLEASE_ANY_WAY, &dev, &reason));
	ASSERT_EQ(barlease_device_way(dev), BARLEASE_BY_IOMMUFD);
	ASSERT_NE(barlease_device_ioas(dev), 0);
	ASSERT(!reason);
	barlease_device_close(dev);
}

/* A /dev where everybody may open all that has to do with the device. */
static void everything_in_dev(mode_t iommu, mode_t cdev)
{
	if (!have_iommufd())
		test_skip("this kernel has no iommufd with VFIO device files");
	dev_folder_make();
	dev_folder_add("vfio/vfio", 0666);
	dev_folder_add_group(device_bdf(IVSHMEM), 0666);
	if (iommu)
		dev_folder_add("iommu", iommu);
	if (cdev)
		dev_folder_add_cdev(device_bdf(IVSHMEM), cdev);
	dev_folder_use();
}

TEST(iommufd_without_dev_iommu_makes_the_group_serve)
{
	struct barlease_device *dev;
	const char *reason;

	everything_in_dev(0, 0666);
	assert_falls_back("there is no /dev/iommu");
	ASSERT_ERROR(open_by(BARLEASE_BY_IOMMUFD, &dev, &reason), ENOTSUP);
}

TEST(iommufd_without_a_device_file_makes_the_group_serve)
{
	struct barlease_device *dev;
	const char *reason;

	everything_in_dev(0666, 0);
	assert_falls_back("is missing");
	ASSERT_ERROR(open_by(BARLEASE_BY_IOMMUFD, &dev, &reason), ENOTSUP);
}

TEST(iommufd_that_a_user_may_not_open_makes_the_group_serve)
{
	struct barlease_device *dev;
	const char *reason;

	everything_in_dev(0600, 0666);
	ASSERT_SYS(seteuid(LESSEE_UID));
	assert_falls_back("may not open /dev/iommu");
	ASSERT_ERROR(open_by(BARLEASE_BY_IOMMUFD, &dev, &reason), EACCES);
}

TEST(iommufd_with_a_device_file_that_is_denied_makes_the_group_serve)
{
	struct barlease_device *dev;
	const char *reason;

	everything_in_dev(0666, 0600);
	ASSERT_SYS(seteuid(LESSEE_UID));
	assert_falls_back("may not open its file");
	ASSERT_ERROR(open_by(BARLEASE_BY_IOMMUFD, &dev, &reason), EACCES);
}

TEST(iommufd_serves_a_user_who_may_open_its_files)
{
	struct barlease_device *dev;
	const char *reason;

	everything_in_dev(0666, 0666);
	ASSERT_SYS(seteuid(LESSEE_UID));
	ASSERT_OK(open_by(BARLEASE_ANY_WAY, &dev, &reason));
	ASSERT_EQ(barlease_device_way(dev), BARLEASE_BY_IOMMUFD);
	barlease_device_close(dev);
}

TEST(iommufd_device_that_is_open_is_ebusy_in_either_way)
{
	static const enum barlease_way ways[] = {
		BARLEASE_BY_IOMMUFD, BARLEASE_BY_GROUP, BARLEASE_ANY_WAY,
	};
	struct barlease_device *dev, *again;
	const char *reason;
	size_t i, j;

	for (i = 0; i < 2; i++) {
		dev = device_open_by(IVSHMEM, ways[i]);
		ASSERT_EQ(barlease_device_way(dev), ways[i]);
		for (j = 0; j < 3; j++)
			ASSERT_ERROR(open_by(ways[j], &again, &reason), EBUSY);
		barlease_device_close(dev);
	}
}

/* The other function of the group, in an iommufd that is not ours. */
TEST(iommufd_of_somebody_else_in_the_group_is_ebusy)
{
	struct barlease_device *dev, *other;
	const char *reason;

	other = device_open_by(PAIR1, BARLEASE_BY_IOMMUFD);
	ASSERT_ERROR(barlease_device_open_by(device_bdf(PAIR0),
					     BARLEASE_BY_IOMMUFD, NULL, &dev,
					     &reason), EBUSY);
	ASSERT_ERROR(barlease_device_open(device_bdf(PAIR0), &dev), EBUSY);
	barlease_device_close(other);
	dev = device_open_by(PAIR0, BARLEASE_BY_IOMMUFD);
	barlease_device_close(dev);
}

/* Not even an export, as long as nobody knows whose DMA it would be. */
TEST(device_file_serves_nothing_before_it_is_bound)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf export;
		struct vfio_region_dma_range range;
	} request = {
		.feature = {
			.argsz = sizeof(request),
			.flags = VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_DMA_BUF,
		},
		.export = {
			.region_index = RAM_BAR,
			.open_flags = O_RDWR | O_CLOEXEC,
			.nr_ranges = 1,
		},
		.range = { .length = PAGE },
	};
	off_t bar = (off_t)RAM_BAR << 40;	/* VFIO's offset of the BAR */
	int device = cdev_open(device_bdf(IVSHMEM));
	int iommufd = iommufd_open();
	uint32_t value;
	int lease;

	ASSERT_ERRNO(ioctl(device, VFIO_DEVICE_FEATURE, &request), EINVAL);
	ASSERT_ERRNO(ioctl(device, VFIO_DEVICE_GET_INFO, &info), EINVAL);
	ASSERT_ERRNO(pread(device, &value, sizeof(value), bar), EINVAL);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device, bar),
		     EINVAL);

	ASSERT_SYS(cdev_bind(device, iommufd));
	lease = (int)ASSERT_SYS(ioctl(device, VFIO_DEVICE_FEATURE, &request));
	close(lease);
	close(device);
	close(iommufd);
}

TEST(device_file_without_address_space_lends_all_the_same)
{
	struct pair pair;
	uint32_t *map;
	int fd;

	pair_open_by_iommufd(&pair);
	fd = pair_export(&pair, 0, 0, PAGE);
	map = lease_map_rw(fd, 0, PAGE);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	pair_close(&pair);
	ASSERT_GONE(map);
}

TEST(leases_live_until_the_last_fd_of_a_device_file_is_closed)
{
	struct lent lent;
	int copy;

	lent.dev = device_open_by(IVSHMEM, BARLEASE_BY_IOMMUFD);
	lent.fd = lease_export(lent.dev, RAM_BAR, OFFSET, LENGTH);
	lent.map = lease_map_rw(lent.fd, 0, LENGTH);
	copy = (int)ASSERT_SYS(dup(barlease_device_fd(lent.dev)));

	/* Closes the iommufd, too. */
	barlease_device_close(lent.dev);
	ASSERT_WRITES(lent.map, 0x600d);
	ASSERT_READS(lent.map, 0x600d);
	close(copy);
	ASSERT_GONE(lent.map);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, lent.fd, 0),
		     ENODEV);
}

TEST(hot_reset_of_device_files_takes_no_group)
{
	uint32_t *map;
	struct pair pair;
	int fd;

	pair_open_by_iommufd(&pair);
	fd = pair_export(&pair, 0, 0, PAGE);
	map = lease_map_rw(fd, 0, PAGE);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_EQ(touch_faults(map), 0);

	ASSERT_ERROR(pair_hot_reset_with(&pair, 1, 1, pair.iommu), EINVAL);
	ASSERT_EQ(touch_faults(map), 0);
	ASSERT_OK(pair_hot_reset_with(&pair, 1, 0, -1));
	ASSERT_EQ(touch_faults(map), 1);
	pair_close(&pair);
}

/* The neighbour belongs to nobody, and its group to us. */
TEST(hot_reset_of_one_device_file_of_a_group_works)
{
	struct pair pair;

	pair_open_by_iommufd(&pair);
	ASSERT_SYS(close(pair.device[1]));
	pair.device[1] = -1;
	ASSERT_OK(pair_hot_reset_with(&pair, 0, 0, -1));
	pair_close(&pair);
}
