/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that this driver builds for. The rest of
 * the driver is written for the newest one. Nothing asks for a version but
 * supported.mk and what no header tells; BARLEASE_HAVE_* comes from probe.mk.
 */
#ifndef BARLEASE_COMPAT_H
#define BARLEASE_COMPAT_H

#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/version.h>
#include <linux/vfio_pci_core.h>
#ifdef BARLEASE_HAVE_PFN_T
#include <linux/pfn_t.h>
#endif

#ifndef CONFIG_64BIT
#error "barlease-vfio-pci needs a 64 bit kernel (a lease may be longer than 4 GiB)"
#endif

/* The namespace became a string in 6.13. */
#ifdef BARLEASE_HAVE_NS_TOKEN
#define COMPAT_IMPORT_NS_DMA_BUF() MODULE_IMPORT_NS(DMA_BUF)
#else
#define COMPAT_IMPORT_NS_DMA_BUF() MODULE_IMPORT_NS("DMA_BUF")
#endif

#ifndef BARLEASE_HAVE_MEMORY_ENABLED
/*
 * The core's own test is not exported before 6.19. A VF has no memory enable
 * bit of its own; what user space sees of the bit is in the virtual config.
 */
static inline bool __vfio_pci_memory_enabled(struct vfio_pci_core_device *core)
{
	u16 command;

	if ((__force int)core->pdev->current_state >= (__force int)PCI_D3hot)
		return false;
	if (core->pdev->no_command_memory)
		return true;
	command = le16_to_cpup((__le16 *)&core->vconfig[PCI_COMMAND]);
	return command & PCI_COMMAND_MEMORY;
}
#endif

/*
 * In 6.12 mbind(2) takes every entry of 2 MiB for memory (queue_folios_pmd()),
 * and reads the struct page of what has none: whoever has such a mapping can
 * crash the kernel. In 7.3 it looks. Which version changed that is not known
 * here; no header tells.
 */
#define COMPAT_MBIND_KNOWS_2M (LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0))

#ifdef BARLEASE_HAVE_PFN_T
static inline vm_fault_t compat_insert_pmd(struct vm_fault *vmf,
					   unsigned long pfn, bool write)
{
	return vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV), write);
}

static inline vm_fault_t compat_insert_pud(struct vm_fault *vmf,
					   unsigned long pfn, bool write)
{
	return vmf_insert_pfn_pud(vmf, __pfn_to_pfn_t(pfn, PFN_DEV), write);
}
#else
static inline vm_fault_t compat_insert_pmd(struct vm_fault *vmf,
					   unsigned long pfn, bool write)
{
	return vmf_insert_pfn_pmd(vmf, pfn, write);
}

static inline vm_fault_t compat_insert_pud(struct vm_fault *vmf,
					   unsigned long pfn, bool write)
{
	return vmf_insert_pfn_pud(vmf, pfn, write);
}
#endif

/* Takes all entries of a PFN mapping away. Renamed in 7.x. */
static inline void compat_zap_vma(struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start;

#ifdef BARLEASE_HAVE_ZAP_VMA_PTES
	zap_vma_ptes(vma, vma->vm_start, size);
#else
	zap_special_vma_range(vma, vma->vm_start, size);
#endif
}

/*
 * Newer cores claim every BAR when the device is opened. Older ones do it on
 * first use and without a lock, so two first users can race: do it here, at
 * the same moment as the newer ones. A BAR that cannot be claimed stays so,
 * and its export is refused.
 */
static inline void compat_claim_bars(struct vfio_pci_core_device *core)
{
#ifdef BARLEASE_HAVE_LAZY_BARMAP
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (core->bar_mmap_supported[bar] &&
		    vfio_pci_core_setup_barmap(core, bar))
			pci_warn(core->pdev, "BAR %d cannot be claimed\n", bar);
#endif
}

/*
 * Where they belong to the device, a change is for those that are bound after
 * it; where they belong to the core, it would be for nobody.
 */
#ifdef BARLEASE_HAVE_GLOBAL_PARAMS
#define COMPAT_DEVICE_PARAM_MODE 0444
#else
#define COMPAT_DEVICE_PARAM_MODE 0644
#endif

/*
 * nointxmask, disable_vga and disable_idle_d3 belong to the device in newer
 * cores and to the core module before: there they are shared with vfio-pci,
 * and left alone unless our own parameters ask for something.
 */
static inline void compat_set_global_params(bool nointxmask, bool disable_vga,
					    bool disable_idle_d3)
{
#ifdef BARLEASE_HAVE_GLOBAL_PARAMS
	if (nointxmask || disable_vga || disable_idle_d3)
		vfio_pci_core_set_params(nointxmask, disable_vga,
					 disable_idle_d3);
#endif
}

static inline void compat_set_device_params(struct vfio_pci_core_device *core,
					    bool nointxmask, bool disable_vga,
					    bool disable_idle_d3)
{
#ifndef BARLEASE_HAVE_GLOBAL_PARAMS
	core->nointxmask = nointxmask;
	core->disable_vga = disable_vga;
	core->disable_idle_d3 = disable_idle_d3;
#endif
}

/*
 * Before 6.17 the core asks nobody for the VF token who opens a device by its
 * device file, and has no way to be given it. A function that wants the token
 * cannot be opened so then; the group takes it.
 */
#if defined(BARLEASE_HAVE_MATCH_TOKEN_UUID) || !IS_ENABLED(CONFIG_IOMMUFD)
#define compat_bind_iommufd vfio_iommufd_physical_bind
#else
static inline int compat_bind_iommufd(struct vfio_device *vfio,
				      struct iommufd_ctx *ictx, u32 *id)
{
	char name[32];
	int ret;

	/* As one that is opened by its name alone. */
	strscpy(name, dev_name(vfio->dev), sizeof(name));
	ret = vfio_pci_core_match(vfio, name);
	if (ret < 0)
		return ret;
	return vfio_iommufd_physical_bind(vfio, ictx, id);
}
#endif

#endif /* BARLEASE_COMPAT_H */
