/* SPDX-License-Identifier: MIT */
/* For lessors: a PCI function that is owned through VFIO, and its regions. */
#ifndef BARLEASE_PUBLIC_DEVICE_H
#define BARLEASE_PUBLIC_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Length of "dddd:bb:ss.f" with its terminating 0 (domains are 16 to 32 bit). */
#define BARLEASE_BDF_MAX 20

/* Number of BARs of a PCI function (PCI Local Bus 3.0, section 6.1). */
#define BARLEASE_BARS 6

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
 * if that can be, and else the second. The last two are no ways to open it: see
 * barlease_device_adopt() and barlease_device_open_sim().
 */
enum barlease_way {
	BARLEASE_ANY_WAY = 0,
	BARLEASE_BY_IOMMUFD = 1,
	BARLEASE_BY_GROUP = 2,
	BARLEASE_ADOPTED = 3,
	BARLEASE_SIMULATED = 4,
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
 * barlease_device_adopt() - lend pieces of a function that one has open already
 * @fd: VFIO device fd of the caller's own driver; stays the caller's, who
 *	closes it after barlease_device_close()
 * @bdf: PCI address of the function, see barlease_bdf_parse()
 * @dev: where to put the device, which barlease_device_close() ends
 *
 * Return: 0, -EINVAL when @bdf is no PCI address or @fd is no VFIO fd of a PCI
 * function, -EBADF when it is not open, -ENOMEM.
 */
int barlease_device_adopt(int fd, const char *bdf,
			  struct barlease_device **dev);

/* What a device consists of, as a later process needs it. */
struct barlease_part {
	char name[24]; /* printable, without blanks and colons */
	int fd;
};

#define BARLEASE_PARTS_MAX 6

/**
 * barlease_device_parts() - the fds that have a device be open
 * @dev: device
 * @parts: where to put them, BARLEASE_PARTS_MAX of them; the fds stay @dev's
 *
 * As long as somebody has a copy of each - the fd store of systemd, say -, the
 * device stays open and its leases live, even if this process dies. What is in
 * the memory of this process is not there: how interrupts are wired, say.
 *
 * Return: how many; -EOPNOTSUPP when it was adopted, or is simulated with MSI-X.
 */
int barlease_device_parts(const struct barlease_device *dev,
			  struct barlease_part *parts);

/**
 * barlease_device_resume() - have a device that another process has opened
 * @name: PCI address, see barlease_bdf_parse(), or name of a simulated one
 * @parts: as of barlease_device_parts(), in any order; the fds are the device's
 *	on success, and else stay the caller's
 * @count: how many
 * @dev: where to put the device, which barlease_device_close() ends
 *
 * Only one process at a time may have it: who has died does not.
 *
 * Return: 0; -EINVAL when @name is none, or these are not the parts of a device;
 * -EBADF when one of them is not open; -ENOMEM; -ENAMETOOLONG.
 */
int barlease_device_resume(const char *name, const struct barlease_part *parts,
			   unsigned int count, struct barlease_device **dev);

/**
 * barlease_device_close() - give the function up
 * @dev: device, or NULL
 *
 * Every lease of it is dead when this returns (unless a copy of the fd of
 * barlease_device_fd() is still open somewhere). Those of an adopted device
 * live until its fd is closed.
 */
void barlease_device_close(struct barlease_device *dev);

/**
 * barlease_device_watch() - hear of it when the kernel wants the function back
 * @dev: device
 *
 * Somebody who unbinds the function from its driver, or plugs it out, waits in
 * the kernel until it is closed. The fd becomes readable then, and again every
 * ten seconds (VFIO_PCI_REQ_IRQ_INDEX of linux/vfio.h): end what there is of
 * leases - barlease_server_device_lost() does, and tells lessees why - and call
 * barlease_device_close(). Leases of a function that is unbound work until
 * then; of one that was plugged out without notice they are gone.
 *
 * The fd is an eventfd(2) to poll() and, where one goes on, to read() 8 bytes
 * from, which does not block. There is one for each device: a later call returns
 * the same. The kernel knows one, too: it takes the place of the one that the
 * owner of an adopted device may have set, or another process before, see
 * barlease_device_resume().
 *
 * Return: the fd, which stays @dev's; -EOPNOTSUPP where the device is simulated;
 * -EMFILE, -ENFILE, -ENOMEM; or what VFIO_DEVICE_SET_IRQS answers.
 */
int barlease_device_watch(struct barlease_device *dev);

/**
 * barlease_device_fd() - the VFIO device fd, for ioctls of one's own
 * @dev: device
 *
 * Return: the fd, which stays @dev's; -1 where the device is simulated.
 */
int barlease_device_fd(const struct barlease_device *dev);

/**
 * barlease_device_way() - in which way the device was opened
 * @dev: device
 *
 * Return: BARLEASE_BY_IOMMUFD, BARLEASE_BY_GROUP, BARLEASE_ADOPTED or
 * BARLEASE_SIMULATED.
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
 * Return: the iommufd or the type1 container, which stays @dev's; -1 where the
 * device was adopted or is simulated.
 */
int barlease_device_iommu_fd(const struct barlease_device *dev);

/**
 * barlease_device_ioas() - the I/O address space that the device is attached to
 * @dev: device
 *
 * Return: its id in the iommufd, or 0 when the device was not opened by iommufd.
 */
uint32_t barlease_device_ioas(const struct barlease_device *dev);

/**
 * barlease_device_bdf() - canonical PCI address of the device
 * @dev: device; if it is simulated, it has its name here
 *
 * Return: a string that lives as long as @dev.
 */
const char *barlease_device_bdf(const struct barlease_device *dev);

/* What the driver behind a device can do, see barlease_device_features(). */
#define BARLEASE_CAN_EXPORT (1u << 0) /* barlease_lease_export() */
#define BARLEASE_CAN_REVOKE (1u << 1) /* ... and mmap() and revoke it */
#define BARLEASE_CAN_MEMATTR (1u << 2) /* memory attributes */

/**
 * barlease_device_features() - what the driver behind the device can do
 * @dev: device
 *
 * Asks the driver (VFIO_DEVICE_FEATURE_PROBE), not for its name.
 *
 * Return: a mask of BARLEASE_CAN_*.
 */
unsigned int barlease_device_features(const struct barlease_device *dev);

/* What serves a device, see barlease_device_probe(). */
enum barlease_service {
	BARLEASE_BY_DRIVER = 1, /* this project's driver */
	BARLEASE_BY_KERNEL = 2, /* a vfio-pci that lends and revokes itself */
	BARLEASE_BY_SIMULATION = 3, /* see barlease/sim.h */
};

/**
 * barlease_device_probe() - what serves the device
 * @dev: device
 *
 * By what the driver can do, as barlease_device_features(). The kernel's own
 * vfio-pci does not tell of leases (barlease_lease_info() is -EOPNOTSUPP), and
 * may have no write-combining.
 *
 * Return: an enum barlease_service, or -EOPNOTSUPP when the driver cannot both
 * lend and revoke.
 */
int barlease_device_probe(const struct barlease_device *dev);

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
 * Return: 0; -EIO when configuration space cannot be read or written; or
 * -EOPNOTSUPP for off where the device is simulated.
 */
int barlease_device_set_memory(struct barlease_device *dev, bool on);

/* A VFIO region; regions 0 to 5 are the BARs, 7 is configuration space. */
struct barlease_region {
	uint64_t size; /* bytes; 0: there is no such region */
	uint64_t offset; /* of the region in the VFIO device fd */
	bool readable;
	bool writable;
	bool mappable; /* only what can be mapped can be lent */
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

/* A range of a BAR, in bytes; what is lent is a multiple of the page size. */
struct barlease_range {
	uint64_t offset;
	uint64_t length;
};

/* Where a function has its MSI-X table and the pending bits of its vectors. */
struct barlease_msix {
	unsigned int vectors;
	unsigned int table_bar;
	unsigned int pba_bar;
	struct barlease_range table;
	struct barlease_range pba;
};

/**
 * barlease_device_msix() - where the function has its MSI-X table
 * @dev: device
 * @msix: where to put it
 *
 * Return: 0, -ENOENT when the function has no MSI-X, or -EIO when configuration
 * space cannot be read.
 */
int barlease_device_msix(struct barlease_device *dev,
			 struct barlease_msix *msix);

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_PUBLIC_DEVICE_H */
