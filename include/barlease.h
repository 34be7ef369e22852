/* SPDX-License-Identifier: MIT */
/*
 * libbarlease: lend a piece of a PCI BAR to another process, and take it back.
 *
 * The lessor owns a PCI function through VFIO: it opens the device, exports
 * ranges of a BAR as a lease (a DMABUF fd), passes that fd to one process, and
 * revokes it. The lessee maps the fd and does nothing else with the device.
 *
 * Functions return 0 or a useful value on success and -errno on failure. None
 * of them exits the process, installs a signal handler or keeps global state,
 * but for barlease/guarded.h, whose purpose that is. Until version 1.0 structures
 * may grow from one version to the next, and the soname with them.
 * A struct barlease_device may be used from several threads, except that
 * barlease_device_close() must be the last call on it.
 *
 * An access to a mapped lease that has been revoked, or whose device is away
 * for the moment, raises SIGBUS in the process that makes it.
 */
#ifndef BARLEASE_H
#define BARLEASE_H

#include <barlease/device.h>
#include <barlease/lease.h>
#include <barlease/lessee.h>
#include <barlease/map.h>
#include <barlease/sim.h>
#include <barlease/slice.h>

#endif /* BARLEASE_H */
