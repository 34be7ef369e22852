/* SPDX-License-Identifier: MIT */
/* Everything that a device fd can be asked for, one kind in each. */
#ifndef KERNEL_TESTS_PARITY_H
#define KERNEL_TESTS_PARITY_H

#include "device.h"
#include "transcript.h"

void parity_info(struct barlease_device *dev, struct transcript *transcript);
void parity_config(struct barlease_device *dev, struct transcript *transcript);
void parity_regions(struct barlease_device *dev,
		    struct transcript *transcript);
void parity_mmap(struct barlease_device *dev, struct transcript *transcript);
void parity_ioeventfd(struct barlease_device *dev,
		      struct transcript *transcript);
void parity_irqs(struct barlease_device *dev, struct transcript *transcript);
void parity_features(struct barlease_device *dev,
		     struct transcript *transcript);
void parity_ioctls(struct barlease_device *dev, struct transcript *transcript);

/* Size of a region, 0 where there is none. */
uint64_t parity_region_size(struct barlease_device *dev, unsigned int index);

/* One above the last region that is asked for: none of these has it. */
#define PARITY_REGIONS (VFIO_PCI_NUM_REGIONS + 1)

#endif /* KERNEL_TESTS_PARITY_H */
