// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap() of a lease, and what becomes of the mapping.
 */
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/barlease.h>

#include "compat/compat.h"
#include "fault.h"
#include "lease.h"
#include "trace.h"

static const struct vm_operations_struct barlease_vm_ops;

/*
 * The mm cannot live with a 1 GiB entry in a mapping that it splits or moves:
 * it takes the entry for a page table, or drops it as bad without flushing the
 * TLB, which would outlive a revocation. (Both in 6.12 and 7.3: the split of
 * huge pages looks at no level above the PMD, and mremap() starts by clearing
 * "bad" PUDs.) Take the entries away before it comes to that, with mmap_lock
 * held for writing. With the mapping write-locked, too, no fault brings one
 * back before the mm is through.
 */
static void barlease_drop_huge(struct vm_area_struct *vma, const bool *had)
{
	mmap_assert_write_locked(vma->vm_mm);

	vma_start_write(vma);
	if (READ_ONCE(*had))
		compat_zap_vma(vma);
}

static int barlease_vm_may_split(struct vm_area_struct *vma,
				 unsigned long address)
{
	struct barlease_lease *lease = vma->vm_private_data;

	barlease_drop_huge(vma, &lease->had_pud);
	return 0;
}

static bool barlease_is_mapping_of(const struct vm_area_struct *vma,
				   const struct barlease_lease *lease)
{
	return vma->vm_private_data == lease &&
	       vma->vm_ops == &barlease_vm_ops;
}

/*
 * fork() copies an entry of 2 MiB as it was before it took the lock of the page
 * table (copy_huge_pmd() in 6.12 and 7.3, which thinks that mmap_lock keeps such
 * entries as they are). Who ends the access in between finds nothing in the
 * child, and the entry gets there afterwards, for ever. So leave nothing to be
 * copied: the child faults. The parent's mmap_lock is held for writing and the
 * mapping stays write-locked until it has been copied.
 *
 * It is a fork if the new mapping is in its mm already; where somebody splits a
 * mapping of another process (userfaultfd does), it is not yet.
 */
static void barlease_forked(struct vm_area_struct *new)
{
	struct barlease_lease *lease = new->vm_private_data;
	struct vm_area_struct *old;

	if (find_vma(new->vm_mm, new->vm_start) != new)
		return;
	old = find_vma(current->mm, new->vm_start);
	if (old && barlease_is_mapping_of(old, lease))
		barlease_drop_huge(old, &lease->had_huge);
}

/*
 * A mapping is copied: by fork(), by mremap(), or because it is split. mremap()
 * is not over with the old mapping yet, and does not tell which one that is. It
 * moves mappings of the caller's own mm; fork() fills another.
 */
static void barlease_vm_open(struct vm_area_struct *new)
{
	struct barlease_lease *lease = new->vm_private_data;
	struct vm_area_struct *vma;
	unsigned long address = 0;

	atomic_inc(&lease->mappings);
	if (new->vm_ops != &barlease_vm_ops)
		return;
	if (new->vm_mm != current->mm) {
		barlease_forked(new);
		return;
	}
	if (!READ_ONCE(lease->had_pud))
		return;

	while ((vma = find_vma(new->vm_mm, address))) {
		address = vma->vm_end;
		if (barlease_is_mapping_of(vma, lease))
			barlease_drop_huge(vma, &lease->had_pud);
	}
}

static void barlease_vm_close(struct vm_area_struct *vma)
{
	struct barlease_lease *lease = vma->vm_private_data;

	atomic_dec(&lease->mappings);
}

static const struct vm_operations_struct barlease_vm_ops = {
	.open = barlease_vm_open,
	.close = barlease_vm_close,
	.may_split = barlease_vm_may_split,
	.fault = barlease_fault,
#ifdef CONFIG_ARCH_SUPPORTS_HUGE_PFNMAP
	.huge_fault = barlease_huge_fault,
#endif
};

/* See wc.c; elsewhere the protection of the mapping is enough. */
static const struct vm_operations_struct barlease_wc_vm_ops = {
	.open = barlease_vm_open,
	.close = barlease_vm_close,
	.fault = barlease_fault_around,
};

/*
 * A mapping that would fault at once is better refused, but this is a courtesy
 * and the fault decides. It runs under mmap_lock for writing, which must not be
 * held through a reset: hence the trylock, and no answer while somebody has
 * memory_lock or wants it for a reset of the set.
 */
static bool barlease_mappable_now(struct barlease_lease *lease)
{
	struct vfio_pci_core_device *core = &lease->dev->core;
	bool accessible;

	if (barlease_gate_closed(lease->dev) ||
	    !down_read_trylock(&core->memory_lock))
		return READ_ONCE(lease->state) == BARLEASE_LIVE;

	accessible = barlease_lease_accessible(lease);
	up_read(&core->memory_lock);
	return accessible;
}

/* The DMABUF core has checked that the range is within the buffer. */
int barlease_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct barlease_lease *lease = dmabuf->priv;
	bool wc = READ_ONCE(lease->memattr) ==
		  BARLEASE_MEMATTR_WC;

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
	vma->vm_page_prot = wc ? pgprot_writecombine(vma->vm_page_prot) :
				 pgprot_noncached(vma->vm_page_prot);
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);

	/*
	 * As vfio-pci maps a BAR. VM_ALLOW_ANY_UNCACHED lets a guest on arm64
	 * choose Normal-NC for it.
	 */
	vm_flags_set(vma, VM_ALLOW_ANY_UNCACHED | VM_IO | VM_PFNMAP |
			  VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = wc && IS_ENABLED(CONFIG_X86) ? &barlease_wc_vm_ops :
						     &barlease_vm_ops;
	atomic_inc(&lease->mappings);
	trace_barlease_mmap(lease, vma);
	return 0;
}
