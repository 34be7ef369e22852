/* SPDX-License-Identifier: MIT */
/* The configuration space that VFIO shows of a device. All fail the test. */
#ifndef KERNEL_TESTS_CONFIG_H
#define KERNEL_TESTS_CONFIG_H

#include <barlease.h>
#include <linux/pci_regs.h>
#include <stdint.h>

uint16_t config_read16(struct barlease_device *dev, unsigned int offset);
void config_write16(struct barlease_device *dev, unsigned int offset,
		    uint16_t value);
void config_write8(struct barlease_device *dev, unsigned int offset,
		   uint8_t value);

/* Where this capability is; skips the test where it is not. */
unsigned int config_capability(struct barlease_device *dev, uint8_t id);

#endif /* KERNEL_TESTS_CONFIG_H */
