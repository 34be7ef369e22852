/* SPDX-License-Identifier: MIT */
/*
 * A device without a device. A BAR is a file in memory that nobody else has; a
 * lease is one of its own, with a copy of its ranges, and what its lessees
 * wrote is copied back when it ends. Nothing here maps a lease: a lessee that
 * makes its file shorter would have the lessor killed by SIGBUS.
 */
#ifndef BARLEASE_SIM_SIM_H
#define BARLEASE_SIM_SIM_H

#include <sys/types.h>

#include "base/list.h"
#include "base/table.h"
#include "device/device.h"

/* How many leases that have ended barlease_lease_info() still knows. */
#define SIM_ENDED_MAX 64

/* The file of a lease, as any fd of it tells. */
struct sim_file {
	dev_t device;
	ino_t inode;
	uint64_t size;
};

struct sim_place; /* index.c */

struct sim_lease {
	struct list link; /* of the device's "live" or "ended" */
	struct table_node by_file; /* while it is live */
	struct sim_place *places; /* while it is live, if it is writable */
	int fd; /* an open file of its own; -1: the lease has ended */
	struct sim_file file;
	struct barlease_info info;
	struct barlease_range ranges[]; /* info.ranges of them */
};

/* One of the ranges of a lease; none: @lease is NULL. */
struct sim_range {
	const struct sim_lease *lease;
	unsigned int range;
};

/* Powers of 2 that lengths of ranges may have. */
#define SIM_ORDERS 64

struct sim_index {
	struct table squares;
	size_t counts[BARLEASE_BARS][SIM_ORDERS]; /* of squares */
};

struct sim {
	struct barlease_device device;
	/* What follows never changes. */
	uint64_t bar_size[BARLEASE_BARS];
	struct barlease_msix msix; /* vectors 0: none */
	int bars[BARLEASE_BARS]; /* files; -1: no such BAR */
	/* Protects what follows, and the content of all files. */
	pthread_mutex_t lock;
	uint64_t last_id;
	struct table files; /* of live leases */
	struct sim_index index; /* of live leases that are writable */
	struct list live;
	struct list ended; /* the last that ended first */
	unsigned int ended_count;
};

static inline struct sim *sim_of(const struct barlease_device *dev)
{
	/* The device is its first member. */
	return (struct sim *)(uintptr_t)dev;
}

/* device.c: with these files as BARs, which are its own then; NULL: new ones */
int sim_open_with(const struct barlease_sim_terms *terms, const int *bars,
		  struct barlease_device **dev);

/* resume.c */
int sim_parts(const struct barlease_device *dev, struct barlease_part *parts);
int sim_resume(const char *name, const struct barlease_part *parts,
	       unsigned int count, struct barlease_device **dev);
int sim_lease_resume(struct barlease_device *dev, int fd, unsigned int bar,
		     const struct barlease_range *range,
		     const struct barlease_terms *terms);

/* file.c */

/**
 * sim_file_create() - a file in memory
 * @name: shown in /proc/<pid>/maps, up to 249 bytes
 * @size: bytes
 *
 * Return: a close-on-exec fd, which is the caller's, or -errno.
 */
int sim_file_create(const char *name, uint64_t size);

/**
 * sim_file_copy() - copy from one file to another
 *
 * What @from does not have (any more) are zeros. On failure part of it may be
 * copied.
 *
 * Return: 0 or -errno.
 */
int sim_file_copy(int from, uint64_t from_offset, int to, uint64_t to_offset,
		  uint64_t length);

/* Make a file's bytes zeros. Return: 0 or -errno. */
int sim_file_zero(int fd, uint64_t offset, uint64_t length);

/* Read; what the file does not have are zeros. Return: 0 or -errno. */
int sim_file_read(int fd, void *buf, size_t length, uint64_t offset);

/* Write; what the file does not have is lost. Return: 0 or -errno. */
int sim_file_write(int fd, const void *buf, size_t length, uint64_t offset);

