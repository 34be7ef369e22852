// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on a mapped lease.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pagemap.h>

#include "compat/compat.h"
#include "fault.h"
#include "lease.h"
#include "trace.h"
#include "wc.h"

/* Not to be switched off while there are such entries, hence not at all. */
static bool allow_2m = COMPAT_MBIND_KNOWS_2M;
module_param(allow_2m, bool, 0444);
MODULE_PARM_DESC(allow_2m, "Map leases by 2 MiB entries where they fit");

/*
 * The mm's dealings with these are young; see mmap.c. 6.12's mbind() does not
 * get to see one: it is taken away before.
 */
static bool allow_1g = true;
module_param(allow_1g, bool, 0644);
MODULE_PARM_DESC(allow_1g, "Map leases by 1 GiB entries where they fit");

static bool barlease_allow_1g(void)
{
	/* The kernel writes parameters without a mark. */
	return data_race(READ_ONCE(allow_1g));
}

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

/*
 * Where a page of this order around the faulting address lies. Depends on what
 * does not change while the mapping is locked.
 *
 * Return: VM_FAULT_FALLBACK unless such a page fits.
 */
static vm_fault_t barlease_locate(struct vm_fault *vmf, unsigned int order,
				  unsigned long *pfn)
{
	struct vm_area_struct *vma = vmf->vma;
	struct barlease_lease *lease = vma->vm_private_data;
	unsigned long size = PAGE_SIZE << order;
	unsigned long start = ALIGN_DOWN(vmf->address, size);
	const struct barlease_extent *extent;
	unsigned long page;

	if (order && (start < vma->vm_start || size > vma->vm_end - start))
		return VM_FAULT_FALLBACK;

	page = linear_page_index(vma, start) - lease->window;
	extent = barlease_find_extent(lease, page);
	if (!extent)
		return VM_FAULT_SIGBUS;
	page -= extent->page;
	*pfn = extent->pfn + page;
	if (1UL << order > extent->pages - page ||
	    !IS_ALIGNED(*pfn, 1UL << order))
		return VM_FAULT_FALLBACK;
	return 0;
}

static vm_fault_t barlease_insert(struct vm_fault *vmf,
				  struct barlease_lease *lease,
				  unsigned long pfn, unsigned int order)
{
	bool write = vmf->flags & FAULT_FLAG_WRITE;

	if (!order)
		return vmf_insert_pfn(vmf->vma, vmf->address, pfn);

	if (IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) &&
	    order == PMD_ORDER && allow_2m) {
		WRITE_ONCE(lease->had_huge, true);
		/*
		 * Where an entry was made read-only, it would stay so for ever
		 * without this. With it, the mm insists on finding that entry,
		 * and there may be a page table instead, which another thread
		 * has had made. Under memory_lock and the mapping's own lock an
		 * entry does not become a table.
		 */
		write = write && pmd_leaf(pmdp_get_lockless(vmf->pmd));
		return compat_insert_pmd(vmf, pfn, write);
	}
	if (IS_ENABLED(CONFIG_ARCH_SUPPORTS_PUD_PFNMAP) &&
	    order == PUD_ORDER && barlease_allow_1g()) {
		WRITE_ONCE(lease->had_huge, true);
		WRITE_ONCE(lease->had_pud, true);
		/*
		 * Such an entry does become a table: whoever reads smaps has it
		 * split, with mmap_lock for reading alone. So one that was made
		 * read-only is left to the mm, which takes it away.
		 */
		if (write && pud_leaf(pudp_get(vmf->pud)))
			return VM_FAULT_FALLBACK;
		return compat_insert_pud(vmf, pfn, false);
	}
	return VM_FAULT_FALLBACK;
}

static int barlease_no_pte(pte_t *pte, unsigned long address, void *data)
{
	return 0;
}

/* Page tables stay until the mapping ends; huge entries come and go. */
static bool barlease_has_table(struct vm_fault *vmf)
{
	pmd_t pmd = pmdp_get_lockless(vmf->pmd);

	return !pmd_none(pmd) && !pmd_leaf(pmd);
}

/*
 * Makes the page table of the faulting address, if there is none. Its memory
 * is charged to the lessee, who may be made to wait for it: that must not be
 * under memory_lock, where the lessor and everybody else wait along. There
 * must be no way that a huge entry gets here.
 */
static int barlease_make_table(struct vm_fault *vmf)
{
	if (!pmd_none(pmdp_get_lockless(vmf->pmd)))
		return 0;
	return apply_to_page_range(vmf->vma->vm_mm, vmf->address & PAGE_MASK,
				   PAGE_SIZE, barlease_no_pte, NULL);
}

/*
 * Somebody wants to reset the set of the device, which works only if nobody
 * holds memory_lock at that moment. Stay away for a little and fault again;
 * lessees that fault all the time could keep it from happening for ever.
 */
static bool barlease_stay_away(struct barlease_lease *lease)
{
	if (likely(!barlease_gate_closed(lease->dev)))
		return false;

	usleep_range(500, 1000);
	return true;
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
	struct barlease_lease *lease = vmf->vma->vm_private_data;
	struct rw_semaphore *memory_lock = &lease->dev->core.memory_lock;
	vm_fault_t ret = VM_FAULT_FALLBACK;
	unsigned long pfn;

	/*
	 * Where a huge entry fits, or is already, there is never a new page
	 * table, even if huge pages are switched off for this process: see
	 * above.
	 */
	if (!order && IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) && allow_2m &&
	    !barlease_has_table(vmf))
		ret = barlease_locate(vmf, PMD_ORDER, &pfn);
	if (!ret)
		order = PMD_ORDER;
	else
		ret = barlease_locate(vmf, order, &pfn);
	if (ret)
		return ret;
	if (barlease_stay_away(lease))
		return VM_FAULT_NOPAGE;
	if (!order && barlease_make_table(vmf))
		return VM_FAULT_OOM;

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
	unsigned long last =
		min(ALIGN(vmf->address + 1, PMD_SIZE), vma->vm_end);
	unsigned long page =
		linear_page_index(vma, vmf->address) - lease->window;
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

	if (barlease_stay_away(lease))
		return VM_FAULT_NOPAGE;
	if (barlease_make_table(vmf))
		return VM_FAULT_OOM;

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
