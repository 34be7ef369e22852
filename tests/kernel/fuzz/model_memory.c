// SPDX-License-Identifier: MIT
/* What mmap() and its relatives answer, and what an access finds. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "act.h"
#include "model.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static bool in_arena(uint64_t page, uint64_t count)
{
	return page < ARENA_PAGES && count <= ARENA_PAGES - page;
}

static bool is_shared(const struct op *op)
{
	return op->arg[A_FLAGS] == MAP_SHARED ||
	       op->arg[A_FLAGS] == MAP_SHARED_VALIDATE;
}

/* What the mm checks of the fd before it asks for a mapping. */
static int map_fd_error(const struct slot *slot, const struct op *op)
{
	unsigned int access = O_RDWR;

	if (slot->kind == SLOT_LEASE)
		access = slot->lease->access;
	if (!is_shared(op) && op->arg[A_FLAGS] != MAP_PRIVATE)
		return EINVAL;
	if (access == O_WRONLY)
		return EACCES;
	if (access == O_RDONLY && is_shared(op) && op->arg[A_PROT] & PROT_WRITE)
		return EACCES;
	return slot->kind >= SLOT_GROUP ? ENODEV : 0;
}

static int map_error(const struct model *model, const struct op *op,
		     struct expect *expect)
{
	const struct process *process = &model->processes[op->worker];
	const struct slot *slot = &process->slots[op->arg[A_SLOT]];
	uint64_t pages, offset = op->arg[A_OFFSET];
	struct slot device_slot = { .kind = SLOT_EMPTY };
	int error;

	if (op->arg[A_SKEW])
		return EINVAL;
	if (op->kind == OP_MAP_BAR)
		slot = &device_slot;
	if (op->kind == OP_MAP_BAR
		    ? !process->device[op->arg[A_DEV]]
		    : slot->kind != SLOT_LEASE && slot->kind < SLOT_GROUP)
		return EBADF;
	if (!op->arg[A_COUNT])
		return EINVAL;
	if (!op->arg[A_HOW] &&
	    !arena_empty(&process->arena, op->arg[A_PAGE], op->arg[A_COUNT]))
		return EEXIST;
	/* A flag that is younger than MAP_SHARED_VALIDATE, which knows it not. */
	if (!op->arg[A_HOW] && op->arg[A_FLAGS] == MAP_SHARED_VALIDATE)
		return EOPNOTSUPP;
	error = map_fd_error(slot, op);
	if (error)
		return error;
	pages = slot->lease
			? slot->lease->pages
			: model->devices[op->arg[A_DEV]]
					  .facts
					  .bar_size[fuzz_bar(op->arg[A_DEV])] /
				  PAGE;
	if (offset > pages || op->arg[A_COUNT] > pages - offset ||
	    !is_shared(op))
		return EINVAL;
	if (!slot->lease || lease_accessible(slot->lease))
		return 0;
	/* The function is being put to sleep: then there may be no answer. */
	if (slot->lease->state == LEASE_LIVE && slot->lease->device->low_power)
		expect_error(expect, 0);
	return ENODEV;
}

static void expect_map(const struct model *model, const struct op *op,
		       struct expect *expect)
{
	const struct process *process = &model->processes[op->worker];
	int error = map_error(model, op, expect);

	/* Some kernels' can be mapped for something else. */
	if (op->kind == OP_MAP &&
	    process->slots[op->arg[A_SLOT]].kind == SLOT_IOMMUFD)
		expect->skip = true;

	expect_error(expect, error);
	/* Whether what was there survives is the kernel's affair. */
	if ((error || expect->nr_errors > 1) && op->arg[A_HOW] &&
	    !arena_empty(&process->arena, op->arg[A_PAGE], op->arg[A_COUNT]))
		expect->skip = true;
}

static void expect_move(const struct arena *arena, const struct op *op,
			struct expect *expect)
{
	uint64_t page = op->arg[A_PAGE], page2 = op->arg[A_PAGE2];
	uint64_t count = op->arg[A_COUNT], count2 = op->arg[A_COUNT2];
	bool fixed = op->arg[A_FLAGS] & MREMAP_FIXED;
	int error = 0;

