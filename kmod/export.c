// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE_DMA_BUF: what user space asks for, checked, becomes a
 * lease. The order of the checks is part of the interface, see the header.
 */
#include <linux/fcntl.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/barlease.h>

#include "compat/compat.h"
#include "lease.h"

static int barlease_check_request(const struct vfio_device_feature_dma_buf *req,
				  size_t argsz)
{
	if (!req->nr_ranges || req->flags)
		return -EINVAL;
	if (req->open_flags & ~(O_ACCMODE | O_CLOEXEC) ||
	    (req->open_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (req->nr_ranges > BARLEASE_MAX_RANGES)
		return -E2BIG;
	if (argsz < struct_size(req, dma_ranges, req->nr_ranges))
		return -EINVAL;
	return 0;
}

static bool barlease_have_bar(struct vfio_pci_core_device *core, u32 index)
{
	return index < PCI_STD_NUM_BARS && pci_resource_len(core->pdev, index);
}

/* Can the BAR be mapped, and has the core claimed it for us? */
static int barlease_check_bar(struct vfio_pci_core_device *core, u32 index)
{
	if (!core->bar_mmap_supported[index])
		return -EINVAL;
	if (IS_ERR_OR_NULL(core->barmap[index]))
		return -ENODEV;
	return 0;
}

/*
 * Checks the ranges against each other and adds them up, in pages. A lease is
 * no longer than the offsets that VFIO has for a BAR.
 */
static int barlease_check_ranges(const struct vfio_region_dma_range *ranges,
				 u32 nr_ranges, unsigned long *pages)
{
	u64 total = 0;
	u32 i;

	BUILD_BUG_ON(BARLEASE_MAX_LENGTH != VFIO_PCI_OFFSET_MASK + 1);

	for (i = 0; i < nr_ranges; i++) {
		u64 length = ranges[i].length;

		if (!length || !PAGE_ALIGNED(length) ||
		    !PAGE_ALIGNED(ranges[i].offset))
			return -EINVAL;
		if (check_add_overflow(total, length, &total) ||
		    total > BARLEASE_MAX_LENGTH)
			return -EINVAL;
	}
	*pages = total >> PAGE_SHIFT;
	return 0;
}

/* Checks the ranges against the BAR and notes where they lie. */
static int barlease_fill_extents(struct barlease_lease *lease,
				 const struct vfio_region_dma_range *ranges,
				 u64 bar_start, u64 bar_length)
{
	unsigned long page = 0;
	u64 start, end;
	u32 i;

	for (i = 0; i < lease->nr_extents; i++) {
		struct barlease_extent *extent = &lease->extents[i];

		if (check_add_overflow(bar_start, ranges[i].offset, &start) ||
		    check_add_overflow(start, ranges[i].length, &end))
			return -EOVERFLOW;
		if (end - bar_start > bar_length)
			return -EINVAL;

		extent->page = page;
		extent->pages = ranges[i].length >> PAGE_SHIFT;
		extent->pfn = start >> PAGE_SHIFT;
		page += extent->pages;
	}
	return 0;
}

static int barlease_export(struct barlease_device *dev,
			   const struct vfio_device_feature_dma_buf *req,
			   const struct vfio_region_dma_range *ranges)
{
	struct vfio_pci_core_device *core = &dev->core;
	u32 index = req->region_index;
	struct barlease_lease *lease;
	unsigned long pages;
	int ret;

	ret = barlease_check_ranges(ranges, req->nr_ranges, &pages);
	if (ret)
		return ret;
	ret = barlease_check_bar(core, index);
	if (ret)
		return ret;

	lease = barlease_lease_alloc(dev, req->nr_ranges);
	if (!lease)
		return -ENOMEM;

	lease->bar = index;
	lease->bar_pfn = pci_resource_start(core->pdev, index) >> PAGE_SHIFT;
	lease->open_flags = req->open_flags;
	lease->pages = pages;
	snprintf(lease->name, sizeof(lease->name), "%s:%u[%llx+%lx]",
		 pci_name(core->pdev), index, ranges[0].offset,
		 pages << PAGE_SHIFT);
	ret = barlease_fill_extents(lease, ranges,
				    pci_resource_start(core->pdev, index),
				    pci_resource_len(core->pdev, index));
	if (ret) {
		barlease_lease_free(lease);
		return ret;
	}
	return barlease_lease_publish(lease);
}

int barlease_feature_export(struct barlease_device *dev, u32 flags,
			    void __user *arg, size_t argsz)
{
	struct vfio_device_feature_dma_buf __user *user = arg;
	struct vfio_device_feature_dma_buf req;
	struct vfio_region_dma_range *ranges;
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET,
				 sizeof(req));
	if (ret != 1)
		return ret;
	if (copy_from_user(&req, user, sizeof(req)))
		return -EFAULT;

	ret = barlease_check_request(&req, argsz);
	if (ret)
		return ret;
	if (!barlease_have_bar(&dev->core, req.region_index))
		return -ENODEV;

	ranges = memdup_array_user(user->dma_ranges, req.nr_ranges,
				   sizeof(*ranges));
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);

	barlease_prime_lockdep(dev);
	ret = barlease_export(dev, &req, ranges);
	kfree(ranges);
	return ret;
}
