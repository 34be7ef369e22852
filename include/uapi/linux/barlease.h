/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Leases of PCI BAR ranges: the VFIO_DEVICE_FEATURE operations that the
 * barlease-vfio-pci driver serves on a VFIO device fd.
 *
 * A lease is a DMABUF of one or more ranges of one BAR. Its fd can be passed
 * to another process, which can mmap() it and do nothing else with the device;
 * the holder of the device fd takes it back with the REVOKE feature.
 *
 * VFIO_DEVICE_FEATURE_DMA_BUF is the kernel's own feature (linux/vfio.h since
 * 6.19) and is declared here only where the installed headers lack it. The
 * others are proposed upstream and have no number there yet. Until they do,
 * this driver answers to numbers of a private range, BARLEASE_FEATURE_*; ask
 * with VFIO_DEVICE_FEATURE_PROBE before you use one.
 *
 * Each of the private numbers goes with the struct barlease_* of its name,
 * whatever a later linux/vfio.h defines under the VFIO_DEVICE_FEATURE_* names:
 * where it does, its definition of those is the one in force.
 */
#ifndef _UAPI_LINUX_BARLEASE_H
#define _UAPI_LINUX_BARLEASE_H

#include <linux/types.h>
#include <linux/vfio.h>

/*
 * Feature numbers of this driver. VFIO_DEVICE_FEATURE_MASK leaves 16 bits for
 * the number; upstream counts up from 0, so the private range starts far above.
 */
#define BARLEASE_FEATURE_BASE		0xba00
#define BARLEASE_FEATURE_REVOKE		(BARLEASE_FEATURE_BASE + 1)
#define BARLEASE_FEATURE_MEMATTR	(BARLEASE_FEATURE_BASE + 2)
#define BARLEASE_FEATURE_INFO		(BARLEASE_FEATURE_BASE + 3)

/* More ranges than this in one export is E2BIG. */
#define BARLEASE_MAX_RANGES		512

/* An export of more bytes than this (1 TiB) in all is EINVAL. */
#define BARLEASE_MAX_LENGTH		(1ULL << 40)

/**
 * VFIO_DEVICE_FEATURE_DMA_BUF - lend ranges of a BAR (GET)
 *
 * On success the ioctl returns a new DMABUF fd, which the caller owns. The
 * ranges appear in it one after the other, in the order given; they may
 * overlap. The access mode in @open_flags is that of the lease: what is
 * exported O_RDONLY can never be mapped writable.
 *
 * @region_index: VFIO_PCI_BAR0_REGION_INDEX to VFIO_PCI_BAR5_REGION_INDEX
 * @open_flags: O_RDONLY, O_WRONLY (which can never be mapped: EACCES) or
 *	O_RDWR, with or without O_CLOEXEC
 * @flags: 0
 * @nr_ranges: number of elements of @dma_ranges, 1 to BARLEASE_MAX_RANGES
 * @dma_ranges: offset into the BAR and length, in bytes, both multiples of
 *	the page size
 *
 * Errors, the first that applies:
 *   EINVAL	argsz is too small for the structure without its ranges
 *   EFAULT	the structure cannot be read
 *   EINVAL	nr_ranges is 0, flags is not 0, open_flags has other bits
 *   E2BIG	nr_ranges is above BARLEASE_MAX_RANGES
 *   EINVAL	argsz is too small for the ranges
 *   ENODEV	region_index names no BAR, or this device has no such BAR
 *   EFAULT	the ranges cannot be read
 *   EINVAL	a length is 0; an offset or a length is not a multiple of the
 *		page size; the lengths add up to more than BARLEASE_MAX_LENGTH
 *   EINVAL	the BAR cannot be mapped (I/O ports, below a page)
 *   ENODEV	the BAR is claimed by somebody else
 *   and, range by range:
 *   EOVERFLOW	its address wraps around
 *   EINVAL	it goes past the end of the BAR
 *   and then
 *   ENOMEM	also: the lengths of all leases of the device that have not
 *		ended add up to more than about 6 TiB less its BARs
 *   EMFILE, ENFILE
 */
#ifndef VFIO_DEVICE_FEATURE_DMA_BUF
#define VFIO_DEVICE_FEATURE_DMA_BUF 11

struct vfio_region_dma_range {
	__u64 offset;
	__u64 length;
};