	if (!in_arena(page2, count2)) {
		expect->skip = true;
		return;
	}
	if (!count2 || op->arg[A_FLAGS] & ~3ull)
		error = EINVAL;
	else if (fixed && !(op->arg[A_FLAGS] & MREMAP_MAYMOVE))
		error = EINVAL;
	else if (fixed && page + count > page2 && page2 + count2 > page)
		error = EINVAL;
	else if (arena->pages[page].object && count2 > count)
		error = EFAULT; /* cannot be grown */
	/* Kernels differ in several VMAs at once, and in what failure leaves. */
	if (!error && !arena_in_one(arena, page, count ? count : 1))
		expect->skip = true;
	if (error == EINVAL && !arena->pages[page].object)
		expect->skip = true;
	if (error == EFAULT && (!arena_in_one(arena, page, count ? count : 1) ||
				(fixed && !arena_empty(arena, page2, count2))))
		expect->skip = true;
	expect_error(expect, error);
}

static void expect_advise(const struct arena *arena, const struct op *op,
			  struct expect *expect)
{
	uint64_t i;

	switch (op->arg[A_VALUE]) {
	case MADV_DONTFORK:
	case MADV_DONTDUMP:
		expect_error(expect, 0);
		break;
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_DODUMP:
	case MADV_DOFORK:
		expect_error(expect, EINVAL);
		break;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		expect_error(expect, EFAULT);
		expect_error(expect, EINVAL);
		break;
	default:
		expect->any_error = true;
	}
	for (i = 0; i < op->arg[A_COUNT]; i++) {
		if (arena->pages[op->arg[A_PAGE] + i].object)
			continue;
		expect_error(expect, ENOMEM);
		break;
	}
	expect->skip = !op->arg[A_COUNT];
}

/* One page of an access: what it may come to. */
static bool expect_page(struct model *model, const struct op *op,
			const struct arena_page *page, struct expect *expect)
{
	uint8_t needed = op->arg[A_WRITE] ? PROT_WRITE : PROT_READ | PROT_WRITE;

	if (!page->object || !(page->prot & needed)) {
		expect->sigsegv = true;
	} else if (!page_accessible(model, page)) {
		expect->sigbus = true;
		/* A BAR of what is pulled out is the lessor's affair. */
		expect->skip |= page->object == page_device(model, page) &&
				page_device(model, page)->pulled;
	} else {
		return true;
	}
	return false;
}

static void expect_access(struct model *model, const struct op *op,
			  struct expect *expect)
{
	const struct process *process = &model->processes[op->worker];
	const struct arena *arena = &process->arena;
	uint64_t place = op->arg[A_PAGE] * PAGE + op->arg[A_OFFSET];
	uint8_t *data = (uint8_t *)&expect->data;
	uint64_t i, last = op->arg[A_SIZE] - 1;
	const struct arena_page *page;
	uint8_t *bytes;
	bool good;

	expect->skip =
		op->arg[A_SIZE] > 8 || !op->arg[A_SIZE] ||
		!in_arena(place / PAGE, 1) ||
		!in_arena((place + last) / PAGE, 1) ||
		(op->arg[A_HOW] && place / PAGE != (place + last) / PAGE);
	if (expect->skip)
		return;
	good = expect_page(model, op, &arena->pages[place / PAGE], expect);
	good &= expect_page(model, op, &arena->pages[(place + last) / PAGE],
			    expect);
	expect->must_signal = !good;
	if (!good && op->arg[A_HOW]) {
		expect->must_signal = false;
		expect->sigbus = false;
		expect->sigsegv = false;
		expect_error(expect, EFAULT);
	}
	if (!good)
		return;
	expect->has_data = !op->arg[A_WRITE];
	page = &arena->pages[place / PAGE];
	expect->must_fault =
		process->zapped[page_device(model, page) - model->devices];
	for (i = 0; i <= last; i++) {
		page = &arena->pages[(place + i) / PAGE];
		bytes = page_bytes(model, page);
		/* Registers are nobody's to write to or know. */
		if (!bytes) {
			expect->skip |=
				op->arg[A_WRITE] && !page_unused(model, page);
			expect->has_data = false;
			continue;
		}
		data[i] = bytes[(place + i) % PAGE];
	}
}

