// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VFIO device: vfio-pci-core's, with the features of a lessor on top.
 */
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/barlease.h>

#include "compat/compat.h"
#include "lease.h"
#include "window.h"

static int barlease_init_dev(struct vfio_device *vfio)
{
	struct barlease_device *dev = barlease_device(vfio);
	int ret;

	mutex_init(&dev->leases_lock);
	INIT_LIST_HEAD(&dev->leases);
	barlease_peers_init(dev);
	dev->af_cap = pci_find_capability(to_pci_dev(vfio->dev), PCI_CAP_ID_AF);
	compat_set_device_params(&dev->core, barlease_params.nointxmask,
				 barlease_params.disable_vga,
				 barlease_params.disable_idle_d3);
	ret = vfio_pci_core_init_dev(vfio);
	if (ret)
		goto err_mutex;
	ret = barlease_windows_init(dev);
	if (ret)
		goto err_core;
	return 0;

err_core:
	vfio_pci_core_release_dev(vfio);
err_mutex:
	mutex_destroy(&dev->leases_lock);
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
	struct barlease_device *dev = barlease_device(vfio);
	struct vfio_pci_core_device *core = &dev->core;
	int ret;

	ret = vfio_pci_core_enable(core);
	if (ret)
		return ret;

	vfio_pci_core_finish_enable(core);
	compat_claim_bars(core);

	dev->opener = current_euid();
	barlease_peers_frozen(dev, false);
	down_write(&core->memory_lock);
	/* One that is being pulled out has nothing to lend any more. */
	WRITE_ONCE(dev->opened, !pci_dev_is_disconnected(core->pdev));
	up_write(&core->memory_lock);
	barlease_peers_settle(dev);
	return 0;
}

static void barlease_close_device(struct vfio_device *vfio)
{
	struct barlease_device *dev = barlease_device(vfio);

	barlease_orphan_all(dev);
	barlease_peers_close(dev);
	vfio_pci_core_close_device(vfio);
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
		return barlease_core_feature(vfio, flags, arg, argsz);
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
	.read = barlease_read,
	.write = barlease_write,
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

bool barlease_is_ours(const struct vfio_device *vfio)
{
	return vfio->ops == &barlease_ops;
}

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
	barlease_peers_exit(dev);
	vfio_put_device(&dev->core.vdev);
}
