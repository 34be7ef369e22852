// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a lease: made by an export, ended by the lessor or by the close
 * of the device, freed when the last fd and the last mapping are gone.
 */
#include <linux/dma-buf.h>
#include <linux/fcntl.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/barlease.h>

#include "compat/compat.h"
#include "compat/sgt.h"
#include "lease.h"
#include "wc.h"
#include "window.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static atomic64_t barlease_last_id;

/*
 * barlease_lease_alloc() - a lease that nobody can see yet
 *
 * The caller fills in the extents and pages, and then either publishes or frees
 * it.
 */
struct barlease_lease *barlease_lease_alloc(struct barlease_device *dev,
					    unsigned int nr_extents)
{
	struct barlease_lease *lease;

	lease = kvzalloc(struct_size(lease, extents, nr_extents),
			 GFP_KERNEL_ACCOUNT);
	if (!lease)
		return NULL;

	lease->nr_extents = nr_extents;
	lease->dev = dev;
	lease->state = BARLEASE_LIVE;
	lease->memattr = BARLEASE_MEMATTR_NC;
	lease->id = atomic64_inc_return(&barlease_last_id);
	lease->exporter = task_tgid_nr(current);
	get_task_comm(lease->comm, current);
	INIT_LIST_HEAD(&lease->node);
	INIT_WORK(&lease->notify_work, barlease_notify_work);
	get_device(&dev->core.vdev.device);
	return lease;
}

void barlease_lease_free(struct barlease_lease *lease)
{
	struct barlease_device *dev = lease->dev;

	kvfree(lease);
	put_device(&dev->core.vdev.device);
}

/* The virtual configuration goes when the device is closed. */
bool barlease_accessible(struct barlease_device *dev)
{
	struct vfio_pci_core_device *core = &dev->core;

	lockdep_assert_held(&core->memory_lock);

	return dev->opened && !core->pm_runtime_engaged &&
	       __vfio_pci_memory_enabled(core);
}

bool barlease_lease_accessible(struct barlease_lease *lease)
{
	return lease->state == BARLEASE_LIVE && barlease_accessible(lease->dev);
}

/*
 * The name of the DMABUF, which /proc/<pid>/maps and the list of DMABUFs show.
 * It is there for people, and a holder of the fd can change it by
 * DMA_BUF_SET_NAME; nothing relies on it.
 */
static void barlease_name_dmabuf(struct barlease_lease *lease,
				 struct dma_buf *dmabuf)
{
	char *name = kstrdup(lease->name, GFP_KERNEL);

	spin_lock(&dmabuf->name_lock);
	dmabuf->name = name;
	spin_unlock(&dmabuf->name_lock);
}

/*
 * barlease_lease_publish() - make the DMABUF and the fd
 *
 * Return: the fd, or -errno; either way the lease is no longer the caller's.
 */
int barlease_lease_publish(struct barlease_lease *lease)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct barlease_device *dev = lease->dev;
	struct dma_buf *dmabuf;
	int ret, fd;

	ret = barlease_window_alloc(lease);
	if (ret) {
		barlease_lease_free(lease);
		return ret;
	}

	info.ops = &barlease_dmabuf_ops;
	info.size = (size_t)lease->pages << PAGE_SHIFT;
	info.flags = lease->open_flags;
	info.priv = lease;

	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		barlease_window_free(lease);
		barlease_lease_free(lease);
		return PTR_ERR(dmabuf);
	}

	/*
	 * Mappings of the DMABUF live in the device's address space. The
	 * inode outlives them: it goes with the device that the lease pins.
	 */
	dmabuf->file->f_mapping = dev->core.vdev.inode->i_mapping;

	barlease_name_dmabuf(lease, dmabuf);
	lease->dmabuf = dmabuf;

	mutex_lock(&dev->leases_lock);
	list_add_tail(&lease->node, &dev->leases);
	mutex_unlock(&dev->leases_lock);

	trace_barlease_export(lease);
	fd = dma_buf_fd(dmabuf, lease->open_flags & O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);	/* frees the lease */
	return fd;
}

static void barlease_dmabuf_release(struct dma_buf *dmabuf)
{
	struct barlease_lease *lease = dmabuf->priv;

	trace_barlease_release(lease);
	barlease_peers_forget(lease);

	/* Off the list nobody ends it any more, and no mapping is left. */
	if (lease->state == BARLEASE_LIVE)
		barlease_window_free(lease);
	barlease_lease_free(lease);
}

/*
 * The one place that changes a lease's state. An ended lease stays as it is.
 * Whoever ends it leaves it no mapping, and gives its window back: an ended
 * lease can be kept for ever by who has its fd, a window is scarce.
 */
static int barlease_lease_end(struct barlease_lease *lease,
			      enum barlease_state to)
{
	struct barlease_device *dev = lease->dev;

