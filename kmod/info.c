// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARLEASE_FEATURE_INFO: what a lease is, for the holder of the device fd.
 */
#include <linux/fcntl.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/barlease.h>

#include "lease.h"

static u32 barlease_info_state(struct barlease_lease *lease)
{
	lockdep_assert_held(&lease->dev->core.memory_lock);

	switch (lease->state) {
	case BARLEASE_REVOKED:
		return BARLEASE_STATE_REVOKED;
	case BARLEASE_ORPHANED:
		return BARLEASE_STATE_ORPHANED;
	case BARLEASE_LIVE:
		break;
	}
	return barlease_lease_accessible(lease) ? BARLEASE_STATE_LIVE :
						  BARLEASE_STATE_AWAY;
}

static void barlease_fill_info(struct barlease_lease *lease,
			       struct barlease_lease_info *info)
{
	info->nr_ranges = lease->nr_extents;
	info->region_index = lease->bar;
	info->open_flags = lease->open_flags & O_ACCMODE;
	info->mappings = atomic_read(&lease->mappings);
	info->attachments = atomic_read(&lease->attachments);
	info->length = (u64)lease->pages << PAGE_SHIFT;
	info->lease_id = lease->id;

	down_read(&lease->dev->core.memory_lock);
	info->memattr = lease->memattr;
	info->state = barlease_info_state(lease);
	up_read(&lease->dev->core.memory_lock);
}

static int barlease_copy_ranges(const struct barlease_lease *lease,
				struct barlease_lease_info __user *user,
				u32 room)
{
	u32 i;

	for (i = 0; i < min(room, lease->nr_extents); i++) {
		struct vfio_region_dma_range range =
			barlease_lease_range(lease, i);

		if (copy_to_user(&user->dma_ranges[i], &range, sizeof(range)))
			return -EFAULT;
	}
	return 0;
}

int barlease_feature_info(struct barlease_device *dev, u32 flags,
			  void __user *arg, size_t argsz)
{
	struct barlease_lease_info __user *user = arg;
	struct barlease_lease_info info;
	struct dma_buf *dmabuf;
	u32 room;
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET,
				 sizeof(info));
	if (ret != 1)
		return ret;
	if (copy_from_user(&info, user, sizeof(info)))
		return -EFAULT;
	if (info.attachments || info.nr_ranges > BARLEASE_MAX_RANGES ||
	    argsz < struct_size(user, dma_ranges, info.nr_ranges))
		return -EINVAL;

	dmabuf = barlease_dmabuf_get(dev, info.dmabuf_fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	room = info.nr_ranges;
	barlease_fill_info(dmabuf->priv, &info);
	ret = barlease_copy_ranges(dmabuf->priv, user, room);
	if (!ret && copy_to_user(user, &info, sizeof(info)))
		ret = -EFAULT;

	dma_buf_put(dmabuf);
	return ret;
}
