// SPDX-License-Identifier: MIT
#include <linux/vfio.h>

#include "config.h"
#include "harness.h"

uint16_t config_read16(struct barlease_device *dev, unsigned int offset)
{
	uint16_t value;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX,
				       &value, sizeof(value), offset));
	return value;
}

void config_write16(struct barlease_device *dev, unsigned int offset,
		    uint16_t value)
{
	ASSERT_OK(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					&value, sizeof(value), offset));
}

void config_write8(struct barlease_device *dev, unsigned int offset,
		   uint8_t value)
{
	ASSERT_OK(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					&value, sizeof(value), offset));
}

unsigned int config_capability(struct barlease_device *dev, uint8_t id)
{
	unsigned int position, i;

	position = config_read16(dev, PCI_CAPABILITY_LIST) & 0xfc;
	for (i = 0; i < 48 && position; i++) {
		uint16_t header = config_read16(dev, position);

		if ((header & 0xff) == id)
			return position;
		position = header >> 8 & 0xfc;
	}
	test_skip("%s has no capability %#x", barlease_device_bdf(dev), id);
}