	lockdep_assert_held_write(&dev->core.memory_lock);
	WARN_ON_ONCE(to == BARLEASE_LIVE);

	if (lease->state != BARLEASE_LIVE)
		return -EBADFD;

	trace_barlease_end(lease, to);
	spin_lock(&dev->peers.lock);
	/* .mmap peeks without a lock, hence the annotation. */
	WRITE_ONCE(lease->state, to);
	spin_unlock(&dev->peers.lock);
	barlease_window_zap(lease);
	barlease_window_free(lease);
	return 0;
}

/*
 * barlease_orphan_all() - end every lease: the device is closed, or is gone
 *
 * When it is closed, this must come before the core tears it down: from here on
 * nobody looks at the virtual configuration space, nor a fault at the PCI
 * function. Importers may still be in: barlease_peers_close().
 */
void barlease_orphan_all(struct barlease_device *dev)
{
	struct vfio_pci_core_device *core = &dev->core;
	struct barlease_lease *lease;

	down_write(&core->memory_lock);
	/* A hot reset of a neighbour peeks without the lock. */
	WRITE_ONCE(dev->opened, false);
	mutex_lock(&dev->leases_lock);
	list_for_each_entry(lease, &dev->leases, node)
		barlease_lease_end(lease, BARLEASE_ORPHANED);
	mutex_unlock(&dev->leases_lock);
	up_write(&core->memory_lock);
}

/*
 * The DMABUF behind an fd of user space, if it is a lease of this device.
 * The caller puts it.
 */
struct dma_buf *barlease_dmabuf_get(struct barlease_device *dev, int fd)
{
	struct dma_buf *dmabuf;
	struct barlease_lease *lease;

	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return dmabuf;

	if (dmabuf->ops == &barlease_dmabuf_ops) {
		lease = dmabuf->priv;
		if (lease->dev == dev)
			return dmabuf;
	}
	dma_buf_put(dmabuf);
	return ERR_PTR(-ENODEV);
}

int barlease_feature_revoke(struct barlease_device *dev, u32 flags,
			    void __user *arg, size_t argsz)
{
	struct barlease_revoke revoke;
	struct barlease_lease *lease;
	struct dma_buf *dmabuf;
	int ret, drained;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET,
				 sizeof(revoke));
	if (ret != 1)
		return ret;
	if (copy_from_user(&revoke, arg, sizeof(revoke)))
		return -EFAULT;

	dmabuf = barlease_dmabuf_get(dev, revoke.dmabuf_fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	lease = dmabuf->priv;

	down_write(&dev->core.memory_lock);
	ret = barlease_lease_end(lease, BARLEASE_REVOKED);
	up_write(&dev->core.memory_lock);

	/* Also for who comes second: EBADFD says that it is all over, too. */
	drained = barlease_peers_revoke(lease);
	dma_buf_put(dmabuf);
	return ret ?: drained;
}

/*
 * Mappings that exist keep the type they have. Where write-combining is asked
 * for and cannot be had the answer is an error, never a mapping that is quietly
 * something else.
 */
static int barlease_set_memattr(struct barlease_lease *lease, u32 memattr)
{
	lockdep_assert_held_write(&lease->dev->core.memory_lock);

	if (lease->state != BARLEASE_LIVE)
		return -EBADFD;
	switch (memattr) {
	case BARLEASE_MEMATTR_NC:
		break;
	case BARLEASE_MEMATTR_WC:
		if (!barlease_have_wc())
			return -EOPNOTSUPP;
		break;
	default:
		return -ENOENT;
	}
	/* .mmap peeks without the lock. */
	WRITE_ONCE(lease->memattr, memattr);
	return 0;
}

int barlease_feature_memattr(struct barlease_device *dev, u32 flags,
			     void __user *arg, size_t argsz)
{
	struct barlease_memattr memattr;
	struct dma_buf *dmabuf;
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET,
				 sizeof(memattr));
	if (ret != 1)
		return ret;
	if (copy_from_user(&memattr, arg, sizeof(memattr)))
		return -EFAULT;

	dmabuf = barlease_dmabuf_get(dev, memattr.dmabuf_fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	down_write(&dev->core.memory_lock);
	ret = barlease_set_memattr(dmabuf->priv, memattr.memattr);
	up_write(&dev->core.memory_lock);

	dma_buf_put(dmabuf);
	return ret;
}

const struct dma_buf_ops barlease_dmabuf_ops = {
	.attach = barlease_peer_attach,
	.detach = barlease_peer_detach,
	COMPAT_DMA_BUF_PIN
	.map_dma_buf = barlease_peer_map,
	.unmap_dma_buf = barlease_peer_unmap,
	.release = barlease_dmabuf_release,
	.mmap = barlease_mmap,
};
