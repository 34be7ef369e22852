// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel takes a function for, as no emulated one is on the list of
 * those that are refused. Write "BDF VENDOR DEVICE" to the parameter identity.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>

static int identity_set(const char *text, const struct kernel_param *param)
{
	unsigned int domain, bus, slot, function, vendor, device;
	struct pci_dev *pdev;

	if (sscanf(text, "%x:%x:%x.%x %x %x", &domain, &bus, &slot, &function,
		   &vendor, &device) != 6)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(domain, bus,
					   PCI_DEVFN(slot, function));
	if (!pdev)
		return -ENODEV;
	pdev->vendor = vendor;
	pdev->device = device;
	pci_dev_put(pdev);
	return 0;
}

static const struct kernel_param_ops identity_ops = {
	.set = identity_set,
};
module_param_cb(identity, &identity_ops, NULL, 0200);
