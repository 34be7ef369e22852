/* SPDX-License-Identifier: MIT */
/* Doing an operation, in the process that it is about. No expectations here. */
#ifndef FUZZ_ACT_H
#define FUZZ_ACT_H

#include <barlease.h>

#include "op.h"

/* What the processes share with the one that leads them. */
struct shared {
	/* Pages of the BARs that are not what they are at the start. */
	bool dirty[RAM_DEVICES][4096];
	uint64_t bar_size[DEVICES];
	const char *bdf[DEVICES];
};

struct worker {
	unsigned int number;
	struct shared *shared;
	int slot[SLOTS];
	int device[DEVICES];
	struct barlease_device *opened[DEVICES]; /* NULL: was passed */
};

/* Memory in the first devices, registers in the others. */
static inline unsigned int fuzz_bar(uint64_t device)
{
	return device < RAM_DEVICES ? 2 : 0;
}

/* What the BAR holds at the start: eight bytes that name device and place. */
uint64_t pristine(unsigned int device, uint64_t offset);

void worker_init(struct worker *worker, unsigned int number,
		 struct shared *shared);

/*
 * @fd is one that came with the operation, or -1. Returns one to send back, or
 * -1; it stays the worker's.
 */
int act(struct worker *worker, const struct op *op, int fd,
	struct result *result);

/* The parts of it. */
void act_set(struct worker *worker, const struct op *op, struct result *result);
void act_device(struct worker *worker, const struct op *op,
		struct result *result);
void act_feature(struct worker *worker, const struct op *op,
		 struct result *result);
void act_memory(struct worker *worker, const struct op *op,
		struct result *result);
void act_peer(struct worker *worker, const struct op *op,
	      struct result *result);
/* Both return when the kernel knows. */
void act_yank(struct worker *worker, const struct op *op);
void plug_in(const char *bdf);
void act_fd(struct worker *worker, const struct op *op, struct result *result);

/* Puts an fd into a slot, and closes what was there. */
void slot_put(struct worker *worker, uint64_t slot, int fd);

/* Notes the value of a system call, and errno. */
void result_note(struct result *result, int64_t value);

#endif /* FUZZ_ACT_H */
