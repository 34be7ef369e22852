// SPDX-License-Identifier: MIT
/* Where the function has its MSI-X table: PCI Local Bus 3.0, section 6.8.2. */
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "vfio/vfio.h"

/* The list has room for no more capabilities of 4 bytes: else it is a ring. */
#define CAPABILITIES_MAX ((256 - 64) / 4)

static int read16(struct barlease_device *dev, unsigned int offset,
		  uint16_t *value)
{
	int err = barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, value,
				       sizeof(*value), offset);

	*value = le16toh(*value);
	return err ? -EIO : 0;
}

static int read32(struct barlease_device *dev, unsigned int offset,
		  uint32_t *value)
{
	int err = barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, value,
				       sizeof(*value), offset);

	*value = le32toh(*value);
	return err ? -EIO : 0;
}

/* Find a capability: its offset, 0 where there is none, or -EIO. */
static int capability_find(struct barlease_device *dev, uint8_t wanted)
{
	uint16_t status, header;
	unsigned int at;
	int err;

	err = read16(dev, PCI_STATUS, &status);
	if (err || !(status & PCI_STATUS_CAP_LIST))
		return err;
	err = read16(dev, PCI_CAPABILITY_LIST, &header);
	if (err)
		return err;
	/* The low byte here; in a capability the next one is in the high. */
	at = header & 0xfc;
	for (int i = 0; at && i < CAPABILITIES_MAX; i++) {
		err = read16(dev, at, &header);
		if (err)
			return err;
		if ((header & 0xff) == wanted)
			return (int)at;
		at = header >> 8 & 0xfc;
	}
	return 0;
}

int barlease_vfio_msix(struct barlease_device *dev, struct barlease_msix *msix)
{
	uint32_t table, pba;
	unsigned int vectors;
	uint16_t control;
	int at, err;

	at = capability_find(dev, PCI_CAP_ID_MSIX);
	if (at < 0)
		return at;
	if (!at)
		return -ENOENT;
	err = read16(dev, (unsigned int)at + PCI_MSIX_FLAGS, &control);
	if (!err)
		err = read32(dev, (unsigned int)at + PCI_MSIX_TABLE, &table);
	if (!err)
		err = read32(dev, (unsigned int)at + PCI_MSIX_PBA, &pba);
	if (err)
		return err;

	vectors = (control & PCI_MSIX_FLAGS_QSIZE) + 1u;
	msix->vectors = vectors;
	msix->table_bar = table & PCI_MSIX_TABLE_BIR;
	msix->table.offset = table & PCI_MSIX_TABLE_OFFSET;
	msix->table.length = vectors * (uint64_t)PCI_MSIX_ENTRY_SIZE;
	msix->pba_bar = pba & PCI_MSIX_PBA_BIR;
	msix->pba.offset = pba & PCI_MSIX_PBA_OFFSET;
	/* A bit for each vector, in words of 64. */
	msix->pba.length = (vectors + 63) / 64 * 8;
	return 0;
}