void expect_memory(struct model *model, const struct op *op,
		   struct expect *expect)
{
	const struct arena *arena = &model->processes[op->worker].arena;
	uint64_t page = op->arg[A_PAGE], count = op->arg[A_COUNT];

	expect->skip = !in_arena(page, count) || page >= ARENA_PAGES;
	if (expect->skip)
		return;
	switch (op->kind) {
	case OP_MAP:
	case OP_MAP_BAR:
		expect_map(model, op, expect);
		expect->skip |= op->kind == OP_MAP_BAR &&
				model->devices[op->arg[A_DEV]].pulled;
		break;
	case OP_UNMAP:
		expect_error(expect, count ? 0 : EINVAL);
		break;
	case OP_PROTECT:
		expect_error(expect,
			     arena_protect((struct arena *)arena, page, count,
					   (uint8_t)op->arg[A_PROT], false));
		break;
	case OP_MOVE:
		expect_move(arena, op, expect);
		break;
	case OP_ADVISE:
		expect_advise(arena, op, expect);
		break;
	case OP_LOCK:
		expect_error(expect,
			     arena_empty(arena, page, count) ? ENOMEM : 0);
		expect_error(expect, ENOMEM);
		expect->skip = !count;
		break;
	default:
		expect_access(model, op, expect);
	}
}

static void apply_write(struct model *model, const struct op *op)
{
	const struct arena *arena = &model->processes[op->worker].arena;
	uint64_t place = op->arg[A_PAGE] * PAGE + op->arg[A_OFFSET];
	const uint8_t *value = (const uint8_t *)&op->arg[A_VALUE];
	uint8_t *bytes;
	uint64_t i;

	for (i = 0; i < op->arg[A_SIZE]; i++, place++) {
		bytes = page_bytes(model, &arena->pages[place / PAGE]);
		if (bytes)
			bytes[place % PAGE] = value[i];
	}
}

void touch_memory(struct model *model, const struct op *op)
{
	struct process *process = &model->processes[op->worker];
	uint64_t place = op->arg[A_PAGE] * PAGE + op->arg[A_OFFSET];
	const struct arena_page *page;
	int end;

	if (op->kind == OP_ADVISE || op->kind == OP_LOCK)
		memset(process->zapped, 0, sizeof(process->zapped));
	if (op->kind != OP_ACCESS)
		return;
	for (end = 0; end < 2; end++, place += op->arg[A_SIZE] - 1) {
		page = &process->arena.pages[place / PAGE];
		if (page->object)
			process->zapped[page_device(model, page) -
					model->devices] = false;
	}
}

void apply_memory(struct model *model, const struct op *op)
{
	struct process *process = &model->processes[op->worker];
	struct lease *lease = process->slots[op->arg[A_SLOT]].lease;
	struct arena *arena = &process->arena;
	uint64_t page = op->arg[A_PAGE], count = op->arg[A_COUNT];
	struct arena_page first = {
		.index = (uint32_t)op->arg[A_OFFSET],
		.prot = (uint8_t)op->arg[A_PROT],
		.may_write = true,
		.object = &model->devices[op->arg[A_DEV]],
	};

	switch (op->kind) {
	case OP_MAP:
		first.object = lease;
		first.may_write = lease->access == O_RDWR;
		arena_map(arena, page, count, &first);
		break;
	case OP_MAP_BAR:
		arena_map(arena, page, count, &first);
		break;
	case OP_UNMAP:
		arena_unmap(arena, page, count);
		break;
	case OP_PROTECT:
		arena_protect(arena, page, count, (uint8_t)op->arg[A_PROT],
			      true);
		break;
	case OP_MOVE:
		if (op->arg[A_FLAGS] & MREMAP_FIXED)
			arena_move(arena, page, count, op->arg[A_PAGE2],
				   op->arg[A_COUNT2]);
		else if (op->arg[A_COUNT2] < count)
			arena_unmap(arena, page + op->arg[A_COUNT2],
				    count - op->arg[A_COUNT2]);
		break;
	case OP_ADVISE:
		if (op->arg[A_VALUE] == MADV_DONTFORK)
			arena_dont_fork(arena, page, count);
		break;
	default:
		if (op->arg[A_WRITE])
			apply_write(model, op);
	}
}
