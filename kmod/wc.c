// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write-combining that is what it says.
 *
 * On x86 vmf_insert_pfn() and its huge siblings ask the PAT code which type a
 * physical range has, and use that instead of the protection that they were
 * given. The kernel's own mapping of the BAR has registered it as UC-, so a
 * write-combining mapping made that way is quietly uncached. Filling the page
 * table entries through apply_to_page_range() asks nobody. UC- in the kernel
 * and WC in user space are aliases that the architecture allows: neither is
 * cached.
 *
 * The price is the page size: there is no such way for 2 MiB and 1 GiB entries.
 * A fault fills all the entries that it can under one page table instead.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "wc.h"

/*
 * Where an architecture or, with the PAT off, a machine has no write-combining
 * the protection for it is the non-cached one.
 */
bool barlease_have_wc(void)
{
	return pgprot_val(pgprot_writecombine(PAGE_SHARED)) !=
	       pgprot_val(pgprot_noncached(PAGE_SHARED));
}

struct barlease_fill {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long pfn;
	pgprot_t prot;
};

static int barlease_fill_pte(pte_t *pte, unsigned long address, void *data)
{
	const struct barlease_fill *fill = data;
	unsigned long pfn = fill->pfn + ((address - fill->start) >> PAGE_SHIFT);

	/* Somebody else's fault may have filled this one. */
	if (pte_none(ptep_get(pte)))
		set_pte_at(fill->mm, address, pte,
			   pte_mkspecial(pfn_pte(pfn, fill->prot)));
	return 0;
}

/*
 * barlease_insert_wc() - map pages of a lease write-combining
 * @vmf: fault in a mapping whose protection is write-combining
 * @start: address of the first page, in the same page table as the fault
 * @pfn: where it lies
 * @count: pages, contiguous
 */
vm_fault_t barlease_insert_wc(struct vm_fault *vmf, unsigned long start,
			      unsigned long pfn, unsigned long count)
{
	struct barlease_fill fill = {
		.mm = vmf->vma->vm_mm,
		.start = start,
		.pfn = pfn,
		.prot = vmf->vma->vm_page_prot,
	};

	if (apply_to_page_range(fill.mm, start, count << PAGE_SHIFT,
				barlease_fill_pte, &fill))
		return VM_FAULT_OOM;
	return VM_FAULT_NOPAGE;
}
