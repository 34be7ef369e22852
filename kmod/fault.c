// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on a mapped lease.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "compat/compat.h"
#include "fault.h"
#include "lease.h"
#include "trace.h"
#include "wc.h"

/* The extent that holds a page of the lease; NULL past the end. */
static const struct barlease_extent *
barlease_find_extent(const struct barlease_lease *lease, unsigned long page)
{
	unsigned int low = 0, high = lease->nr_extents;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		const struct barlease_extent *extent = &lease->extents[middle];

		if (page < extent->page)
			high = middle;
		else if (page - extent->page >= extent->pages)
			low = middle + 1;
		else
			return extent;
	}
	return NULL;
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

static void barlease_count_fault(struct barlease_lease *lease,
				 struct vm_fault *vmf, unsigned int order,
				 vm_fault_t ret)
{
	enum barlease_fault_size size = BARLEASE_FAULT_PTE;

	trace_barlease_fault(lease, vmf->address, order, ret);
	if (ret & VM_FAULT_ERROR)
		return;
	if (order)
		size = order == PMD_ORDER ? BARLEASE_FAULT_PMD :
					    BARLEASE_FAULT_PUD;
	atomic64_inc(&lease->faults[size]);
}

vm_fault_t barlease_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct barlease_lease *lease = vma->vm_private_data;
	struct rw_semaphore *memory_lock = &lease->dev->core.memory_lock;
	unsigned long size = PAGE_SIZE << order;
	unsigned long start = ALIGN_DOWN(vmf->address, size);
	const struct barlease_extent *extent;
	unsigned long page, pfn;
	vm_fault_t ret;

	if (order && (start < vma->vm_start || size > vma->vm_end - start))
		return VM_FAULT_FALLBACK;

	page = linear_page_index(vma, start) - lease->window;
	extent = barlease_find_extent(lease, page);
	if (!extent)
		return VM_FAULT_SIGBUS;
	page -= extent->page;
	pfn = extent->pfn + page;
	if (1UL << order > extent->pages - page ||
	    !IS_ALIGNED(pfn, 1UL << order))
		return VM_FAULT_FALLBACK;

	/*
	 * Whoever ends the access zaps under the write lock. So either this
	 * fault is first and its entry is zapped, or it sees the end.
	 */
	down_read(memory_lock);
	if (barlease_lease_accessible(lease))
		ret = barlease_insert(vmf, lease, pfn, order);
	else
		ret = VM_FAULT_SIGBUS;
	up_read(memory_lock);

	if (!(ret & VM_FAULT_FALLBACK))
		barlease_count_fault(lease, vmf, order, ret);
	return ret;
}

vm_fault_t barlease_fault(struct vm_fault *vmf)
{
	return barlease_huge_fault(vmf, 0);
}

/*
 * A fault that fills what it can around it: the pages that share the faulting
 * one's page table, its mapping and its extent.
 */
vm_fault_t barlease_fault_around(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct barlease_lease *lease = vma->vm_private_data;
	struct rw_semaphore *memory_lock = &lease->dev->core.memory_lock;
	unsigned long first = max(vmf->address & PMD_MASK, vma->vm_start);
	unsigned long last = min(ALIGN(vmf->address + 1, PMD_SIZE), vma->vm_end);
	unsigned long page = linear_page_index(vma, vmf->address) -
			     lease->window;
	const struct barlease_extent *extent;
	unsigned long before, count;
	vm_fault_t ret;

	extent = barlease_find_extent(lease, page);
	if (!extent)
		return VM_FAULT_SIGBUS;
	page -= extent->page;
	before = min(page, ((vmf->address & PAGE_MASK) - first) >> PAGE_SHIFT);
	first = (vmf->address & PAGE_MASK) - (before << PAGE_SHIFT);
	page -= before;
	count = min(extent->pages - page, (last - first) >> PAGE_SHIFT);

	/* As above. */
	down_read(memory_lock);
	if (barlease_lease_accessible(lease))
		ret = barlease_insert_wc(vmf, first, extent->pfn + page, count);
	else
		ret = VM_FAULT_SIGBUS;
	up_read(memory_lock);

	barlease_count_fault(lease, vmf, 0, ret);
	return ret;
}
