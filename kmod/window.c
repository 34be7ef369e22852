// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where leases lie in the address space of their device.
 *
 * The core zaps the offsets from BAR 0 to the end of BAR 5, all of them, so a
 * lease that lies anywhere in there is covered. Each BAR has 1 TiB of offsets
 * and is shorter than that; the rest is free. A lease gets a window there that
 * is its own, neither a BAR's nor another lease's: revoking it then zaps its
 * mappings and nobody else's, and every mapping that is zapped at all is zapped
 * whole. The last matters to 6.12, which warns when part of a 1 GiB entry is
 * zapped this way.
 */
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/vfio_pci_core.h>

#include "device.h"
#include "lease.h"
#include "trace.h"
#include "window.h"

#define BARLEASE_WINDOWS_END \
	(VFIO_PCI_INDEX_TO_OFFSET(VFIO_PCI_ROM_REGION_INDEX) >> PAGE_SHIFT)

int barlease_windows_init(struct barlease_device *dev)
{
	int bar, ret;

	mt_init_flags(&dev->windows, MT_FLAGS_ALLOC_RANGE);
	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		u64 start = VFIO_PCI_INDEX_TO_OFFSET(bar);
		u64 length = pci_resource_len(dev->core.pdev, bar);

		if (!length)
			continue;
		/* What VFIO has no offsets for cannot be mapped either. */
		length = min(length, VFIO_PCI_OFFSET_MASK + 1);
		ret = mtree_insert_range(&dev->windows, start >> PAGE_SHIFT,
					 (start + length - 1) >> PAGE_SHIFT,
					 dev, GFP_KERNEL);
		if (ret) {
			mtree_destroy(&dev->windows);
			return ret;
		}
	}
	return 0;
}

void barlease_windows_destroy(struct barlease_device *dev)
{
	mtree_destroy(&dev->windows);
}

static int barlease_window_alloc_from(struct barlease_lease *lease,
				      unsigned long first)
{
	return mtree_alloc_range(&lease->dev->windows, &lease->window, lease,
				 lease->pages, first, BARLEASE_WINDOWS_END - 1,
				 GFP_KERNEL_ACCOUNT);
}

/*
 * -ENOMEM when there is no memory or no stretch of free offsets.
 *
 * Behind the last one: mappings of a lease that has ended stay in its window
 * for as long as their process likes, and there are as many as it likes. Who
 * ends the next lease there has to walk over them. It does come to that when
 * all windows have been used; until then it does not.
 */
int barlease_window_alloc(struct barlease_lease *lease)
{
	struct barlease_device *dev = lease->dev;
	unsigned long first = READ_ONCE(dev->next_window);
	int ret;

	ret = barlease_window_alloc_from(lease, first);
	if (ret && ret != -ENOMEM && first)
		ret = barlease_window_alloc_from(lease, 0);
	if (ret)
		return -ENOMEM;

	WRITE_ONCE(dev->next_window, lease->window + lease->pages);
	return 0;
}

/*
 * Taking something out of the tree may need a node or two, and by now there is
 * no way back. In 6.12 mtree_erase() leaves what it finds no memory for, and
 * does not say so: the window would be lost for as long as the device is bound.
 * 7.3's insists, as this does on both.
 *
 * Others wait along for that memory where memory_lock is held, but not for
 * ever: nobody who frees memory takes it (locks.c has lockdep see to that), the
 * OOM killer passes over those who wait and do not die, and who insists is
 * given of the reserves.
 */
void barlease_window_free(struct barlease_lease *lease)
{
	mtree_store_range(&lease->dev->windows, lease->window,
			  lease->window + lease->pages - 1, NULL,
			  GFP_KERNEL | __GFP_NOFAIL);
}

/* Ends every mapping of the lease; whoever faults now sees its state. */
void barlease_window_zap(struct barlease_lease *lease)
{
	struct barlease_device *dev = lease->dev;

	lockdep_assert_held_write(&dev->core.memory_lock);
	trace_barlease_zap(lease);

	unmap_mapping_range(dev->core.vdev.inode->i_mapping,
			    (loff_t)lease->window << PAGE_SHIFT,
			    (loff_t)lease->pages << PAGE_SHIFT, true);
}
