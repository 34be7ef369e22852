/* SPDX-License-Identifier: MIT */
/*
 * /dev/barlease-importer: a DMABUF imported by the edu device, by hand. Each
 * open file is one attachment. Only the kernel tests use it.
 */
#ifndef BARLEASE_IMPORTER_H
#define BARLEASE_IMPORTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The importer cannot be told of an invalidation. */
#define IMPORTER_STATIC		(1 << 0)
/* The importer wants addresses with struct pages. */
#define IMPORTER_NO_PEER	(1 << 1)
/* The importing device is no PCI function. */
#define IMPORTER_NO_PCI		(1 << 2)

/* What an importer does when it is told, instead of a number of ms. */
#define IMPORTER_AT_ONCE	0
#define IMPORTER_NEVER		(-1)
/* It does not return from the callback until IMPORTER_UNSTICK, and unmaps then. */
#define IMPORTER_STUCK		(-2)

struct importer_attach {
	__s32 dmabuf_fd;
	__u32 flags;
	__s32 unmap_after;	/* ms, or one of the above */
};

struct importer_map {
	__u32 entries;		/* out: of the table */
	__u32 reserved;
	__u64 length;		/* out: of all of them */
};

struct importer_state {
	__u32 notified;		/* times it was told, since it attached */
	__u32 mapped;
};

/* Does not go through unless offset + length is within one page. */
struct importer_transfer {
	__u64 offset;		/* into the DMABUF */
	__u32 length;
	__u32 write;		/* into the DMABUF, or out of it */
	__u64 buffer;		/* address in user space */
};

/* Errors are those of the DMABUF's operations. */
#define IMPORTER_ATTACH		_IOW('B', 1, struct importer_attach)
#define IMPORTER_DETACH		_IO('B', 2)
#define IMPORTER_MAP		_IOR('B', 3, struct importer_map)
#define IMPORTER_UNMAP		_IO('B', 4)
#define IMPORTER_STATE		_IOR('B', 5, struct importer_state)
/* ENXIO without a mapping, ETIMEDOUT when the device does not get done. */
#define IMPORTER_TRANSFER	_IOW('B', 6, struct importer_transfer)
/*
 * A write that the device makes 100 ms later (QEMU's timer), and the wait until
 * it has been made. The first takes the addresses of the last mapping, which
 * may be gone by then, and now. IOMMU faults in between do not fail the test.
 */
#define IMPORTER_LAUNCH		_IOW('B', 7, struct importer_transfer)
#define IMPORTER_LAND		_IO('B', 8)
#define IMPORTER_UNSTICK	_IO('B', 9)

#endif /* BARLEASE_IMPORTER_H */
