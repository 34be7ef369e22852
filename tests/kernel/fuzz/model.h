/* SPDX-License-Identifier: MIT */
/*
 * What the interface promises (docs/interface.md, linux/barlease.h), as a small
 * model: which answers an operation may have in a state, and the state after it.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include "arena.h"
#include "op.h"

#define MAX_LEASES 4096 /* of one sequence */
#define MAX_IMPORTERS 512
#define MAX_RANGES 512
#define BARS 6

struct device_facts {
	uint64_t bar_start[BARS], bar_size[BARS];
	bool bar_mappable[BARS];
	bool has_reset, has_flr, has_power, has_low_power;
	bool has_iommufd;
};

struct device {
	struct device_facts facts;
	uint8_t *memory; /* what its BAR holds; NULL: registers */
	bool open, on, asleep, low_power;
	bool pulled; /* out of the machine */
	bool by_iommufd; /* opened that way */
	bool filled; /* the BAR is what it has to be */
	unsigned int binding; /* times it was bound to the driver */
};

enum lease_state {
	LEASE_LIVE,
	LEASE_REVOKED,
	LEASE_ORPHANED
};

struct lease {
	struct device *device;
	unsigned int binding; /* of the device, when it was exported */
	enum lease_state state;
	unsigned int bar, access, memattr;
	uint64_t id; /* 0: not known yet */
	uint64_t pages;
	uint32_t nr_ranges;
	uint64_t ranges[2 * MAX_RANGES]; /* offset, length */
};

/* An open file, which may be in several slots. */
struct importer {
	struct lease *lease;
	bool attached, mapped;
	bool leaving; /* was mapped when the device was pulled out */
	bool ended; /* was mapped when the lease ended otherwise */
	unsigned int told; /* to unmap, at least so often */
	unsigned int asked; /* whether it was told, up to that */
};

enum slot_kind {
	SLOT_EMPTY,
	SLOT_LEASE,
	SLOT_PATH,
	SLOT_GROUP, /* from here on nothing that can be mapped */
	SLOT_IOMMUFD,
	SLOT_IMPORTER,
	SLOT_OTHER
};

struct slot {
	enum slot_kind kind;
	struct lease *lease;
	struct importer *importer;
};

struct process {
	bool alive, ordinary; /* not root */
	struct slot slots[SLOTS];
	bool device[DEVICES];
	bool zapped[DEVICES]; /* and nothing touched since then */
	struct arena arena;
};

struct model {
	struct device devices[DEVICES];
	struct process processes[WORKERS];
	struct lease *leases[MAX_LEASES];
	unsigned int nr_leases;
	struct importer *importers[MAX_IMPORTERS];
	unsigned int nr_importers;
	bool has_importers, has_host, peers_allowed;
	uint64_t last_id;
};

/* The answers that are right. */
struct expect {
	bool skip; /* it means nothing here: not to be done */
	int errors[5]; /* any of these */
	int nr_errors;
	bool any_error;
	bool sigbus, sigsegv; /* may come; then errors do not matter */
	bool must_signal;
	bool must_fault; /* page tables have nothing */
	bool has_value, has_data;
	int64_t value;
	uint64_t data;
	struct lease *info; /* what it tells of is this */
};

/* Can it be done at all, on this kernel and machine? */
bool model_knows(const struct model *model, enum op_kind kind);

void model_init(struct model *model);
void model_free(struct model *model);

void model_expect(struct model *model, const struct op *op,
		  struct expect *expect);

/* Whether the answer is right; if not, why. */
bool model_judge(struct model *model, const struct op *op,
		 const struct expect *expect, const struct result *result,
		 char *why, size_t size);

/* What the operation, answered like that, changes. */
void model_apply(struct model *model, const struct op *op,
		 const struct result *result);

/*
 * An importer may be told late that access goes, if it had nothing mapped. One
 * that has to be asked before anything else is done, or false.
 */
bool model_asks_importer(struct model *model, struct op *op,
			 struct expect *expect);

/* Parts, one for each kind of operation. */
void expect_feature(struct model *model, const struct op *op,
		    struct expect *expect);
void expect_set(struct model *model, const struct op *op,
		struct expect *expect);
void expect_memory(struct model *model, const struct op *op,
		   struct expect *expect);
void expect_plug(struct model *model, const struct op *op,
		 struct expect *expect);
void expect_peer(struct model *model, const struct op *op,
		 struct expect *expect);
void expect_fd(struct model *model, const struct op *op, struct expect *expect);
void apply_set(struct model *model, const struct op *op);
/* Page tables may have been filled, whatever came of it. */
void touch_memory(struct model *model, const struct op *op);
void apply_plug(struct model *model, const struct op *op);
void apply_peer(struct model *model, const struct op *op);
void apply_memory(struct model *model, const struct op *op);

void expect_error(struct expect *expect, int error);

bool device_accessible(const struct device *device);
bool lease_accessible(const struct lease *lease);

/* The byte of the BAR behind a byte of a page that is mapped. */
uint8_t *page_bytes(struct model *model, const struct arena_page *page);
bool page_accessible(struct model *model, const struct arena_page *page);

/* A part of a BAR without registers, where a write does nothing. */
bool page_unused(struct model *model, const struct arena_page *page);

/* The device that the page is of. */
struct device *page_device(struct model *model, const struct arena_page *page);

/* No page table of anybody has an entry of the device any more. */
void model_zapped(struct model *model, const struct device *device);

/* Of a device that is pulled out: no answer is right. */
bool is_unknown_when_pulled(enum op_kind kind);

/* Does it ask for low power, rightly? */
bool low_power_is_asked(const struct op *op);

/* Whatever the answer: who hears that access may go. */
void tell_importers(struct model *model, const struct op *op,
		    const struct result *result);

/* An importer that nobody has any more is gone. */
void settle_importers(struct model *model);

/* What an importer reaches at this place, or NULL. */
uint8_t *peer_bytes(struct model *model, const struct op *op);

unsigned int lease_attachments(const struct model *model,
			       const struct lease *lease);
unsigned int lease_mappings(const struct model *model,
			    const struct lease *lease);

/* Devices that nobody holds any more are closed, and their leases end. */
void model_settle(struct model *model);

#endif /* FUZZ_MODEL_H */
