// SPDX-License-Identifier: MIT
/* Importers: who may have a lease, who may map it now, and who is told. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "importer.h"
#include "model.h"

/* As many of a lease's pages the test's importer knows. */
#define KNOWN_PAGES 1024
/* Up to here they fit into the importer's 28 bits, whatever lies where. */
#define SURE_PAGES (16 * 1024)

static int attach_error(const struct model *model, const struct op *op)
{
	const struct process *process = &model->processes[op->worker];
	const struct slot *slot = &process->slots[op->arg[A_SLOT]];

	if (slot->kind == SLOT_EMPTY || slot->kind == SLOT_PATH)
		return EBADF;
	if (slot->kind != SLOT_LEASE)
		return EINVAL;
	if (slot->lease->access != O_RDWR)
		return EACCES;
	if (op->arg[A_FLAGS] & (IMPORTER_STATIC | IMPORTER_NO_PEER) ||
	    !model->peers_allowed)
		return EOPNOTSUPP;
	if (!lease_accessible(slot->lease))
		return ENODEV;
	return op->arg[A_FLAGS] & IMPORTER_NO_PCI ? EOPNOTSUPP : 0;
}

static uint64_t pages_mapped(const struct model *model)
{
	uint64_t pages = 0;
	unsigned int i;

	for (i = 0; i < model->nr_importers; i++)
		if (model->importers[i]->mapped)
			pages += model->importers[i]->lease->pages;
	return pages;
}

static void expect_map(const struct model *model,
		       const struct importer *importer, struct expect *expect)
{
	const struct lease *lease = importer->lease;
	int error = 0;

	if (importer->mapped)
		error = EBUSY;
	else if (!model->peers_allowed)
		error = EOPNOTSUPP;
	else if (!lease_accessible(lease))
		error = ENODEV;
	else if (pages_mapped(model) + lease->pages > SURE_PAGES)
		expect_error(expect, ENOMEM);
	expect_error(expect, error);
	expect->has_data = true;
	expect->data = lease->pages * PAGE;
}

uint8_t *peer_bytes(struct model *model, const struct op *op)
{
	const struct process *process = &model->processes[op->worker];
	const struct importer *importer =
		process->slots[op->arg[A_SLOT]].importer;
	struct arena_page page = { 0 };
	uint8_t *bytes;

	if (!importer || op->arg[A_OFFSET] / PAGE >= importer->lease->pages)
		return NULL;
	page.object = importer->lease;
	page.index = (uint32_t)(op->arg[A_OFFSET] / PAGE);
	bytes = page_bytes(model, &page);
	return bytes ? bytes + op->arg[A_OFFSET] % PAGE : NULL;
}

static void expect_transfer(struct model *model, const struct op *op,
			    const struct importer *importer,
			    struct expect *expect)
{
	const uint8_t *bytes = peer_bytes(model, op);

	if (!importer->mapped || op->arg[A_OFFSET] / PAGE >= KNOWN_PAGES ||
	    op->arg[A_OFFSET] / PAGE >= importer->lease->pages) {
		expect_error(expect, ENXIO);
		return;
	}
	/* Registers are nobody's to write to or know. */
	expect->skip = !bytes || op->arg[A_OFFSET] % DMA_SIZE;
	if (expect->skip || op->arg[A_WRITE])
		return;
	expect->has_data = true;
	memcpy(&expect->data, bytes, DMA_SIZE);
}

void expect_peer(struct model *model, const struct op *op,
		 struct expect *expect)
{
	const struct process *process = &model->processes[op->worker];
	const struct slot *slot = &process->slots[op->arg[A_SLOT]];

	expect->skip |= !model->has_importers;
	if (expect->skip)
		return;
	if (op->kind == OP_ATTACH) {
		expect->skip = model->nr_importers == MAX_IMPORTERS;
		expect_error(expect, attach_error(model, op));
		return;
	}
	if (slot->kind != SLOT_IMPORTER) {
		expect->skip = slot->kind == SLOT_IOMMUFD;
		expect_error(expect,
			     slot->kind == SLOT_EMPTY || slot->kind == SLOT_PATH
				     ? EBADF
				     : ENOTTY);
		return;
	}
	if (!slot->importer->attached) {
		expect_error(expect, ENXIO);
		return;
	}

	switch (op->kind) {
	case OP_PEER_MAP:
		expect_map(model, slot->importer, expect);
		break;
	case OP_PEER_STATE:
		expect->has_data = true;
		expect->data = slot->importer->mapped;
		break;
	case OP_DMA:
		expect_transfer(model, op, slot->importer, expect);
		break;
	default:
		break;
	}
}

