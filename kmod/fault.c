// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap() of a lease and the faults on it.
 */
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "compat/compat.h"
#include "lease.h"

/*
 * May the BARs be touched now? Only for a lease that is live under
 * memory_lock: the virtual configuration goes when the device is closed.
 */
static bool barlease_accessible(struct barlease_lease *lease)
{
	struct vfio_pci_core_device *core = &lease->dev->core;

	lockdep_assert_held(&core->memory_lock);

	return lease->state == BARLEASE_LIVE && !core->pm_runtime_engaged &&
	       __vfio_pci_memory_enabled(core);
}

static const struct vm_operations_struct barlease_vm_ops;

/*
 * Finds where @count pages of the lease from @page on lie.
 *
 * Return: false unless they are contiguous in physical memory.
 */
static bool barlease_find_pfn(const struct barlease_lease *lease,
			      unsigned long page, unsigned long count,
			      unsigned long *pfn)
{
	unsigned int low = 0, high = lease->nr_extents;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		const struct barlease_extent *extent = &lease->extents[middle];

		if (page < extent->page) {
			high = middle;
		} else if (page - extent->page >= extent->pages) {
			low = middle + 1;
		} else {
			if (count > extent->pages - (page - extent->page))
				return false;
			*pfn = extent->pfn + (page - extent->page);
			return true;
		}
	}
	return false;
}

static vm_fault_t barlease_insert(struct vm_fault *vmf,
				  struct barlease_lease *lease,
				  unsigned long pfn, unsigned int order)
{
	if (!order)
		return vmf_insert_pfn(vmf->vma, vmf->address, pfn);
	if (IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) && order == PMD_ORDER)
		return compat_insert_pmd(vmf, pfn);
	if (IS_ENABLED(CONFIG_ARCH_SUPPORTS_PUD_PFNMAP) && order == PUD_ORDER) {
		WRITE_ONCE(lease->had_pud, true);
		return compat_insert_pud(vmf, pfn);
	}
	return VM_FAULT_FALLBACK;
}

static vm_fault_t barlease_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct barlease_lease *lease = vma->vm_private_data;
	struct rw_semaphore *memory_lock = &lease->dev->core.memory_lock;
	unsigned long size = PAGE_SIZE << order;
	unsigned long start = ALIGN_DOWN(vmf->address, size);
	unsigned long page, pfn;
	vm_fault_t ret;

	if (order && (start < vma->vm_start || size > vma->vm_end - start))
		return VM_FAULT_FALLBACK;

	page = linear_page_index(vma, start) - lease->window;
	if (!barlease_find_pfn(lease, page, 1UL << order, &pfn))
		return order ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;
	if (!IS_ALIGNED(pfn, 1UL << order))
		return VM_FAULT_FALLBACK;

	/*
	 * Whoever ends the access zaps under the write lock. So either this
	 * fault is first and its entry is zapped, or it sees the end.
	 */
	down_read(memory_lock);
	if (barlease_accessible(lease))
		ret = barlease_insert(vmf, lease, pfn, order);
	else
		ret = VM_FAULT_SIGBUS;
	up_read(memory_lock);
	return ret;
}

static vm_fault_t barlease_fault(struct vm_fault *vmf)
{
	return barlease_huge_fault(vmf, 0);
}

/*
 * The mm cannot live with a 1 GiB entry in a mapping that it splits or moves:
 * it takes the entry for a page table, or drops it as bad without flushing the
 * TLB, which would outlive a revocation. (Both in 6.12 and 7.3: the split of
 * huge pages looks at no level above the PMD, and mremap() starts by clearing
 * "bad" PUDs.) It announces both by opening the new mapping first, with
 * mmap_lock held for writing: take the entries away then. With the mapping
 * write-locked no fault brings one back before the mm is through.
 */
static void barlease_drop_puds(struct barlease_lease *lease,
			       struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	unsigned long address = 0;

	mmap_assert_write_locked(mm);

	while ((vma = find_vma(mm, address))) {
		address = vma->vm_end;
		if (vma->vm_private_data != lease ||
		    vma->vm_ops != &barlease_vm_ops)
			continue;
		vma_start_write(vma);
		compat_zap_vma(vma);
	}
}

/*
 * A mapping is about to be split: no fault from here on, so that the opening
 * of the new part sees whether there ever was a 1 GiB entry.
 */
static int barlease_vm_may_split(struct vm_area_struct *vma,
				 unsigned long address)
{
	vma_start_write(vma);
	return 0;
}

/* A mapping is copied: by fork(), by mremap(), or because it is split. */
static void barlease_vm_open(struct vm_area_struct *vma)
{
	struct barlease_lease *lease = vma->vm_private_data;

	/* fork() fills another mm and can copy such entries. */
	if (READ_ONCE(lease->had_pud) && vma->vm_mm == current->mm)
		barlease_drop_puds(lease, vma->vm_mm);
}

static const struct vm_operations_struct barlease_vm_ops = {
	.open = barlease_vm_open,
	.may_split = barlease_vm_may_split,
	.fault = barlease_fault,
#ifdef CONFIG_ARCH_SUPPORTS_HUGE_PFNMAP
	.huge_fault = barlease_huge_fault,
#endif
};

/*
 * A mapping that would fault at once is better refused, but this is a courtesy
 * and the fault decides. It runs under mmap_lock for writing, where waiting for
 * memory_lock can deadlock: a holder of memory_lock may fault on user memory
 * itself. Hence the trylock, and no answer while somebody has the lock.
 */
static bool barlease_mappable_now(struct barlease_lease *lease)
{
	struct vfio_pci_core_device *core = &lease->dev->core;
	bool accessible;

	if (!down_read_trylock(&core->memory_lock))
		return READ_ONCE(lease->state) == BARLEASE_LIVE;

	accessible = barlease_accessible(lease);
	up_read(&core->memory_lock);
	return accessible;
}

/* The DMABUF core has checked that the range is within the buffer. */
int barlease_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct barlease_lease *lease = dmabuf->priv;

	/*
	 * Not VM_SHARED: the mm clears it for a shared mapping of a file that
	 * is opened read-only, together with VM_MAYWRITE.
	 */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;

	if (!barlease_mappable_now(lease))
		return -ENODEV;

	vma->vm_pgoff += lease->window;
	vma->vm_private_data = lease;
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);

	/*
	 * As vfio-pci maps a BAR. VM_ALLOW_ANY_UNCACHED lets a guest on arm64
	 * choose Normal-NC for it.
	 */
	vm_flags_set(vma, VM_ALLOW_ANY_UNCACHED | VM_IO | VM_PFNMAP |
			  VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &barlease_vm_ops;
	return 0;
}
