/* SPDX-License-Identifier: MIT */
/*
 * Two functions of one IOMMU group and one reset set, both open. The library
 * opens one function per group, so this goes to VFIO directly.
 */
#ifndef KERNEL_TESTS_PAIR_H
#define KERNEL_TESTS_PAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pair {
	int iommu;	/* a container or an iommufd */
	int group;	/* -1: opened by device file */
	int device[2];
};

/* Opens both and switches their memory on; skips the test without them. */
void pair_open(struct pair *pair);
void pair_open_by_iommufd(struct pair *pair);

/* The same, but the second one is opened by another user. */
void pair_open_by_two_users(struct pair *pair, uid_t second);
void pair_close(struct pair *pair);

/* One range of BAR 0 of one of them, as a new fd. */
int pair_export(struct pair *pair, int which, uint64_t offset,
		uint64_t length);

/* Hot reset of the set, asked of one of them: 0 or -errno. */
int pair_hot_reset(struct pair *pair, int which);

/* The same with @groups fds of the group, whatever the way: 0 or -errno. */
int pair_hot_reset_with(struct pair *pair, int which, unsigned int groups,
			int group);

/* How many functions the set has. VFIO takes the lock of the set for it. */
unsigned int pair_count_set(struct pair *pair, int which);

#endif /* KERNEL_TESTS_PAIR_H */
