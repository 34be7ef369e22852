/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BARLEASE_DEVICE_H
#define BARLEASE_DEVICE_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/uidgid.h>
#include <linux/vfio_pci_core.h>

#include "peer.h"

struct dentry;

/*
 * A PCI function of ours.
 *
 * Lock order: mmap_lock, or the lock of the device set -> core.memory_lock ->
 * leases_lock, i_mmap locks, or a DMABUF's reservation lock -> peers.lock.
 *
 * core.memory_lock is the core's. Whoever ends an access to the BARs (reset,
 * memory decode off, power states, our revocation) holds it for writing and
 * zaps the mappings; whoever makes one (a fault) holds it for reading. It also
 * protects the state of every lease of the device.
 */
struct barlease_device {
	struct vfio_pci_core_device core;

	/* Protects the list below; taken alone when a lease is released. */
	struct mutex leases_lock;
	/* Every lease that has not been released, ended ones too. */
	struct list_head leases;

	/* Taken stretches of the address space, in pages. Has its own lock. */
	struct maple_tree windows;
	/* Where the next one is looked for first; any value will do. */
	unsigned long next_window;

	/* The importers of our leases. */
	struct barlease_peers peers;
	unsigned int af_cap;	/* where it is in the configuration space, or 0 */

	/*
	 * The device is open: there is a virtual configuration space, and the
	 * PCI function is ours. Written under memory_lock for writing.
	 */
	bool opened;
	/* Who opened it; under the device set's lock. */
	kuid_t opener;

	struct dentry *debugfs;

	/* Until then (jiffies, 0: now) faults leave memory_lock alone. */
	unsigned long gate;
};

static inline struct barlease_device *
barlease_device(struct vfio_device *vfio)
{
	return container_of(vfio, struct barlease_device, core.vdev);
}

static inline bool barlease_gate_closed(struct barlease_device *dev)
{
	unsigned long gate = READ_ONCE(dev->gate);

	return gate && time_before(jiffies, gate);
}

/* The module's parameters, as far as a device is set up by them. */
struct barlease_device_params {
	bool nointxmask;
	bool disable_vga;
	bool disable_idle_d3;
};

extern struct barlease_device_params barlease_params;

void barlease_prime_lockdep(struct barlease_device *dev);

/* Can the BARs be touched now? Under memory_lock. */
bool barlease_accessible(struct barlease_device *dev);

struct barlease_device *barlease_device_create(struct pci_dev *pdev);
void barlease_device_destroy(struct barlease_device *dev);

bool barlease_is_ours(const struct vfio_device *vfio);

/* events.c: what may take the BARs away. */
long barlease_ioctl(struct vfio_device *vfio, unsigned int cmd,
		    unsigned long arg);
ssize_t barlease_write(struct vfio_device *vfio, const char __user *buf,
		       size_t count, loff_t *ppos);
ssize_t barlease_read(struct vfio_device *vfio, char __user *buf, size_t count,
		      loff_t *ppos);
int barlease_core_feature(struct vfio_device *vfio, u32 flags, void __user *arg,
			  size_t argsz);
extern const struct pci_error_handlers barlease_err_handlers;

bool barlease_denylisted(struct pci_dev *pdev, bool ignore);

#endif /* BARLEASE_DEVICE_H */
