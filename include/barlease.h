/* SPDX-License-Identifier: MIT */
/*
 * libbarlease: lend a piece of a PCI BAR to another process, and take it back.
 *
 * The lessor owns a PCI function through VFIO: it opens the device, exports
 * ranges of a BAR as a lease (a DMABUF fd), passes that fd to one process, and
 * revokes it. The lessee maps the fd and does nothing else with the device.
 *
 * Functions return 0 or a useful value on success and -errno on failure. None
 * of them exits the process, installs a signal handler or keeps global state.
 * A struct barlease_device may be used from several threads, except that
 * barlease_device_close() must be the last call on it.
 *
 * An access to a mapped lease that has been revoked, or whose device is away
 * for the moment, raises SIGBUS in the process that makes it.
 */
#ifndef BARLEASE_H
#define BARLEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Length of "dddd:bb:ss.f" with its terminating 0 (domains are 16 to 32 bit). */
#define BARLEASE_BDF_MAX 20

/* Number of BARs of a PCI function (PCI Local Bus 3.0, section 6.1). */
#define BARLEASE_BARS 6

/* ------------------------------------------------------------------------
 * Lessor: the device
 * ------------------------------------------------------------------------
 */

struct barlease_device;

/**
 * barlease_bdf_parse() - the canonical form of a PCI address
 * @text: "dddd:bb:ss.f" or "bb:ss.f" (domain 0), hexadecimal
 * @bdf: where to put the canonical form, BARLEASE_BDF_MAX bytes
 *
 * Return: 0, or -EINVAL when @text is not a PCI address.
 */
int barlease_bdf_parse(const char *text, char *bdf);

/**
 * barlease_device_open() - own a PCI function through VFIO
 * @bdf: PCI address, see barlease_bdf_parse()
 * @dev: where to put the device
 *
 * The same as barlease_device_open_by() with BARLEASE_ANY_WAY, without a VF
 * token or a reason.
 */
int barlease_device_open(const char *bdf, struct barlease_device **dev);

/*
 * The two ways that VFIO has to a device: /dev/vfio/devices/vfio<n> and
 * /dev/iommu, or /dev/vfio/<group> and a type1 container. Any way is the first
 * if that can be, and else the second.
 */
enum barlease_way {
	BARLEASE_ANY_WAY = 0,
	BARLEASE_BY_IOMMUFD = 1,
	BARLEASE_BY_GROUP = 2,
};

/**
 * barlease_device_open_by() - own a PCI function through VFIO in a given way
 * @bdf: PCI address, see barlease_bdf_parse()
 * @way: how
 * @vf_token: a UUID as text (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx), or NULL
 * @dev: where to put the device
 * @reason: where to put a pointer to a constant sentence that says why the
 *	device could not be opened by iommufd, or NULL where that is not known,
 *	was not tried or did work; @reason itself may be NULL
 *
 * The device gets an iommufd with one empty I/O address space, or its IOMMU
 * group and a type1 container, of its own. As long as the device is open, no
 * other process can open it; closing it ends every lease of it.
 *
 * With BARLEASE_ANY_WAY whatever keeps iommufd from serving, be it a missing
 * file, a permission or another owner, makes it try the group; @reason tells
 * of it even where that works.
 *
 * A virtual function whose physical function has a VFIO driver, too, opens
 * only with the token of the physical function. That token is set by opening
 * the physical function with one while no virtual function is open; while one
 * is, the physical function itself opens only with the token that is set.
 *
 * Return: 0 and a device that barlease_device_close() ends, or
 * -EINVAL: @bdf is not a PCI address, @way is none, @vf_token is no UUID, or
 *  the function takes no token; by iommufd also: the kernel takes none there
 *  (before 6.17);
 * -ENODEV: there is no such function, or no VFIO driver is bound to it;
 * -ENXIO: the function is in no IOMMU group (is the IOMMU on?);
 * -EBUSY: another process has opened it, or another function of its group;
 * -EPERM: the group is not viable: another function of it is bound to a
 *  driver that is not VFIO's; or its interrupts are not isolated; where the
 *  kernel has no groups also: another function of its group is open;
 * -EACCES: this process may not open /dev/vfio/<group>; by iommufd: its file
 *  in /dev/vfio/devices or /dev/iommu;
 * -ENOKEY: a token is needed, and @vf_token is NULL;
 * -EKEYREJECTED: @vf_token is not the one that is set;
 * -ENOTSUP: the kernel lacks the type1 IOMMU driver; by iommufd: it lacks
 *  that, or the file of the function is not in /dev/vfio/devices;
 * -ENOMEM, -EMFILE, -ENFILE.
 */
int barlease_device_open_by(const char *bdf, enum barlease_way way,
			    const char *vf_token, struct barlease_device **dev,
			    const char **reason);

/**
 * barlease_device_close() - give the function up
 * @dev: device, or NULL
 *
 * Every lease of it is dead when this returns (unless a copy of the fd of
 * barlease_device_fd() is still open somewhere).
 */
void barlease_device_close(struct barlease_device *dev);

