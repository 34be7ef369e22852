/* SPDX-License-Identifier: MIT */
/*
 * Two functions of one IOMMU group and one reset set, both open. The library
 * opens one function per group, so this goes to VFIO directly.
 */
#ifndef KERNEL_TESTS_PAIR_H
#define KERNEL_TESTS_PAIR_H

#include <stdint.h>


struct pair {
	int container;
	int group;
	int device[2];
};

/* Opens both and switches their memory on; skips the test without them. */
void pair_open(struct pair *pair);
void pair_close(struct pair *pair);

/* One range of BAR 0 of one of them, as a new fd. */
int pair_export(struct pair *pair, int which, uint64_t offset,
		uint64_t length);

/* Hot reset of the set, asked of one of them: 0 or -errno. */
int pair_hot_reset(struct pair *pair, int which);

#endif /* KERNEL_TESTS_PAIR_H */
