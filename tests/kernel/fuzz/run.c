// SPDX-License-Identifier: MIT
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aftermath.h"
#include "bind.h"
#include "crew.h"
#include "generate.h"
#include "harness.h"
#include "importer.h"

void sequence_add(struct sequence *sequence, const struct op *op)
{
	if (sequence->count == sequence->room) {
		sequence->room = sequence->room * 2 + 64;
		sequence->ops =
			realloc(sequence->ops, sequence->room * sizeof(*op));
		if (!sequence->ops)
			abort();
	}
	sequence->ops[sequence->count++] = *op;
}

void sequence_print(const struct sequence *sequence, size_t from)
{
	char text[1024];
	size_t i;

	for (i = from; i < sequence->count; i++) {
		op_print(&sequence->ops[i], text, sizeof(text));
		printf("#   %s\n", text);
	}
}

static void mark_bytes(struct fuzz *fuzz, const uint8_t *bytes)
{
	int device;

	for (device = 0; bytes && device < RAM_DEVICES; device++) {
		uint8_t *memory = fuzz->model.devices[device].memory;

		if (bytes >= memory &&
		    bytes < memory + fuzz->shared->bar_size[device])
			fuzz->shared
				->dirty[device][(bytes - memory) / (long)PAGE] =
				true;
	}
}

/* A page of the BAR is written to: it has to be put right afterwards. */
static void mark_dirty(struct fuzz *fuzz, const struct op *op)
{
	struct model *model = &fuzz->model;
	struct process *process = &model->processes[op->worker];
	uint64_t place = op->arg[A_PAGE] * PAGE + op->arg[A_OFFSET];
	int end;

	if (!op->arg[A_WRITE])
		return;
	if (op->kind == OP_DMA)
		mark_bytes(fuzz, peer_bytes(model, op));
	if (op->kind == OP_REGION && op->arg[A_DEV] < RAM_DEVICES) {
		bool *dirty = fuzz->shared->dirty[op->arg[A_DEV]];

		dirty[op->arg[A_OFFSET] / PAGE] = true;
		dirty[(op->arg[A_OFFSET] + 7) / PAGE % ARENA_PAGES] = true;
	}
	if (op->kind != OP_ACCESS)
		return;
	for (end = 0; end < 2; end++, place += op->arg[A_SIZE] - 1) {
		struct arena_page *page = &process->arena.pages[place / PAGE];

		if (page->object)
			mark_bytes(fuzz, page_bytes(model, page));
	}
}

/* What the model has of a BAR, as it is when it is opened. */
static void restore_memory(struct fuzz *fuzz, unsigned int device)
{
	uint8_t *memory = fuzz->model.devices[device].memory;
	uint64_t pages = fuzz->shared->bar_size[device] / PAGE;
	uint64_t page, i;

	for (page = 0; page < pages; page++) {
		if (!fuzz->shared->dirty[device][page])
			continue;
		for (i = page * PAGE; i < (page + 1) * PAGE; i += 8) {
			uint64_t value = pristine(device, i);

			memcpy(memory + i, &value, sizeof(value));
		}
	}
}

/* Nobody knows what was written where, or what a new device has. */
static void forget_memory(struct fuzz *fuzz, unsigned int device)
{
	memset(fuzz->shared->dirty[device], true,
	       sizeof(fuzz->shared->dirty[device]));
	restore_memory(fuzz, device);
}

/* Return false if one was not told, or has not let go. */
static bool ask_importers(struct fuzz *fuzz, struct crew *crew)
{
	struct result result;
	struct expect expect;
	char why[200];
	struct op op;

	while (model_asks_importer(&fuzz->model, &op, &expect)) {
		if (crew_do(crew, &op, &result, fuzz->why, sizeof(fuzz->why)))
			return false;
		if (model_judge(&fuzz->model, &op, &expect, &result, why,
				sizeof(why)))
			continue;
		snprintf(fuzz->why, sizeof(fuzz->why),
			 "an importer that had to be told: %s", why);
		return false;
	}
	return true;
}