/**
 * barlease_device_fd() - the VFIO device fd, for ioctls of one's own
 * @dev: device
 *
 * Return: the fd, which stays @dev's.
 */
int barlease_device_fd(const struct barlease_device *dev);

/**
 * barlease_device_way() - in which way the device was opened
 * @dev: device
 *
 * Return: BARLEASE_BY_IOMMUFD or BARLEASE_BY_GROUP.
 */
enum barlease_way barlease_device_way(const struct barlease_device *dev);

/**
 * barlease_device_iommu_fd() - where the DMA of the device is mapped
 * @dev: device
 *
 * For ioctls of one's own: IOMMU_IOAS_MAP (linux/iommufd.h) with
 * barlease_device_ioas() where the device was opened by iommufd,
 * VFIO_IOMMU_MAP_DMA (linux/vfio.h) where it was by group.
 *
 * Return: the iommufd or the type1 container, which stays @dev's.
 */
int barlease_device_iommu_fd(const struct barlease_device *dev);

/**
 * barlease_device_ioas() - the I/O address space that the device is attached to
 * @dev: device
 *
 * Return: its id in the iommufd, or 0 when the device was opened by group.
 */
uint32_t barlease_device_ioas(const struct barlease_device *dev);

/**
 * barlease_device_bdf() - canonical PCI address of the device
 * @dev: device
 *
 * Return: a string that lives as long as @dev.
 */
const char *barlease_device_bdf(const struct barlease_device *dev);

/* What the driver behind a device can do, see barlease_device_features(). */
#define BARLEASE_CAN_EXPORT (1u << 0)		/* barlease_lease_export() */
#define BARLEASE_CAN_REVOKE (1u << 1)		/* ... and mmap() and revoke it */
#define BARLEASE_CAN_MEMATTR (1u << 2)		/* memory attributes */

/**
 * barlease_device_features() - what the driver behind the device can do
 * @dev: device
 *
 * Asks the driver (VFIO_DEVICE_FEATURE_PROBE), not for its name.
 *
 * Return: a mask of BARLEASE_CAN_*.
 */
unsigned int barlease_device_features(const struct barlease_device *dev);

/**
 * barlease_device_reset() - reset the function
 * @dev: device
 *
 * Leases survive: their mappings are zapped and come back on the next access.
 *
 * Return: 0; -ENOTTY when the function cannot be reset; or what
 * VFIO_DEVICE_RESET answers.
 */
int barlease_device_reset(struct barlease_device *dev);

/**
 * barlease_device_set_memory() - switch the function's memory decode
 * @dev: device
 * @on: whether the BARs shall answer (PCI_COMMAND_MEMORY, PCI Local Bus 3.0,
 *	section 6.2.2)
 *
 * Return: 0, or -EIO when configuration space cannot be read or written.
 */
int barlease_device_set_memory(struct barlease_device *dev, bool on);

/* ------------------------------------------------------------------------
 * Lessor: regions
 * ------------------------------------------------------------------------
 */

/* A VFIO region; regions 0 to 5 are the BARs, 7 is configuration space. */
struct barlease_region {
	uint64_t size;		/* bytes; 0: there is no such region */
	uint64_t offset;	/* of the region in the VFIO device fd */
	bool readable;
	bool writable;
	bool mappable;		/* only what can be mapped can be lent */
};

/**
 * barlease_region_get() - facts about a region
 * @dev: device
 * @index: region index
 * @region: where to put the facts
 *
 * Return: 0, or -EINVAL when there is no such index.
 */
int barlease_region_get(struct barlease_device *dev, unsigned int index,
			struct barlease_region *region);

/**
 * barlease_region_read() - read from a region through the device fd
 * @dev: device
 * @index: region index
 * @buf: where to put the bytes
 * @length: how many bytes
 * @offset: from where in the region, in bytes
 *
 * Return: 0 when all bytes were read; -EINVAL when there is no such region or
 * the range is not within it; -EIO when the device answered short; or what
 * pread() answers.
 */
int barlease_region_read(struct barlease_device *dev, unsigned int index,
			 void *buf, size_t length, uint64_t offset);

/**
 * barlease_region_write() - write to a region through the device fd
 *
 * Arguments and return values mirror barlease_region_read().
 */
int barlease_region_write(struct barlease_device *dev, unsigned int index,
			  const void *buf, size_t length, uint64_t offset);

/* ------------------------------------------------------------------------
 * Mappings
 * ------------------------------------------------------------------------
 */

struct barlease_map {
	void *address;
	size_t length;
};

/**
 * barlease_region_map() - map a piece of a BAR into the lessor itself
 * @dev: device
 * @index: BAR, 0 to 5
 * @offset: into the BAR, a multiple of the page size
 * @length: bytes, a multiple of the page size, not 0
 * @prot: PROT_READ, PROT_WRITE or both
 * @map: where to put the mapping, for barlease_map_end()
 *
 * Aligned as barlease_lease_map() does.
 *
 * Return: 0, or -EINVAL for a range or region that cannot be mapped, -ENOMEM.
 */
int barlease_region_map(struct barlease_device *dev, unsigned int index,
			uint64_t offset, size_t length, int prot,
			struct barlease_map *map);

