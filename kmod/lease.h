/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BARLEASE_LEASE_H
#define BARLEASE_LEASE_H

#include <linux/dma-buf.h>
#include <linux/atomic.h>
#include <linux/fcntl.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/barlease.h>
#include <uapi/linux/dma-buf.h>

#include "device.h"

struct vm_area_struct;

enum barlease_state {
	BARLEASE_LIVE,		/* can be mapped while the device's memory is on */
	BARLEASE_REVOKED,	/* taken back by the lessor, for ever */
	BARLEASE_ORPHANED,	/* the device was closed or is gone, for ever */
};

/* A stretch of the lease that is contiguous in physical memory. */
struct barlease_extent {
	unsigned long page;	/* first page, counted from the lease's start */
	unsigned long pages;
	unsigned long pfn;
};

/* Sizes of a fault's page, for counting them. */
enum barlease_fault_size {
	BARLEASE_FAULT_PTE,
	BARLEASE_FAULT_PMD,
	BARLEASE_FAULT_PUD,
	BARLEASE_FAULT_SIZES,
};

/*
 * A lease is the private part of a DMABUF and lives exactly as long: until no
 * fd and no mapping is left. It pins the memory of the device (a reference to
 * core.vdev.device, which also keeps the inode whose address space the
 * mappings are in), but neither its registration nor the PCI function: those
 * may go at any time, and nothing that belongs to them is touched unless the
 * lease is seen live under memory_lock.
 *
 * The device side never looks at the DMABUF's file: an O_PATH fd can keep a
 * DMABUF and its lease after the file itself is freed.
 */
struct barlease_lease {
	struct barlease_device *dev;	/* constant, referenced */
	struct list_head node;		/* in dev->leases, under leases_lock */
	unsigned int walkers;		/* visits under way, under leases_lock */
	/*
	 * For those who visit the lease on the list, or have a reference of
	 * their own.
	 */
	struct dma_buf *dmabuf;

	/*
	 * Written under memory_lock for writing and peers.lock, so that either
	 * is enough to read it; see barlease_lease_end().
	 */
	enum barlease_state state;

	/* Devices that are attached; what they do now, under peers.lock. */
	atomic_t attachments;
	unsigned int peer_users;
	struct work_struct notify_work;	/* tells them to unmap */

	/* Of mappings made from now on. Under memory_lock for writing. */
	u32 memattr;

	/* For those who look; nothing hangs on them. */
	atomic_t mappings;
	atomic64_t faults[BARLEASE_FAULT_SIZES];

	/* Constant from export on, but for the last two flags. */
	char name[DMA_BUF_NAME_LEN];	/* BDF:BAR[offset+length] */
	u64 id;			/* unique for as long as the module is loaded */
	u32 bar;
	unsigned long bar_pfn;	/* where the BAR starts */
	u32 open_flags;
	pid_t exporter;		/* thread group, as the initial namespace has it */
	char comm[TASK_COMM_LEN];
	unsigned long pages;
	/*
	 * Page offset of the lease's first byte in the address space of the
	 * device; see window.c.
	 */
	unsigned long window;
	/*
	 * Some mapping has had entries of 2 MiB or more, of 1 GiB; set once, never
	 * cleared.
	 */
	bool had_huge;
	bool had_pud;
	unsigned int nr_extents;
	struct barlease_extent extents[] __counted_by(nr_extents);
};

/* The @index'th range as it was exported, in bytes from the BAR's start. */
static inline struct vfio_region_dma_range
barlease_lease_range(const struct barlease_lease *lease, u32 index)
{
	const struct barlease_extent *extent = &lease->extents[index];

	return (struct vfio_region_dma_range){
		.offset = (u64)(extent->pfn - lease->bar_pfn) << PAGE_SHIFT,
		.length = (u64)extent->pages << PAGE_SHIFT,
	};
}

/* For people. */
static inline const char *barlease_access_name(u32 open_flags)
{
	switch (open_flags & O_ACCMODE) {
	case O_RDONLY:
		return "ro";
	case O_WRONLY:
		return "wo";
	default:
		return "rw";
	}
}

extern const struct dma_buf_ops barlease_dmabuf_ops;

struct barlease_lease *barlease_lease_alloc(struct barlease_device *dev,
					    unsigned int nr_extents);
void barlease_lease_free(struct barlease_lease *lease);
int barlease_lease_publish(struct barlease_lease *lease);
bool barlease_lease_accessible(struct barlease_lease *lease);
struct dma_buf *barlease_dmabuf_get(struct barlease_device *dev, int fd);

int barlease_feature_revoke(struct barlease_device *dev, u32 flags,
			    void __user *arg, size_t argsz);
int barlease_feature_memattr(struct barlease_device *dev, u32 flags,
			     void __user *arg, size_t argsz);
int barlease_feature_info(struct barlease_device *dev, u32 flags,
			  void __user *arg, size_t argsz);
int barlease_feature_export(struct barlease_device *dev, u32 flags,
			    void __user *arg, size_t argsz);
void barlease_orphan_all(struct barlease_device *dev);

int barlease_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma);

#endif /* BARLEASE_LEASE_H */
