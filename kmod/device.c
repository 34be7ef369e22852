// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VFIO device: vfio-pci-core's, with the features of a lessor on top.
 */
#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/barlease.h>

#include "compat/compat.h"
#include "lease.h"
#include "window.h"

static const struct vfio_device_ops barlease_ops;

static int barlease_init_dev(struct vfio_device *vfio)
{
	struct barlease_device *dev = barlease_device(vfio);
	int ret;

	mutex_init(&dev->leases_lock);
	INIT_LIST_HEAD(&dev->leases);
	compat_set_device_params(&dev->core, barlease_params.nointxmask,
				 barlease_params.disable_vga,
				 barlease_params.disable_idle_d3);
	ret = vfio_pci_core_init_dev(vfio);
	if (ret)
		return ret;

	ret = barlease_windows_init(dev);
	if (ret)
		vfio_pci_core_release_dev(vfio);
	return ret;
}

static void barlease_release_dev(struct vfio_device *vfio)
{
	struct barlease_device *dev = barlease_device(vfio);

	WARN_ON(!list_empty(&dev->leases));
	barlease_windows_destroy(dev);
	mutex_destroy(&dev->leases_lock);
	vfio_pci_core_release_dev(vfio);
}

static int barlease_open_device(struct vfio_device *vfio)
{
	struct vfio_pci_core_device *core = &barlease_device(vfio)->core;
	int ret;

	ret = vfio_pci_core_enable(core);
	if (ret)
		return ret;

	vfio_pci_core_finish_enable(core);
	compat_claim_bars(core);
	return 0;
}

static void barlease_close_device(struct vfio_device *vfio)
{
	barlease_orphan_all(barlease_device(vfio));
	vfio_pci_core_close_device(vfio);
}

/* Sets the gate of every device of ours in the set; see fault.c. */
static void barlease_set_gates(struct vfio_device_set *dev_set,
			       unsigned long gate)
{
	struct vfio_device *vfio;

	mutex_lock(&dev_set->lock);
	list_for_each_entry(vfio, &dev_set->device_list, dev_set_list)
		if (vfio->ops == &barlease_ops)
			WRITE_ONCE(barlease_device(vfio)->gate, gate);
	mutex_unlock(&dev_set->lock);
}

/* How long lessees are kept away so that a hot reset gets its locks. */
#define BARLEASE_GATE_MS 500

/*
 * A hot reset takes the memory_lock of every function of the set or answers
 * EBUSY. With vfio-pci only the owners of the functions fault on them; here
 * lessees do, and must not be able to keep a reset from happening.
 */
static long barlease_hot_reset(struct vfio_device *vfio, unsigned int cmd,
			       unsigned long arg)
{
	unsigned long end = jiffies + msecs_to_jiffies(BARLEASE_GATE_MS);
	long ret;

	/* The value 0 means that there is no gate. */
	barlease_set_gates(vfio->dev_set, end | 1);
	do {
		ret = vfio_pci_core_ioctl(vfio, cmd, arg);
		if (ret != -EBUSY || signal_pending(current))
			break;
		usleep_range(500, 1000);
	} while (time_before(jiffies, end));
	barlease_set_gates(vfio->dev_set, 0);
	return ret;
}

static long barlease_ioctl(struct vfio_device *vfio, unsigned int cmd,
			   unsigned long arg)
{
	if (cmd == VFIO_DEVICE_PCI_HOT_RESET)
		return barlease_hot_reset(vfio, cmd, arg);
	return vfio_pci_core_ioctl(vfio, cmd, arg);
}

static int barlease_device_feature(struct vfio_device *vfio, u32 flags,
				   void __user *arg, size_t argsz)
{
	struct barlease_device *dev = barlease_device(vfio);

	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_DMA_BUF:
		return barlease_feature_export(dev, flags, arg, argsz);
	case BARLEASE_FEATURE_REVOKE:
		return barlease_feature_revoke(dev, flags, arg, argsz);
	case BARLEASE_FEATURE_MEMATTR:
		return barlease_feature_memattr(dev, flags, arg, argsz);
	case BARLEASE_FEATURE_INFO:
		return barlease_feature_info(dev, flags, arg, argsz);
	default:
		return vfio_pci_core_ioctl_feature(vfio, flags, arg, argsz);
	}
}

static const struct vfio_device_ops barlease_ops = {
	.name = "barlease-vfio-pci",
	.init = barlease_init_dev,
	.release = barlease_release_dev,
	.open_device = barlease_open_device,
	.close_device = barlease_close_device,
	.ioctl = barlease_ioctl,
	.device_feature = barlease_device_feature,
	.read = vfio_pci_core_read,
	.write = vfio_pci_core_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
	.bind_iommufd = compat_bind_iommufd,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#ifdef BARLEASE_HAVE_REGION_INFO_CAPS
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
#endif
#ifdef BARLEASE_HAVE_MATCH_TOKEN_UUID
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#endif
#ifdef BARLEASE_HAVE_PASID_IOAS
	.pasid_attach_ioas = vfio_iommufd_physical_pasid_attach_ioas,
	.pasid_detach_ioas = vfio_iommufd_physical_pasid_detach_ioas,
#endif
};

/*
 * barlease_device_create() - the VFIO side of a PCI function
 *
 * Return: a device for barlease_device_destroy(), or an ERR_PTR().
 */
struct barlease_device *barlease_device_create(struct pci_dev *pdev)
{
	return vfio_alloc_device(barlease_device, core.vdev, &pdev->dev,
				 &barlease_ops);
}

/*
 * VFIO keeps a device in the set of those that are reset together until its
 * memory goes, and each reset of the set looks at every device in it: at its
 * group, its PCI function. Leases may keep the memory for long after those are
 * gone, so take the device out as soon as it is unregistered.
 */
static void barlease_leave_device_set(struct vfio_device *vfio)
{
	struct vfio_device_set *dev_set = vfio->dev_set;

	if (!dev_set)
		return;

	mutex_lock(&dev_set->lock);
	/* Init, as VFIO deletes the entry once more at the end. */
	list_del_init(&vfio->dev_set_list);
	mutex_unlock(&dev_set->lock);
}

/*
 * barlease_device_destroy() - drop the driver's reference
 *
 * The device must not be registered. Leases may keep its memory for longer.
 */
void barlease_device_destroy(struct barlease_device *dev)
{
	barlease_leave_device_set(&dev->core.vdev);
	vfio_put_device(&dev->core.vdev);
}
