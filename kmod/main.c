// SPDX-License-Identifier: GPL-2.0-only
/*
 * barlease-vfio-pci: a VFIO PCI driver that lends pieces of BARs.
 *
 * It is vfio-pci (everything goes to vfio-pci-core) plus leases: DMABUFs of
 * BAR ranges that can be mapped by another process and revoked.
 *
 * This file holds the module's parameters and its PCI driver.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/pci.h>

#include "compat/compat.h"
#include "debugfs.h"
#include "device.h"
#include "lease.h"
#include "peer.h"

struct barlease_device_params barlease_params;

static char ids[1024] __initdata;
module_param_string(ids, ids, sizeof(ids), 0);
MODULE_PARM_DESC(ids, "Functions to bind, \"vendor:device[:subvendor[:subdevice[:class[:class_mask]]]]\", several separated by commas");

module_param_named(nointxmask, barlease_params.nointxmask, bool,
		   COMPAT_DEVICE_PARAM_MODE);
MODULE_PARM_DESC(nointxmask, "Do not use PCI 2.3 INTx masking (for devices whose masking is broken)");

#ifdef CONFIG_VFIO_PCI_VGA
module_param_named(disable_vga, barlease_params.disable_vga, bool, 0444);
MODULE_PARM_DESC(disable_vga, "Do not offer legacy VGA resources");
#endif

module_param_named(disable_idle_d3, barlease_params.disable_idle_d3, bool,
		   COMPAT_DEVICE_PARAM_MODE);
MODULE_PARM_DESC(disable_idle_d3, "Do not put unused devices into D3");

static bool enable_sriov;
#ifdef CONFIG_PCI_IOV
module_param(enable_sriov, bool, 0644);
MODULE_PARM_DESC(enable_sriov, "Allow VFs of a function bound here to be created through sriov_numvfs");
#endif

static bool disable_denylist;
module_param(disable_denylist, bool, 0444);
MODULE_PARM_DESC(disable_denylist, "Allow functions whose known errata let their user harm the host");

static int barlease_pci_probe(struct pci_dev *pdev,
			      const struct pci_device_id *id)
{
	struct barlease_device *dev;
	int ret;

	if (barlease_denylisted(pdev, disable_denylist))
		return -EINVAL;

	dev = barlease_device_create(pdev);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	/* The core's error and power handlers expect their own struct here. */
	dev_set_drvdata(&pdev->dev, &dev->core);

	ret = vfio_pci_core_register_device(&dev->core);
	if (ret) {
		barlease_device_destroy(dev);
		return ret;
	}
	barlease_debugfs_add(dev);
	return 0;
}

static void barlease_pci_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);
	struct barlease_device *dev = barlease_device(&core->vdev);

	/*
	 * What was pulled out reads as all ones, and its lessor may take a
	 * while to close it. Lessees must not take that for data.
	 */
	if (pci_dev_is_disconnected(pdev)) {
		barlease_orphan_all(dev);
		barlease_peers_settle(dev);
	}

	/* Waits for open device fds, as VFIO has it; never for a lessee. */
	vfio_pci_core_unregister_device(core);
	barlease_debugfs_remove(dev);
	barlease_device_destroy(dev);
}

static int barlease_pci_sriov_configure(struct pci_dev *pdev, int nr_virtfn)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	if (!enable_sriov)
		return -ENOENT;
	return vfio_pci_core_sriov_configure(core, nr_virtfn);
}

/*
 * Matches every function, but only one whose driver_override names this
 * driver. There is no MODULE_DEVICE_TABLE on purpose: its "vfio_pci:" alias is
 * how management tools look for the best variant driver of a device, and an
 * alias for any device would compete with vfio-pci's own.
 */
static const struct pci_device_id barlease_pci_table[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

static struct pci_driver barlease_pci_driver = {
	.name = "barlease-vfio-pci",
	.id_table = barlease_pci_table,
	.probe = barlease_pci_probe,
	.remove = barlease_pci_remove,
	.sriov_configure = barlease_pci_sriov_configure,
	.err_handler = &barlease_err_handlers,
	.driver_managed_dma = true,
};

static void __init barlease_add_id(const char *text)
{
	unsigned int vendor, device;
	unsigned int subvendor = PCI_ANY_ID, subdevice = PCI_ANY_ID;
	unsigned int class = 0, class_mask = 0;
	int ret;

	ret = sscanf(text, "%x:%x:%x:%x:%x:%x", &vendor, &device, &subvendor,
		     &subdevice, &class, &class_mask);
	if (ret < 2) {
		pr_warn("ids: \"%s\" is no vendor:device\n", text);
		return;
	}
	ret = pci_add_dynid(&barlease_pci_driver, vendor, device, subvendor,
			    subdevice, class, class_mask, 0);
	if (ret)
		pr_warn("ids: \"%s\" cannot be added (%d)\n", text, ret);
}

static void __init barlease_add_ids(void)
{
	char *rest = ids;
	char *text;

	while ((text = strsep(&rest, ",")))
		if (*text)
			barlease_add_id(text);
}

static int __init barlease_init(void)
{
	int ret;

	compat_set_global_params(barlease_params.nointxmask,
				 barlease_params.disable_vga,
				 barlease_params.disable_idle_d3);

	ret = barlease_drain_init();
	if (ret)
		return ret;
	barlease_debugfs_init();
	ret = pci_register_driver(&barlease_pci_driver);
	if (ret) {
		barlease_debugfs_exit();
		barlease_drain_exit();
		return ret;
	}

	barlease_add_ids();
	return 0;
}
module_init(barlease_init);

static void __exit barlease_exit(void)
{
	pci_unregister_driver(&barlease_pci_driver);
	barlease_debugfs_exit();
	barlease_drain_exit();
}
module_exit(barlease_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The barlease authors");
MODULE_DESCRIPTION("VFIO PCI driver that lends pieces of BARs");
MODULE_VERSION(BARLEASE_VERSION);
COMPAT_IMPORT_NS_DMA_BUF();
