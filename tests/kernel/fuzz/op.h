/* SPDX-License-Identifier: MIT */
/*
 * An operation: what one process is told to do. It names places (slots for fds,
 * pages of an arena) and not what is there, so that it means something
 * whatever came before it: operations can be dropped from a sequence.
 */
#ifndef FUZZ_OP_H
#define FUZZ_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PAGE ((size_t)4096)

#define WORKERS 8 /* at a time; those above FIRST_WORKERS by fork() */
#define LESSORS 2 /* root; the others are ordinary users */
#define FIRST_WORKERS 5
#define DEVICES 4
#define RAM_DEVICES 2 /* these have memory; the others are a reset set */
#define HOTPLUG_DEVICE 1
#define SLOTS 12 /* for fds, of each worker */
#define ARENA_PAGES 2048 /* where each worker maps */
#define ARENA_BASE 0x200000000000ul
#define SET_DEVICES 0xc /* those of the set, as bits */
#define MAX_GROUPS 16 /* fds given to a hot reset */
#define DMA_SIZE 4 /* bytes of a transfer by the other device */
#define GIVEN_RANGES 3 /* an export's, the rest follows from them */
#define SEEN_RANGES 64 /* an info's that are compared */

enum op_kind {
	OP_OPEN, /* open the device */
	OP_OPEN_SET, /* functions that are reset together, and what owns them */
	OP_CLOSE_DEVICE,
	OP_PASS_DEVICE, /* by SCM_RIGHTS */
	OP_EXPORT,
	OP_REVOKE,
	OP_MEMATTR,
	OP_INFO,
	OP_FEATURE, /* one that there is not */
	OP_MEMORY, /* memory decode on or off */
	OP_POWER, /* D0 or D3hot */
	OP_LOW_POWER,
	OP_RESET,
	OP_FLR, /* by configuration space */
	OP_HOT_RESET,
	OP_REGION, /* read() or write() of the BAR by the device fd */
	OP_MAP,
	OP_MAP_BAR, /* of the device fd, as the lessor does */
	OP_UNMAP,
	OP_PROTECT,
	OP_MOVE, /* mremap() */
	OP_ADVISE,
	OP_LOCK, /* mlock() and munlock() */
	OP_ACCESS,
	OP_FORK,
	OP_EXIT,
	OP_SPAWN,
	OP_PASS,
	OP_DUP,
	OP_CLOSE,
	OP_REOPEN, /* through /proc/self/fd */
	OP_OTHER, /* an fd that is no DMABUF */
	OP_SEEK,
	OP_RW,
	OP_POLL,
	OP_BUFFER, /* the ioctls of a DMABUF */
	OP_ATTACH, /* another device imports the lease */
	OP_DETACH,
	OP_PEER_MAP,
	OP_PEER_UNMAP,
	OP_PEER_STATE,
	OP_DMA,
	OP_ALLOW_PEERS, /* the module parameter */
	OP_YANK, /* out of the machine, without a word */
	OP_PLUG, /* another one in its place */
	OP_REBIND, /* the driver, while the device is closed */
	OP_KINDS,
};

enum arg {
	A_DEV,
	A_SLOT,
	A_PEER, /* another worker */
	A_SLOT2,
	A_PAGE, /* of the arena */
	A_PAGE2,
	A_COUNT, /* pages */
	A_COUNT2,
	A_PROT,
	A_FLAGS,
	A_OFFSET, /* bytes; of a mapping: pages of the lease or BAR */
	A_SKEW, /* bytes, on top of the offset of mmap() */
	A_SIZE,
	A_WRITE,
	A_VALUE,
	A_HOW,
	A_BAR,
	A_OPEN_FLAGS,
	A_NR, /* of ranges, of group fds; devices, as bits */
	A_ARGSZ, /* what is added to the right argsz */
	A_READABLE, /* bytes of the argument that can be read */
	A_OPERATION, /* VFIO_DEVICE_FEATURE_GET, _SET, _PROBE and others */
	A_NO_FDS, /* at RLIMIT_NOFILE */
	A_RANGES, /* GIVEN_RANGES times offset, length */
	ARGS = A_RANGES + 2 * GIVEN_RANGES,
};

#define READABLE_ALL UINT32_MAX

struct op {
	enum op_kind kind;
	uint32_t worker;
	uint64_t arg[ARGS];
};

/* What became of it. */
struct result {
	int error; /* errno, or 0 */
	int signal; /* SIGBUS or SIGSEGV of an access, or 0 */
	int64_t value;
	uint64_t data; /* what was read */
	long faults; /* page faults of an access */
	struct {
		uint32_t nr_ranges, region_index, open_flags, memattr, state;
		uint32_t mappings, attachments;
		uint64_t length, lease_id;
		uint64_t ranges[2 * SEEN_RANGES];
	} info;
};

bool op_needs_importer(enum op_kind kind);
bool op_needs_host(enum op_kind kind);

const char *op_name(enum op_kind kind);

/* As a line "worker N: name key=value ..."; the reverse gives 0 or -1. */
void op_print(const struct op *op, char *text, size_t size);
int op_parse(struct op *op, const char *text);

/* Range @index of an export: the given ones, and again further on. */
void op_range(const struct op *op, uint32_t index, uint64_t *offset,
	      uint64_t *length);

/* Bytes of the argument behind struct vfio_device_feature. */
size_t op_feature_size(const struct op *op);

/* Bytes of the argument of a hot reset. */
size_t op_reset_size(const struct op *op);

#endif /* FUZZ_OP_H */