static void new_importer(struct model *model, const struct op *op)
{
	struct process *process = &model->processes[op->worker];
	struct importer *importer = calloc(1, sizeof(*importer));

	if (!importer)
		abort();
	importer->lease = process->slots[op->arg[A_SLOT]].lease;
	importer->attached = true;
	model->importers[model->nr_importers++] = importer;
	process->slots[op->arg[A_SLOT2]] = (struct slot){
		.kind = SLOT_IMPORTER,
		.importer = importer,
	};
}

void apply_peer(struct model *model, const struct op *op)
{
	struct importer *importer =
		model->processes[op->worker].slots[op->arg[A_SLOT]].importer;

	switch (op->kind) {
	case OP_ALLOW_PEERS:
		model->peers_allowed = op->arg[A_VALUE];
		break;
	case OP_ATTACH:
		new_importer(model, op);
		break;
	case OP_DETACH:
		importer->attached = false;
		importer->mapped = false;
		break;
	case OP_PEER_MAP:
		importer->mapped = true;
		break;
	case OP_PEER_UNMAP:
		importer->mapped = false;
		break;
	case OP_DMA:
		if (op->arg[A_WRITE])
			memcpy(peer_bytes(model, op), &op->arg[A_VALUE],
			       DMA_SIZE);
		break;
	default:
		break;
	}
}

/* The importers of a device are told, and out when the event takes place. */
static void tell(struct model *model, const struct device *device)
{
	unsigned int i;

	for (i = 0; i < model->nr_importers; i++) {
		struct importer *importer = model->importers[i];

		if (!importer->attached || importer->lease->device != device ||
		    importer->lease->state != LEASE_LIVE)
			continue;
		importer->told++;
		importer->mapped = false;
	}
}

void tell_importers(struct model *model, const struct op *op,
		    const struct result *result)
{
	const struct process *process = &model->processes[op->worker];
	const struct device *device = &model->devices[op->arg[A_DEV]];
	bool away = !result->error;
	int i;

	if (!process->device[op->arg[A_DEV]])
		return;
	switch (op->kind) {
	case OP_MEMORY:
		away &= !op->arg[A_VALUE];
		break;
	case OP_POWER:
		away &= op->arg[A_VALUE];
		break;
	case OP_LOW_POWER:
		/* Also if it is in low power already. */
		away = op->arg[A_VALUE] && low_power_is_asked(op);
		break;
	case OP_RESET:
	case OP_FLR:
		break;
	case OP_HOT_RESET:
		/* Before it is known whether it may be. */
		for (i = RAM_DEVICES; i < DEVICES; i++)
			if (model->devices[i].open &&
			    op->arg[A_DEV] >= RAM_DEVICES)
				tell(model, &model->devices[i]);
		away = op->arg[A_DEV] < RAM_DEVICES;
		break;
	default:
		away = false;
	}
	if (away)
		tell(model, device);
}

/* A worker and a slot that has it; false: it is gone. */
static bool find_holder(const struct model *model,
			const struct importer *importer, struct op *op)
{
	uint32_t slot;

	for (op->worker = 0; op->worker < WORKERS; op->worker++)
		for (slot = 0; slot < SLOTS; slot++) {
			const struct process *process =
				&model->processes[op->worker];

			op->arg[A_SLOT] = slot;
			if (process->alive &&
			    process->slots[slot].importer == importer)
				return true;
		}
	return false;
}

void settle_importers(struct model *model)
{
	struct op holder;
	unsigned int i;

	for (i = 0; i < model->nr_importers; i++) {
		struct importer *importer = model->importers[i];

		if (importer->attached &&
		    !find_holder(model, importer, &holder))
			importer->attached = false;
		if (importer->attached && importer->lease->state == LEASE_LIVE)
			continue;
		importer->ended |= importer->mapped && !importer->leaving;
		importer->mapped = false;
	}
}

bool model_asks_importer(struct model *model, struct op *op,
			 struct expect *expect)
{
	unsigned int i;

	memset(op, 0, sizeof(*op));
	op->kind = OP_PEER_STATE;
	for (i = 0; i < model->nr_importers; i++) {
		struct importer *importer = model->importers[i];

		if (!importer->attached ||
		    (importer->asked == importer->told && !importer->leaving &&
		     !importer->ended) ||
		    !find_holder(model, importer, op))
			continue;
		importer->asked = importer->told;
		importer->ended = false;
		op->arg[A_COUNT] = importer->told;
		op->arg[A_HOW] = importer->leaving;
		importer->leaving = false;
		model_expect(model, op, expect);
		return true;
	}
	return false;
}

unsigned int lease_attachments(const struct model *model,
			       const struct lease *lease)
{
	unsigned int count = 0, i;

	for (i = 0; i < model->nr_importers; i++)
		count += model->importers[i]->attached &&
			 model->importers[i]->lease == lease;
	return count;
}
