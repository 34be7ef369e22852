// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that must not be given to user space: known errata let their user
 * bring the host down. The list is vfio-pci's, so that binding here opens
 * nothing that vfio-pci keeps shut.
 */
#include <linux/pci.h>
#include <linux/pci_ids.h>

#include "device.h"

static const struct pci_device_id denylist[] = {
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_C3XXX) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_C3XXX_VF) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_C62X) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_C62X_VF) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_DH895XCC) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_DH895XCC_VF) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_DSA_SPR0) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_IAX_SPR0) },
	{}
};

/*
 * barlease_denylisted() - must this function be refused?
 * @pdev: function
 * @ignore: the operator asked for listed functions to be allowed
 */
bool barlease_denylisted(struct pci_dev *pdev, bool ignore)
{
	if (!pci_match_id(denylist, pdev))
		return false;

	if (ignore) {
		pci_warn(pdev, "[%04x:%04x] is denylisted, allowed by disable_denylist\n",
			 pdev->vendor, pdev->device);
		return false;
	}
	pci_warn(pdev, "[%04x:%04x] is denylisted, refused\n", pdev->vendor,
		 pdev->device);
	return true;
}
