// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "device.h"
#include "harness.h"

const char *const device_names[] = {
	IVSHMEM, NVME, TESTDEV, VIRTIO_BLK, EDU, DISPLAY, PAIR0, PAIR1,
	SRIOV, NIC, HOTPLUG, NULL,
};

enum barlease_way device_way = BARLEASE_ANY_WAY;

const char *device_bdf(const char *name)
{
	const char *bdf = getenv(name);

	if (!bdf || !*bdf)
		test_skip("no %s", name);
	return bdf;
}

struct barlease_device *device_open_by(const char *name, enum barlease_way way)
{
	struct barlease_device *dev = NULL;
	const char *reason;
	int err;

	err = barlease_device_open_by(device_bdf(name), way, NULL, &dev,
				      &reason);
	if (err == -ENOTSUP && way == BARLEASE_BY_IOMMUFD)
		test_skip("%s", reason);
	if (err)
		FAIL("%s cannot be opened: %s%s%s", name, errno_name(err),
		     reason ? ": " : "", reason ? reason : "");
	ASSERT_OK(barlease_device_set_memory(dev, true));
	return dev;
}

struct barlease_device *device_open(const char *name)
{
	return device_open_by(name, device_way);
}

unsigned int device_bar_of_size(struct barlease_device *dev, uint64_t size)
{
	struct barlease_region region;
	unsigned int bar;

	for (bar = 0; bar < BARLEASE_BARS; bar++) {
		ASSERT_OK(barlease_region_get(dev, bar, &region));
		if (region.size == size && region.mappable)
			return bar;
	}
	test_skip("%s has no BAR of %#llx bytes", barlease_device_bdf(dev),
		  (unsigned long long)size);
}

int device_feature(struct barlease_device *dev, uint32_t flags, void *data,
		   size_t size)
{
	size_t total = sizeof(struct vfio_device_feature) + size;
	struct vfio_device_feature *feature = malloc(total);
	int ret, error;

	ASSERT(feature);
	feature->argsz = (uint32_t)total;
	feature->flags = flags;
	if (size)
		memcpy(feature->data, data, size);
	ret = ioctl(barlease_device_fd(dev), VFIO_DEVICE_FEATURE, feature);
	error = errno;
	if (size)
		memcpy(data, feature->data, size);
	free(feature);
	errno = error;
	return ret;
}

int lease_export_ranges(struct barlease_device *dev, unsigned int bar,
			const struct barlease_range *ranges,
			unsigned int count)
{
	/* On some devices the MSI-X table is all the memory that there is. */
	const struct barlease_terms terms = { .over_msix = true };

	return (int)ASSERT_OK(barlease_lease_export_as(dev, bar, ranges, count,
						       &terms));
}

int lease_export(struct barlease_device *dev, unsigned int bar,
		 uint64_t offset, uint64_t length)
{
	struct barlease_range range = { .offset = offset, .length = length };

	return lease_export_ranges(dev, bar, &range, 1);
}

int lease_export_ro(struct barlease_device *dev, unsigned int bar,
		    uint64_t offset, uint64_t length)
{
	struct barlease_range range = { .offset = offset, .length = length };
	const struct barlease_terms terms = {
		.access = BARLEASE_READ_ONLY,
		.over_msix = true,
	};

	return (int)ASSERT_OK(barlease_lease_export_as(dev, bar, &range, 1,
						       &terms));
}

int lease_export_of(int device, unsigned int bar, int flags, uint64_t offset,
		    uint64_t length)
{
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
			.region_index = bar,
			.open_flags = (uint32_t)(flags | O_CLOEXEC),
			.nr_ranges = 1,
		},
		.range = { .offset = offset, .length = length },
	};

	return (int)ASSERT_SYS(ioctl(device, VFIO_DEVICE_FEATURE, &request));
}

void lease_set_wc_of(int device, int fd)
{
	struct {
		struct vfio_device_feature feature;
		struct barlease_memattr memattr;
	} request = {
		.feature = {
			.argsz = sizeof(request),
			.flags = VFIO_DEVICE_FEATURE_SET |
				 BARLEASE_FEATURE_MEMATTR,
		},
		.memattr = {
			.dmabuf_fd = fd,
			.memattr = BARLEASE_MEMATTR_WC,
		},
	};

	ASSERT_SYS(ioctl(device, VFIO_DEVICE_FEATURE, &request));
}

void *lease_map(int fd, uint64_t offset, size_t length, int prot)
{
	return (void *)ASSERT_SYS(mmap(NULL, length, prot, MAP_SHARED, fd,
				       (off_t)offset));
}

void *lease_map_rw(int fd, uint64_t offset, size_t length)
{
	return lease_map(fd, offset, length, PROT_READ | PROT_WRITE);
}

void *lease_map_aligned(int fd, size_t length, uint64_t bar_offset)
{
	struct barlease_map map;

	ASSERT_OK(barlease_lease_map(fd, 0, length, PROT_READ | PROT_WRITE,
				     bar_offset, &map));
	return map.address;
}

int lease_revoke(struct barlease_device *dev, int fd)
{
	struct vfio_device_feature_dma_buf_revoke revoke = { .dmabuf_fd = fd };

	return device_feature(dev,
			      VFIO_DEVICE_FEATURE_SET |
				      VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE,
			      &revoke, sizeof(revoke));
}

void lend(struct lent *lent, uint64_t offset, size_t length)
{
	lent->dev = device_open(IVSHMEM);
	lent->fd = lease_export(lent->dev, RAM_BAR, offset, length);
	lent->length = length;
	lent->map = lease_map_rw(lent->fd, 0, length);
}

uint32_t ram_read(struct barlease_device *dev, uint64_t offset)
{
	uint32_t value;

	ASSERT_OK(barlease_region_read(dev, RAM_BAR, &value, sizeof(value),
				       offset));
	return value;
}

void ram_write(struct barlease_device *dev, uint64_t offset, uint32_t value)
{
	ASSERT_OK(barlease_region_write(dev, RAM_BAR, &value, sizeof(value),
					offset));
}

uint32_t ram_fresh(struct barlease_device *dev, uint64_t offset)
{
	return ~ram_read(dev, offset);
}

uint32_t *ram_map(struct barlease_device *dev, uint64_t offset, size_t length)
{
	struct barlease_map map;

	ASSERT_OK(barlease_region_map(dev, RAM_BAR, offset, length,
				      PROT_READ | PROT_WRITE, &map));
	return map.address;
}

void ram_tag_pages(struct barlease_device *dev)
{
	uint32_t *map = ram_map(dev, 0, RAM_SIZE);
	size_t page;

	for (page = 0; page < RAM_SIZE / PAGE; page++)
		*page_word(map, page) = page_tag(page);
	munmap(map, RAM_SIZE);
}

int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	ASSERT(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 3;	/* ".", ".." and the folder's own */
}
