/* SPDX-License-Identifier: MIT */
/*
 * The function with SR-IOV and its VFs. It is an nvme whose VFs are offline
 * until somebody configures them through its admin queue, which nobody does
 * here. Such a VF answers at two places of its BAR: the status register has
 * the bit for "fatal", and the MSI-X table is memory, cleared by a reset.
 */
#ifndef KERNEL_TESTS_SRIOV_H
#define KERNEL_TESTS_SRIOV_H

#include "device.h"

#define SRIOV_VFS 2
#define SRIOV_BAR_PAGES 4

/* In BAR 0 of the PF and of each VF. */
#define SRIOV_STATUS 0x1c
#define SRIOV_STATUS_OFFLINE 2	/* CFS (NVM Express Base, section 3.1.4.6) */
#define SRIOV_TABLE 0x2000	/* the MSI-X table: entries of 16 bytes */

/* UUIDs for VF tokens. */
#define TOKEN "14e46a3d-8d1c-4b23-9c61-2f3a5d7cba9e"
#define OTHER_TOKEN "5b1a2f0c-3e77-4f6e-8a90-1d2c3b4a5968"

/* Write "Y" or "N" to the parameter enable_sriov of a module. */
void sriov_permit(const char *module, const char *value);

/* Write to the PF's sriov_numvfs: 0 or -errno. */
int sriov_set_vfs(const char *text);

/*
 * Make the VFs; skips the test without the PF. Return the PF's BDF. Until
 * sriov_stop() the PF cannot be reset: VFIO does that each time it is opened
 * or closed, and in QEMU 7.2 the VFs are gone after it.
 */
const char *sriov_start(void);
void sriov_stop(void);

/* Whether the PF has resets: they are looked for when it is opened. */
void sriov_allow_reset(bool allow);

/* Put VFs back that QEMU has lost with a reset of the PF. */
void sriov_revive(void);

/* The BDF of a VF that is there. */
const char *sriov_vf(unsigned int index);

/* Open with the token (or NULL) and, for the PF, memory on. */
struct barlease_device *sriov_open(const char *bdf, const char *token);

#endif /* KERNEL_TESTS_SRIOV_H */
