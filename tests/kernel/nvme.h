/* SPDX-License-Identifier: MIT */
/* The registers of an NVMe controller, in BAR 0 (NVMe base specification). */
#ifndef KERNEL_TESTS_NVME_H
#define KERNEL_TESTS_NVME_H

#include "crowd.h"
#include "device.h"

#define NVME_CC 0x14		/* configuration */
#define NVME_CSTS 0x1c		/* status; bit 0: ready */
#define NVME_AQA 0x24		/* sizes of the admin queues */
#define NVME_ASQ 0x28		/* address of the submission queue */
#define NVME_ACQ 0x30		/* ... and of the completion queue */

#define NVME_PAGES 2

#define nvme_register(map, offset) (&(map)[(offset) / sizeof(uint32_t)])

/* While the controller is off it keeps what is put into AQA. */
#define NVME_PLACE                                                             \
	((struct crowd_place){                                                 \
		.bar = 0,                                                      \
		.length = NVME_PAGES * PAGE,                                   \
		.word = NVME_AQA,                                              \
	})

/*
 * Make the controller ready, through a mapping of a lease: a reset ends that.
 * Nothing is ever put into its queues, so it never looks at them.
 */
void nvme_enable(uint32_t *map);

#endif /* KERNEL_TESTS_NVME_H */
