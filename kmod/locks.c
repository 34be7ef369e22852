// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells lockdep the order of the locks (device.h) before anything depends on
 * it: then a path that takes them the other way round is reported at its first
 * run, not only when somebody has gone both ways.
 */
#include <linux/dma-resv.h>
#include <linux/mm.h>
#include <linux/once.h>
#include <linux/sched/mm.h>

#include "device.h"

static void barlease_take_all(struct barlease_device *dev, struct mm_struct *mm)
{
	struct dma_resv resv;

	dma_resv_init(&resv);
	mmap_write_lock(mm);
	down_write(&dev->core.memory_lock);

	mutex_lock(&dev->leases_lock);
	spin_lock(&dev->peers.lock);
	spin_unlock(&dev->peers.lock);
	/* The end of a lease insists on memory; see barlease_window_free(). */
	might_alloc(GFP_KERNEL | __GFP_NOFAIL);
	mutex_unlock(&dev->leases_lock);

	dma_resv_lock(&resv, NULL);
	spin_lock(&dev->peers.lock);
	spin_unlock(&dev->peers.lock);
	dma_resv_unlock(&resv);

	up_write(&dev->core.memory_lock);
	mmap_write_unlock(mm);
	dma_resv_fini(&resv);
}

/* barlease_prime_lockdep() - once; the caller is a process and holds no lock */
void barlease_prime_lockdep(struct barlease_device *dev)
{
	if (IS_ENABLED(CONFIG_PROVE_LOCKING) && current->mm)
		DO_ONCE_SLEEPABLE(barlease_take_all, dev, current->mm);
}
