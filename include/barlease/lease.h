/* SPDX-License-Identifier: MIT */
/* For lessors: leases of pieces of BARs. */
#ifndef BARLEASE_LEASE_H
#define BARLEASE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include <barlease/device.h>

#ifdef __cplusplus
extern "C" {
#endif

enum barlease_access {
	BARLEASE_READ_WRITE = 0,
	BARLEASE_READ_ONLY = 1,
};

/* How the processor accesses a lease. */
enum barlease_attribute {
	BARLEASE_NON_CACHED = 0,
	BARLEASE_WRITE_COMBINING = 1, /* in pages of 4 KiB: no huge mappings */
};

/* What a lease is lent on. All zero: readable and writable, non-cached. */
struct barlease_terms {
	/* What it allows; a read-only one can never be made writable. */
	enum barlease_access access;
	enum barlease_attribute attribute;
	const char *name; /* see barlease_lease_set_name(); NULL: none */
	/* Lend the MSI-X table, too: who writes there sends its interrupts
	 * anywhere that the IOMMU lets it.
	 */
	bool over_msix;
};

/**
 * barlease_lease_export_as() - lend ranges of a BAR
 * @dev: device
 * @bar: BAR, 0 to 5
 * @ranges: @count ranges; they appear in the lease one after the other
 * @count: 1 to BARLEASE_MAX_RANGES (linux/barlease.h)
 * @terms: on what terms
 *
 * Return: a new close-on-exec fd, which is the caller's, or
 * -EPERM: a range has a byte of the function's MSI-X table or pending bits
 *  (barlease_device_msix()), and @terms does not insist;
 * -EIO: configuration space, which says where those are, cannot be read;
 * -EINVAL: the access or the attribute is none;
 * -ENAMETOOLONG: of the name;
 * -EOPNOTSUPP: the driver cannot export, or not write-combining;
 * or as VFIO_DEVICE_FEATURE_DMA_BUF in linux/barlease.h.
 */
int barlease_lease_export_as(struct barlease_device *dev, unsigned int bar,
			     const struct barlease_range *ranges,
			     unsigned int count,
			     const struct barlease_terms *terms);

/**
 * barlease_lease_export() - lend ranges of a BAR, non-cached and without a name
 * @dev: device
 * @bar: BAR, 0 to 5
 * @ranges: @count ranges; they appear in the lease one after the other
 * @count: 1 to BARLEASE_MAX_RANGES (linux/barlease.h)
 * @access: what the lease allows
 *
 * Return: as barlease_lease_export_as().
 */
int barlease_lease_export(struct barlease_device *dev, unsigned int bar,
			  const struct barlease_range *ranges,
			  unsigned int count, enum barlease_access access);

/**
 * barlease_lease_set_attribute() - how the processor accesses what is mapped next
 * @dev: device that the lease was exported from
 * @fd: any fd of the lease; stays the caller's
 * @attribute: how; mappings that are there stay as they are
 *
 * Return: 0; -EINVAL when @attribute is none; -EOPNOTSUPP when it cannot be had, or
 * the driver knows of no attributes;
 * or as VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR in linux/barlease.h.
 */
int barlease_lease_set_attribute(struct barlease_device *dev, int fd,
				 enum barlease_attribute attribute);

/* Bytes of a lease's name with its 0 (DMA_BUF_NAME_LEN of linux/dma-buf.h). */
#define BARLEASE_LEASE_NAME_MAX 32

/**
 * barlease_lease_set_name() - have a lease listed by a name
 * @fd: any fd of the lease; stays the caller's
 * @name: shown in /proc/<pid>/fdinfo and debugfs, shorter than
 *	BARLEASE_LEASE_NAME_MAX
 *
 * Return: 0, -ENAMETOOLONG, -EBADF, -ENOMEM, -ENOTTY when @fd is no
 * lease, or -EOPNOTSUPP when it is a simulated one.
 */
int barlease_lease_set_name(int fd, const char *name);

/* What a lease is at the moment. */
enum barlease_state {
	BARLEASE_IS_LIVE = 0, /* can be mapped and accessed */
	BARLEASE_IS_AWAY = 1, /* live, but the device's memory is off */
	BARLEASE_IS_REVOKED = 2, /* taken back, for ever */
	BARLEASE_IS_ORPHANED = 3, /* its device was closed, or is gone */
};

struct barlease_info {
	uint64_t id; /* that traces and debugfs name it by */
	uint64_t length; /* bytes */
	unsigned int bar;
	enum barlease_access access;
	enum barlease_attribute attribute; /* of the next mapping */
	enum barlease_state state;
	unsigned int mappings; /* in all processes */
	unsigned int importers; /* devices that are attached */
	unsigned int ranges; /* how many it has */
};

/**
 * barlease_lease_info() - what a lease is
 * @dev: device that the lease was exported from
 * @fd: any fd of the lease; stays the caller's
 * @info: where to put it
 * @ranges: where to put the first @count of its ranges, or NULL
 * @count: how many there is room for, up to BARLEASE_MAX_RANGES
 *	(linux/barlease.h); 0 with NULL
 *
 * Return: 0; -EOPNOTSUPP when the driver does not tell; -ENOMEM; or as
 * BARLEASE_FEATURE_INFO in linux/barlease.h.
 */
int barlease_lease_info(struct barlease_device *dev, int fd,
			struct barlease_info *info,
			struct barlease_range *ranges, unsigned int count);

/**
 * barlease_lease_revoke() - take a lease back for ever
 * @dev: device that the lease was exported from
 * @fd: any fd of the lease; stays the caller's
 *
 * When it returns 0 no process has a mapping of the lease and none can make
 * one.
 *
 * Return: 0, or -errno as VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE in
 * linux/barlease.h; -EOPNOTSUPP when the driver cannot revoke.
 */
int barlease_lease_revoke(struct barlease_device *dev, int fd);

/**
 * barlease_lease_resume() - have a lease of a device that was resumed
 * @dev: device, see barlease_device_resume()
 * @fd: of the lease, as it was exported by the process before; stays the
 *	caller's
 * @bar: what it is of
 * @range: the one that it has
 * @terms: that it was exported with
 *
 * Leases of a simulated device are to be resumed in the order in which they were
 * exported.
 *
 * Return: 0; -EBADFD when it has ended; -EINVAL when it is no lease, or another
 * one; -EBADF; -ENOMEM; or as barlease_lease_info().
 */
int barlease_lease_resume(struct barlease_device *dev, int fd, unsigned int bar,
			  const struct barlease_range *range,
			  const struct barlease_terms *terms);

/**
 * barlease_lease_size() - size of a lease
 * @fd: fd of a lease
 * @size: where to put the size in bytes
 *
 * Return: 0, -EBADF, or -EINVAL when @fd has no size.
 */
int barlease_lease_size(int fd, uint64_t *size);

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_LEASE_H */
