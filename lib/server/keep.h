/* SPDX-License-Identifier: MIT */
/*
 * What a later server needs to go on where this one was cut off: fds in a store
 * that outlives the process, and a file in memory that says what they are. Each
 * change is in both before a lessee is told of it, so that there is no moment at
 * which this process must not be killed.
 *
 * The file has a header and records of one size. A record counts once its type
 * is set, which is the last that is written of it.
 */
#ifndef SERVER_KEEP_H
#define SERVER_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "public.h"

#define KEEP_VERSION 1

/* A higher number of a lessee, a lease or a listener was never given out. */
#define KEEP_NUMBER_MAX (UINT64_MAX / 2)

/* What is longer is kept as not known; a cgroup is looked up again. */
#define KEEP_CGROUP_SIZE 256
#define KEEP_PATH_SIZE 108

enum keep_type {
	KEEP_NOTHING = 0,
	KEEP_LESSEE = 1,
	KEEP_LEASE = 2,
	KEEP_WAITER = 3,
};

struct keep_header {
	char magic[8];
	uint32_t version;
	uint32_t record_size;
	uint64_t records;
	/* Numbers that have been used. */
	uint64_t last_listener, last_lessee, last_lease;
	uint64_t reserved[2];
};

struct keep_lessee {
	uint32_t behind; /* packets for it were in our memory */
	uint32_t reserved;
	char path[KEEP_PATH_SIZE]; /* of the socket that it came by */
	char command[16];
	char cgroup[KEEP_CGROUP_SIZE];
};

struct keep_lease {
	uint64_t offset, length, since, due;
	uint32_t bar, index, access, attribute;
	uint32_t due_why, recalled, serial, told;
	char device[BARLEASE_BDF_MAX];
	char name[BARLEASE_NAME_SIZE];
};

struct keep_waiter {
	uint64_t minimum, wait, due;
	uint32_t access, attribute, serial, reserved;
	char name[BARLEASE_NAME_SIZE]; /* "": anything */
};

struct keep_record {
	uint32_t type;
	uint32_t reserved;
	uint64_t id; /* of a lessee or a lease; the order of a waiter */
	uint64_t lessee;
	union {
		struct keep_lessee of_lessee;
		struct keep_lease of_lease;
		struct keep_waiter of_waiter;
		uint64_t whole[58];
	};
};

_Static_assert(sizeof(struct keep_header) == 64, "a format is a promise");
_Static_assert(sizeof(struct keep_record) == 488, "a format is a promise");

/* Such a file, as this process has it. */
struct keep_file {
	int fd;
	struct keep_header *header;
	struct keep_record *records; /* header->records of them */
	uint64_t *free; /* numbers of those that are */
	uint64_t free_count;
};

/* keep_file.c */

/* Return: 0 or -errno. */
int keep_file_make(struct keep_file *file, uint64_t records);

/**
 * keep_file_open() - one of a server before
 * @file: to be filled, for keep_file_end()
 * @fd: anything; the file's on success
 *
 * Return: 0; -EPROTONOSUPPORT when it is of another version; -EPROTO when it is
 * nothing of the kind, or what is in it cannot be; or -errno.
 */
int keep_file_open(struct keep_file *file, int fd);
void keep_file_end(struct keep_file *file);

/* Return: a record to be written, of which the type is set last; or NULL. */
struct keep_record *keep_record_get(struct keep_file *file);
void keep_record_set(struct keep_record *record, enum keep_type type);
void keep_record_put(struct keep_file *file, struct keep_record *record);

#endif /* SERVER_KEEP_H */
