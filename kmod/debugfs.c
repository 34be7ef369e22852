// SPDX-License-Identifier: GPL-2.0-only
/*
 * <debugfs>/barlease/<BDF>/leases: what is lent, for the person who wonders.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/barlease.h>

#include "debugfs.h"
#include "lease.h"

static struct dentry *barlease_debugfs_root;

static const char *barlease_show_state(struct barlease_lease *lease)
{
	switch (lease->state) {
	case BARLEASE_LIVE:
		return barlease_lease_accessible(lease) ? "live" : "away";
	case BARLEASE_REVOKED:
		return "revoked";
	case BARLEASE_ORPHANED:
		return "orphaned";
	}
	return "?";
}

static void barlease_show(struct seq_file *m, struct barlease_lease *lease)
{
	u32 i;

	seq_printf(m, "%llu %u", lease->id, lease->bar);
	for (i = 0; i < lease->nr_extents; i++) {
		struct vfio_region_dma_range range =
			barlease_lease_range(lease, i);

		seq_printf(m, "%c0x%llx+0x%llx", i ? ',' : ' ', range.offset,
			   range.length);
	}
	seq_printf(m, " %s %s %s %d %d %lld %lld %lld %d ",
		   barlease_access_name(lease->open_flags),
		   lease->memattr == BARLEASE_MEMATTR_WC ?
			   "wc" : "nc",
		   barlease_show_state(lease), atomic_read(&lease->mappings),
		   atomic_read(&lease->attachments),
		   atomic64_read(&lease->faults[BARLEASE_FAULT_PTE]),
		   atomic64_read(&lease->faults[BARLEASE_FAULT_PMD]),
		   atomic64_read(&lease->faults[BARLEASE_FAULT_PUD]),
		   lease->exporter);
	seq_escape(m, lease->comm, " \t\n\\");
	seq_putc(m, '\n');
}

static int barlease_leases_show(struct seq_file *m, void *unused)
{
	struct barlease_device *dev = m->private;
	struct barlease_lease *lease;

	seq_puts(m, "#lease bar ranges access attribute state mappings importers pte-faults pmd-faults pud-faults pid exporter\n");

	down_read(&dev->core.memory_lock);
	mutex_lock(&dev->leases_lock);
	list_for_each_entry(lease, &dev->leases, node)
		barlease_show(m, lease);
	mutex_unlock(&dev->leases_lock);
	up_read(&dev->core.memory_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(barlease_leases);

/* Without debugfs all of this does nothing, and nothing depends on it. */
void barlease_debugfs_init(void)
{
	barlease_debugfs_root = debugfs_create_dir("barlease", NULL);
}

void barlease_debugfs_exit(void)
{
	debugfs_remove(barlease_debugfs_root);
}

void barlease_debugfs_add(struct barlease_device *dev)
{
	dev->debugfs = debugfs_create_dir(pci_name(dev->core.pdev),
					  barlease_debugfs_root);
	debugfs_create_file("leases", 0400, dev->debugfs, dev,
			    &barlease_leases_fops);
}

/* Waits for readers, so that the device may go. */
void barlease_debugfs_remove(struct barlease_device *dev)
{
	debugfs_remove(dev->debugfs);
	dev->debugfs = NULL;
}