/* Return false if the answer is wrong. */
static bool step(struct fuzz *fuzz, struct crew *crew, const struct op *op,
		 const struct expect *expect)
{
	struct op told = *op;
	struct result result;

	if (op->kind == OP_OPEN)
		told.arg[A_VALUE] = !fuzz->model.devices[op->arg[A_DEV]].filled;
	mark_dirty(fuzz, op);
	if (crew_do(crew, &told, &result, fuzz->why, sizeof(fuzz->why)))
		return false;
	fuzz->done++;
	fuzz->counts[op->kind]++;
	fuzz->refused[op->kind] += result.error != 0;
	fuzz->signals += result.signal != 0;
	if (!model_judge(&fuzz->model, op, expect, &result, fuzz->why,
			 sizeof(fuzz->why)))
		return false;
	model_apply(&fuzz->model, op, &result);
	if (op->kind == OP_PLUG)
		forget_memory(fuzz, HOTPLUG_DEVICE);
	return ask_importers(fuzz, crew);
}

/* The next operation that means something; false at the end. */
struct source {
	struct random *random;
	size_t steps;
	const struct sequence *given;
	bool verbose;
};

static bool next(struct fuzz *fuzz, struct source *source, size_t index,
		 struct op *op)
{
	if (source->given) {
		if (index >= source->given->count)
			return false;
		*op = source->given->ops[index];
		return true;
	}
	if (index >= source->steps)
		return false;
	generate(source->random, &fuzz->model, op);
	return true;
}

/* The device, if it was pulled out last. */
static void put_back(struct fuzz *fuzz)
{
	if (!fuzz->model.devices[HOTPLUG_DEVICE].pulled)
		return;
	plug_in(fuzz->shared->bdf[HOTPLUG_DEVICE]);
	forget_memory(fuzz, HOTPLUG_DEVICE);
	fuzz->counts[OP_PLUG]++;
}

static bool run(struct fuzz *fuzz, struct source *source,
		struct sequence *sequence)
{
	struct aftermath before;
	struct expect expect;
	struct crew crew;
	bool fine = true;
	char text[1024];
	struct op op;
	unsigned int device;
	size_t index;

	aftermath_before(&before);
	for (device = 0; device < RAM_DEVICES; device++)
		restore_memory(fuzz, device);
	model_init(&fuzz->model);
	if (fuzz->model.has_importers)
		sysfs_write(ALLOW_PEERS, "Y");
	crew_start(&crew, fuzz->shared);
	fuzz->why[0] = '\0';
	for (index = 0; fine && next(fuzz, source, index, &op); index++) {
		model_expect(&fuzz->model, &op, &expect);
		op_print(&op, text, sizeof(text));
		if (source->verbose)
			printf("# %s%s\n", text,
			       expect.skip ? " (means nothing)" : "");
		if (expect.skip)
			continue;
		if (sequence)
			sequence_add(sequence, &op);
		fine = step(fuzz, &crew, &op, &expect);
	}
	fuzz->reached = index;
	crew_stop(&crew);
	put_back(fuzz);
	model_free(&fuzz->model);
	if (fine && aftermath_check(&before, fuzz->why, sizeof(fuzz->why)))
		fine = false;
	if (!fine)
		for (device = 0; device < RAM_DEVICES; device++)
			forget_memory(fuzz, device);
	return fine;
}

bool run_random(struct fuzz *fuzz, uint64_t seed, size_t steps,
		struct sequence *sequence)
{
	struct random random = { seed };
	struct source source = { .random = &random, .steps = steps };

	sequence->count = 0;
	return run(fuzz, &source, sequence);
}

bool run_given(struct fuzz *fuzz, const struct sequence *given, bool verbose)
{
	struct source source = { .given = given, .verbose = verbose };

	return run(fuzz, &source, NULL);
}
