/* SPDX-License-Identifier: MIT */
/* Who and where an operation is about, by chance. */
#ifndef FUZZ_PICK_H
#define FUZZ_PICK_H

#include "model.h"
#include "op.h"
#include "random.h"

/* One of those that are listed. */
#define PICK(random, ...)                                                    \
	({                                                                   \
		const uint64_t list_[] = { __VA_ARGS__ };                    \
		list_[random_below(random, sizeof(list_) / sizeof(*list_))]; \
	})

uint32_t pick_worker(struct random *random, const struct model *model,
		     bool alive);

/* A worker who holds a device, and which. */
void pick_lessor(struct random *random, const struct model *model,
		 struct op *op);

/* The same of the set, or of the others; if there is none @op stays. */
void pick_holder(struct random *random, const struct model *model,
		 struct op *op, bool of_set);

/* Of this device, root if possible; if nobody holds it the worker stays. */
void pick_holder_of(const struct model *model, struct op *op, uint64_t device);

/* A slot with a group, if there is one. */
uint64_t pick_group(struct random *random, const struct process *process);

/* A slot with something in it, mostly a lease. */
uint64_t pick_slot(struct random *random, const struct process *process);

/* A worker and its slot with a lease, mostly one that works. */
void pick_lease(struct random *random, const struct model *model,
		struct op *op);

/* A worker and its slot with an importer. */
void pick_importer(struct random *random, const struct model *model,
		   struct op *op);

/* A page of what it imports, or one too far. */
uint64_t pick_peer_page(struct random *random, const struct model *model,
			const struct op *op);

uint64_t pick_page(struct random *random, uint64_t count);

/* A worker and a page that is mapped there, mostly one that works. */
uint64_t pick_mapped(struct random *random, struct model *model, struct op *op);

/* Pages from there on: a VMA's, or fewer, or more. */
uint64_t pick_extent(struct random *random, const struct arena *arena,
		     uint64_t page);

#endif /* FUZZ_PICK_H */
