/* SPDX-License-Identifier: MIT */
/*
 * For lessors and their tests: a device that is not there. Every call that
 * takes a device or a lease takes a simulated one; the code of lessors and
 * lessees can be tried on any machine, without VFIO and without privileges.
 *
 * A lease is a file in memory (a memfd) of its own. Revoking it copies what
 * its lessees wrote back to the BAR and cuts the file off, so that an access to
 * any mapping of it, in whatever process, is SIGBUS. What differs from leases
 * of real devices:
 *
 * - Memory is all that there is: nothing reacts to what is written, and
 *   configuration space is not there (a region of 0 bytes).
 * - Leases do not see each other's writes. barlease_region_read() tells what the
 *   newest readable and writable lease of a range has in it, which a new lease
 *   begins with, too; barlease_region_write() reaches the BAR and all leases.
 *   Of several leases of a range that were written to, the last that ends wins.
 *   A range that is twice in a lease is two.
 * - barlease_region_map() and barlease_device_set_memory() to off are
 *   -EOPNOTSUPP. A reset makes the BARs and all live leases zeros.
 * - A lease holds an fd in the lessor and its memory until it is revoked or its
 *   device is closed, even when nobody has it any more. A lessor that ends
 *   without closing the device leaves its leases as they are.
 * - A lessee that has it readable and writable can cut the file off itself: the
 *   rest reads as zeros then, and takes no writes.
 * - A read-only lease cannot be mapped or opened writable by a lessee of
 *   another user. One of the same user could open it anew, and change its own
 *   copy; the BAR stays what it was.
 * - Of what has ended, mmap() succeeds and the access is SIGBUS;
 *   barlease_lease_map() is -ENODEV as with every lease. mmap() with MAP_PRIVATE
 *   succeeds. barlease_lease_size() is 0 once it has ended.
 * - barlease_lease_info() counts neither mappings nor importers, and of leases
 *   that were revoked it knows the last 64 (-ENODEV for others). No state but
 *   live and revoked is told. Numbers of leases count from 1 in each device.
 * - Attributes are remembered, and make no difference. A name is what the file
 *   is called in /proc/<pid>/maps and stays that.
 * - barlease_lease_revoke() can be -ENOMEM or -ENOSPC: it is revoked all the
 *   same, but not all that lessees wrote came back.
 */
#ifndef BARLEASE_SIM_H
#define BARLEASE_SIM_H

#include <stdint.h>

#include <barlease/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a simulated device is like. */
struct barlease_sim_terms {
	/* Told where others have a PCI address, for example "sim:accel":
	 * printable characters without blanks, shorter than BARLEASE_BDF_MAX.
	 * A slice (barlease/slice.h) can be read only of a PCI address.
	 */
	const char *name;
	uint64_t bar_size[BARLEASE_BARS]; /* bytes; 0: there is no such BAR */
	/* Where the MSI-X table lies; its lengths are not looked at but follow
	 * from the vectors. No vectors: there is none.
	 */
	struct barlease_msix msix;
};

/**
 * barlease_device_open_sim() - have a device that is simulated
 * @terms: what it is like; not needed after the call
 * @dev: where to put the device
 *
 * Its BARs are zeros. They are an fd each, and take memory where something
 * other was written.
 *
 * Return: 0 and a device that barlease_device_close() ends, or
 * -EINVAL: @terms has no name that can be, a BAR that is longer than a file can
 *  be, or an MSI-X table of more than 2048 vectors or outside of its BAR;
 * -ENAMETOOLONG: of the name;
 * -ENOMEM, -EMFILE, -ENFILE.
 */
int barlease_device_open_sim(const struct barlease_sim_terms *terms,
			     struct barlease_device **dev);

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_SIM_H */