/* lease_file.c */

/**
 * sim_lease_file_create() - the file of a lease
 * @name: as sim_file_create()
 * @size: bytes
 * @access: what whoever has it next may do
 *
 * It cannot grow again once it was cut off, and nobody can seal it. Only its
 * owner and root can open it anew.
 *
 * Return: a close-on-exec fd for reading and writing, which is the caller's
 * and not for lessees: they would share its flags and position; or -errno.
 */
int sim_lease_file_create(const char *name, uint64_t size,
			  enum barlease_access access);

/**
 * sim_lease_file_open() - open the file of a lease for a lessee
 * @fd: from sim_lease_file_create()
 * @access: what it allows
 *
 * Return: a close-on-exec fd, which is the caller's, or -errno.
 */
int sim_lease_file_open(int fd, enum barlease_access access);

/**
 * sim_lease_file_get() - what the file behind an fd is
 * @fd: anybody's
 * @file: where to put it
 *
 * Return: 0, -EBADF when it is not open, or -EINVAL when it is no simulated
 * lease, of whatever device.
 */
int sim_lease_file_get(int fd, struct sim_file *file);

/* lease.c; all with the lock held, but for export, set_attribute, info, revoke */

int sim_lease_export(struct barlease_device *dev, unsigned int bar,
		     const struct barlease_range *ranges, unsigned int count,
		     const struct barlease_terms *terms);
int sim_lease_set_attribute(struct barlease_device *dev, int fd,
			    enum barlease_attribute attribute);
int sim_lease_info(struct barlease_device *dev, int fd,
		   struct barlease_info *info, struct barlease_range *ranges,
		   unsigned int count);
int sim_lease_revoke(struct barlease_device *dev, int fd);

/* Make it one of the device's, the newest. Return: 0 or -ENOMEM. */
int sim_lease_add(struct sim *sim, struct sim_lease *lease);

/* End and forget all leases. */
void sim_leases_end(struct sim *sim);

/* index.c; all with the lock held */

/* Have a lease found, and no longer. Return: 0 or -ENOMEM. */
int sim_index_add(struct sim_index *index, struct sim_lease *lease);
void sim_index_remove(struct sim_index *index, struct sim_lease *lease);

/* The newest range that has a byte. */
struct sim_range sim_index_find(const struct sim_index *index, unsigned int bar,
				uint64_t offset);

/**
 * sim_index_cut() - how far something is found alone
 * @index: index
 * @bar: BAR
 * @offset: where @found was found, or nothing was
 * @end: not beyond that, which is above @offset
 * @found: what sim_index_find() returned for it
 *
 * Return: where the first newer range begins, or @end.
 */
uint64_t sim_index_cut(const struct sim_index *index, unsigned int bar,
		       uint64_t offset, uint64_t end,
		       const struct sim_range *found);

/* range.c */

/* Whether ranges can be lent, as VFIO_DEVICE_FEATURE_DMA_BUF has it. */
int sim_ranges_check(const struct sim *sim, unsigned int bar,
		     const struct barlease_range *ranges, unsigned int count,
		     uint64_t *sum);

/* memory.c; all with the lock held */

/* Read what the device has there, with what lessees wrote. */
int sim_memory_read(struct sim *sim, unsigned int bar, void *buf, size_t length,
		    uint64_t offset);

/* Write to the device; every lessee sees it. */
int sim_memory_write(struct sim *sim, unsigned int bar, const void *buf,
		     size_t length, uint64_t offset);

/* Put what the device has in a range into a file. */
int sim_memory_fetch(struct sim *sim, unsigned int bar,
		     const struct barlease_range *range, int to,
		     uint64_t to_offset);

/* Give the device back what lessees of a lease wrote. */
int sim_memory_restore(struct sim *sim, const struct sim_lease *lease);

/* Make it all zeros. */
int sim_memory_reset(struct sim *sim);

#endif /* BARLEASE_SIM_SIM_H */