struct vfio_device_feature_dma_buf {
	__u32 region_index;
	__u32 open_flags;
	__u32 flags;
	__u32 nr_ranges;
	struct vfio_region_dma_range dma_ranges[];
};
#endif

/**
 * VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE - take a lease back for ever (SET)
 *
 * When it returns 0, no mapping of the lease is left in any process or device
 * and none can be made: an access is SIGBUS, mmap() is ENODEV, and an importer's
 * attach and map are. The same range can be exported anew at once. The fd stays
 * the caller's and should be closed.
 * May block for as long as an event that excludes access (a reset) lasts, and
 * until the drivers of importing devices have unmapped.
 *
 * @dmabuf_fd: any fd of the lease
 *
 * Errors:
 *   EINVAL	argsz is too small
 *   EFAULT	the structure cannot be read
 *   EBADF	dmabuf_fd is not an open fd
 *   EINVAL	dmabuf_fd is not a DMABUF
 *   ENODEV	it is a DMABUF, but not a lease of this device
 *   EBADFD	it is revoked already, or ended with an earlier opening of the
 *		device; nobody has it any more
 *   EINTR	the caller is killed while it waits for an importer; the lease is
 *		revoked all the same
 */
struct barlease_revoke {
	__s32 dmabuf_fd;
};

#ifndef VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE
#define VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE BARLEASE_FEATURE_REVOKE
#define vfio_device_feature_dma_buf_revoke barlease_revoke
#endif

/**
 * VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR - memory type of later mmap()s (SET)
 *
 * @dmabuf_fd: any fd of the lease
 * @memattr: BARLEASE_MEMATTR_NC (non-cached, the default) or _WC (write-combining)
 *
 * Errors: those of REVOKE, and
 *   ENOENT	memattr is neither
 *   EOPNOTSUPP	write-combining cannot be had; the lease stays as it was
 */
#define BARLEASE_MEMATTR_NC 0
#define BARLEASE_MEMATTR_WC 1

struct barlease_memattr {
	__s32 dmabuf_fd;
	__u32 memattr;
};

#ifndef VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR
#define VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR BARLEASE_FEATURE_MEMATTR
#define VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR_NC BARLEASE_MEMATTR_NC
#define VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR_WC BARLEASE_MEMATTR_WC
#define vfio_device_feature_dma_buf_memattr barlease_memattr
#endif

/**
 * BARLEASE_FEATURE_INFO - what is this lease? (GET)
 *
 * No kernel has or proposes this one.
 *
 * @dmabuf_fd: in: any fd of the lease
 * @nr_ranges: in: how many elements of @dma_ranges there is room for, 0 to
 *	BARLEASE_MAX_RANGES; out: how many ranges the lease has, of which the
 *	first that fit are in @dma_ranges
 * @region_index: out: the BAR
 * @open_flags: out: the access mode, O_RDONLY, O_WRONLY or O_RDWR
 * @memattr: out: BARLEASE_MEMATTR_* of the next mmap()
 * @state: out: BARLEASE_STATE_*
 * @mappings: out: how many mappings there are now, in all processes; one that
 *	is split counts for each part
 * @attachments: in: 0; out: how many devices have attached to the lease to import
 *	it
 * @length: out: of the lease, in bytes
 * @lease_id: out: the number of the lease, from 1 on, which traces and debugfs
 *	name it by; no other lease has had it since the driver was loaded
 * @dma_ranges: out: offset into the BAR and length, in bytes
 *
 * Errors: EINVAL for argsz too small (also for the ranges), nr_ranges above
 * the limit or attachments not 0; EFAULT; and EBADF, EINVAL and ENODEV for
 * dmabuf_fd, as REVOKE has them.
 */
#define BARLEASE_STATE_LIVE	0	/* can be mapped and accessed */
#define BARLEASE_STATE_AWAY	1	/* live, but the device's memory is off */
#define BARLEASE_STATE_REVOKED	2	/* taken back, for ever */
#define BARLEASE_STATE_ORPHANED	3	/* its device was closed or is gone */

struct barlease_lease_info {
	__s32 dmabuf_fd;
	__u32 nr_ranges;
	__u32 region_index;
	__u32 open_flags;
	__u32 memattr;
	__u32 state;
	__u32 mappings;
	__u32 attachments;
	__u64 length;
	__u64 lease_id;
	struct vfio_region_dma_range dma_ranges[];
};

#endif /* _UAPI_LINUX_BARLEASE_H */
