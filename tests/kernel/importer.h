/* SPDX-License-Identifier: MIT */
/*
 * A lease imported by another device, "PEER", through the module of
 * tests/kernel/modules. All of these fail the test on an error, unless they
 * give one.
 */
#ifndef KERNEL_TESTS_IMPORTER_H
#define KERNEL_TESTS_IMPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "modules/include/barlease-importer.h"

#define PEER "BARLEASE_PEER"
#define PEER_DRIVER "barlease-edu"
#define IMPORTER "/dev/barlease-importer"

#define ALLOW_PEERS "/sys/module/barlease_vfio_pci/parameters/allow_peers"

/*
 * Without an attachment, and with importers allowed; skips the test where there
 * is no such module.
 */
int importer_open(void);

/* Can this kernel import a lease at all? The second skips the test if not. */
bool importer_has_peers(void);
void importer_needs_peers(void);

/* Each 0 or -errno. */
int importer_attach(int importer, int fd, uint32_t flags, int unmap_after);
int importer_map(int importer, struct importer_map *map);
int importer_unmap(int importer);
int importer_detach(int importer);

/* Ready to transfer: open, attached and mapped. */
int importer_start(int fd, int unmap_after);

void importer_unstick(int importer);

uint32_t importer_notified(int importer);
bool importer_mapped(int importer);

/* One word by DMA: 0 or -errno. */
int importer_read(int importer, uint64_t offset, uint32_t *value);
int importer_write(int importer, uint64_t offset, uint32_t value);

/* A write with addresses that may be gone; see IMPORTER_LAUNCH. */
void importer_launch(int importer, uint64_t offset, uint32_t value);
void importer_land(int importer);

#define ASSERT_DMA_READS(importer, offset, expected)                           \
	do {                                                                   \
		uint32_t found_ = 0;                                           \
		ASSERT_OK(importer_read(importer, offset, &found_));           \
		ASSERT_EQ(found_, (uint32_t)(expected));                       \
	} while (0)

#endif /* KERNEL_TESTS_IMPORTER_H */