/**
 * barlease_lease_map() - map a lease
 * @fd: fd of a lease; stays the caller's, and may be closed afterwards: the
 *	mapping lives on
 * @offset: into the lease, a multiple of the page size
 * @length: bytes, a multiple of the page size, not 0
 * @prot: PROT_READ, PROT_WRITE or both
 * @bar_offset: offset of the lease's first byte in its BAR; the address is
 *	chosen so that it agrees with it modulo 1 GiB or 2 MiB, which lets the
 *	kernel map huge pages. 0 is always allowed and may cost speed only.
 * @map: where to put the mapping, for barlease_map_end()
 *
 * Return: 0, or
 * -EBADF: @fd is not open;
 * -EINVAL: a value is not a multiple of the page size, @length is 0, the
 *  range goes past the end of the lease, or @fd cannot be mapped;
 * -EACCES: PROT_WRITE on a read-only lease;
 * -ENODEV: the lease is revoked, or the device's memory decode is off;
 * -ENOMEM.
 */
int barlease_lease_map(int fd, uint64_t offset, size_t length, int prot,
		       uint64_t bar_offset, struct barlease_map *map);

/**
 * barlease_map_end() - unmap
 * @map: mapping; cleared, so that ending it twice is harmless
 */
void barlease_map_end(struct barlease_map *map);

/* ------------------------------------------------------------------------
 * Lessor: leases
 * ------------------------------------------------------------------------
 */

/* A range of a BAR, in bytes; both multiples of the page size. */
struct barlease_range {
	uint64_t offset;
	uint64_t length;
};

enum barlease_access {
	BARLEASE_READ_WRITE = 0,
	BARLEASE_READ_ONLY = 1,
};

/**
 * barlease_lease_export() - lend ranges of a BAR
 * @dev: device
 * @bar: BAR, 0 to 5
 * @ranges: @count ranges; they appear in the lease one after the other
 * @count: 1 to BARLEASE_MAX_RANGES (linux/barlease.h)
 * @access: what the lease allows; a read-only one can never be made writable
 *
 * Return: a new close-on-exec fd, which is the caller's, or -errno as
 * VFIO_DEVICE_FEATURE_DMA_BUF in linux/barlease.h; -EOPNOTSUPP when the driver
 * cannot export.
 */
int barlease_lease_export(struct barlease_device *dev, unsigned int bar,
			  const struct barlease_range *ranges,
			  unsigned int count, enum barlease_access access);

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
 * barlease_lease_size() - size of a lease
 * @fd: fd of a lease
 * @size: where to put the size in bytes
 *
 * Return: 0, -EBADF, or -EINVAL when @fd has no size.
 */
int barlease_lease_size(int fd, uint64_t *size);

/* ------------------------------------------------------------------------
 * Slices: what is lent, in words, and how a child process learns of it
 * ------------------------------------------------------------------------
 */

/* One range of one BAR of one function. */
struct barlease_slice {
	char bdf[BARLEASE_BDF_MAX];
	unsigned int bar;
	struct barlease_range range;	/* length 0 when parsed: all of the BAR */
	enum barlease_access access;
};

/**
 * barlease_slice_parse() - read "BDF:BAR[OFFSET+LENGTH][,ro|,rw]"
 * @text: for example "0000:00:04.0:2[0x200000+2M],ro"; numbers are decimal or
 *	0x hexadecimal with an optional K, M, G or T (powers of 1024); without
 *	"[OFFSET+LENGTH]" the slice is the whole BAR, and its length reads 0
 * @slice: where to put it
 * @reason: where to put a pointer to a constant sentence that says what is
 *	wrong, or NULL
 *
 * Return: 0, -EINVAL for a text that is no slice, or -ERANGE for a number
 * that does not fit.
 */
int barlease_slice_parse(const char *text, struct barlease_slice *slice,
			 const char **reason);

/**
 * barlease_slice_format() - write a slice as barlease_slice_parse() reads it
 * @slice: slice
 * @buf: where to put the text
 * @size: size of @buf; 96 bytes hold any slice
 *
 * Return: the length without the terminating 0, or -ENOSPC.
 */
int barlease_slice_format(const struct barlease_slice *slice, char *buf,
			  size_t size);

/*
 * A process that is started with a lease finds it as systemd's services find
 * their sockets (sd_listen_fds(3)): fds from 3 on, LISTEN_FDS, LISTEN_PID and
 * LISTEN_FDNAMES; and for each of them the slice in BARLEASE_<n>, n counting
 * from 0, as "FD SLICE", for example "3 0000:00:04.0:2[0x200000+0x200000],rw".
 */

/**
 * barlease_lease_inherit() - the lease that this process was started with
 * @index: which one, counting from 0
 * @slice: where to put what it is, or NULL
 *
 * Reads BARLEASE_<index> only: a shell between the lessor and this process
 * does no harm.
 *
 * Return: the fd, which is the process's own and is left as it is; -ENOENT
 * when there is no such variable, -EINVAL when it cannot be read, -EBADF when
 * its fd is not open.
 */
int barlease_lease_inherit(unsigned int index, struct barlease_slice *slice);

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_H */
