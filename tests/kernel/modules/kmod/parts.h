/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of barlease-test. */
#ifndef BARLEASE_TEST_PARTS_H
#define BARLEASE_TEST_PARTS_H

#include <linux/types.h>

struct dentry;
struct device;

/* af.c: a capability that no emulated device has. */
void af_init(struct dentry *directory);
void af_exit(void);

/* entry.c: page table entries. */
void entry_init(struct dentry *directory);

/* override.c: functions that fail. */
void override_init(struct dentry *directory);
void override_return(void);	/* does nothing but that */

/* importer.c: a DMABUF imported by hand. */
int importer_init(void);
void importer_exit(void);

/* edu.c: a device with a DMA engine. */
int edu_init(void);
void edu_exit(void);

/* The device, referenced, or NULL; until edu_put() it is not unbound. */
struct device *edu_get(void);
void edu_put(void);

/* Within a page each. Between get and put. */
int edu_read_from(dma_addr_t from, void *to, size_t length);
int edu_write_to(dma_addr_t to, const void *from, size_t length);

/* A write that arrives some 100 ms later, and the wait until it has. */
int edu_launch(dma_addr_t to, const void *from, size_t length);
int edu_land(void);

#endif /* BARLEASE_TEST_PARTS_H */
