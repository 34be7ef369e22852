// SPDX-License-Identifier: MIT
/* Many leases of a simulated device, of any ranges, one over the other. */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEASES 40
#define RANGES 4
#define STEPS 3000

static int callocs_left = -1; /* before there is no memory; -1: there is */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	if (!callocs_left)
		return NULL;
	if (callocs_left > 0)
		callocs_left--;
	return __real_calloc(count, size);
}

/* What a lease should be: a word at the beginning of each of its pages. */
struct lease {
	int fd; /* 0: none */
	uint64_t since;
	bool writable;
	unsigned int ranges;
	unsigned int page[RANGES], pages[RANGES];
	uint32_t words[RANGES][SIM_PAGES];
};

struct model {
	struct barlease_device *device;
	struct lease leases[LEASES];
	uint32_t bar[SIM_PAGES];
	uint64_t time;
	uint32_t last_word;
	unsigned int random;
};

static unsigned int any(struct model *model, unsigned int below)
{
	model->random = model->random * 1664525 + 1013904223;
	return (model->random >> 8) % below;
}

/* The word of the newest writable lease that has the page, or of the BAR. */
static uint32_t word_of(const struct model *model, unsigned int page)
{
	const struct lease *newest = NULL;
	uint32_t word = model->bar[page];

	for (unsigned int i = 0; i < LEASES; i++) {
		const struct lease *lease = &model->leases[i];

		if (!lease->fd || !lease->writable ||
		    (newest && newest->since > lease->since))
			continue;
		for (unsigned int j = 0; j < lease->ranges; j++)
			if (page - lease->page[j] < lease->pages[j]) {
				newest = lease;
				word = lease->words[j][page - lease->page[j]];
			}
	}
	return word;
}

static void lend(struct model *model, struct lease *lease)
{
	struct barlease_range ranges[RANGES];

	lease->since = ++model->time;
	lease->writable = any(model, 4);
	lease->ranges = 1 + any(model, RANGES);
	for (unsigned int i = 0; i < lease->ranges; i++) {
		lease->page[i] = any(model, SIM_PAGES);
		lease->pages[i] = 1 + any(model, SIM_PAGES - lease->page[i]);
		if (any(model, 2))
			lease->pages[i] = 1;
		ranges[i] = (struct barlease_range){ lease->page[i] * PAGE,
						     lease->pages[i] * PAGE };
		for (unsigned int j = 0; j < lease->pages[i]; j++)
			lease->words[i][j] = word_of(model, lease->page[i] + j);
	}
	lease->fd = barlease_lease_export(model->device, SIM_BAR, ranges,
					  lease->ranges,
					  lease->writable ? BARLEASE_READ_WRITE
							  : BARLEASE_READ_ONLY);
	assert_true(lease->fd > 0);
}

static void take_back(struct model *model, struct lease *lease)
{
	assert_int_equal(barlease_lease_revoke(model->device, lease->fd), 0);
	close(lease->fd);
	lease->fd = 0;
	for (unsigned int i = 0; lease->writable && i < lease->ranges; i++)
		for (unsigned int j = 0; j < lease->pages[i]; j++)
			model->bar[lease->page[i] + j] = lease->words[i][j];
}

/* A lessee writes a word somewhere, and reads what should be in another one. */
static void use(struct model *model, struct lease *lease)
{
	unsigned int range = any(model, lease->ranges), page, before = 0;
	uint32_t word;

	page = any(model, lease->pages[range]);
	for (unsigned int i = 0; i < range; i++)
		before += lease->pages[i];
	assert_int_equal(pread(lease->fd, &word, sizeof(word),
			       (off_t)(before + page) * PAGE),
			 sizeof(word));
	if (!lease->writable)
		return;
	assert_int_equal(word, lease->words[range][page]);
	lease->words[range][page] = ++model->last_word;
	assert_int_equal(pwrite(lease->fd, &model->last_word, sizeof(word),
				(off_t)(before + page) * PAGE),
			 sizeof(word));
}

/* All of it at once, so that it comes from many files. */
static void check(struct model *model)
{
	static char bytes[SIM_PAGES * PAGE];
	unsigned int first = any(model, SIM_PAGES);
	unsigned int count = SIM_PAGES - first;
	uint32_t word;

	assert_int_equal(barlease_region_read(model->device, SIM_BAR, bytes,
					      count * PAGE, first * PAGE),
			 0);
	for (unsigned int i = 0; i < count; i++) {
		memcpy(&word, bytes + i * PAGE, sizeof(word));
		assert_int_equal(word, word_of(model, first + i));
	}
}

static void what_is_there_is_of_the_newest_lease_that_has_it(void **state)
{
	static struct model model;

	model = (struct model){ .device = *state, .random = 7 };
	for (unsigned int i = 0; i < STEPS; i++) {
		struct lease *lease = &model.leases[any(&model, LEASES)];

		if (!lease->fd)
			lend(&model, lease);
		else if (any(&model, 3))
			use(&model, lease);
		else
			take_back(&model, lease);
		check(&model);
	}
	for (unsigned int i = 0; i < LEASES; i++)
		if (model.leases[i].fd)
			take_back(&model, &model.leases[i]);
	check(&model);
}

/* Both are far apart, in sizes as well: few squares in a long range. */
static void a_long_lease_begins_with_what_short_ones_have(void **state)
{
	const struct barlease_range all = { 0, 1 << 30 };
	const uint64_t places[] = { 0, PAGE, 0x100000, 0x3ffff000 };
	struct barlease_range range = { 0, PAGE };
	struct barlease_device *device = *state;
	uint32_t word;
	int fds[4], fd;

	for (unsigned int i = 0; i < 4; i++) {
		range.offset = places[i];
		fds[i] = barlease_lease_export(device, SIM_HUGE_BAR, &range, 1,
					       BARLEASE_READ_WRITE);
		assert_true(fds[i] >= 0);
		word = i + 1;
		assert_int_equal(pwrite(fds[i], &word, sizeof(word), 0),
				 sizeof(word));
	}
	fd = barlease_lease_export(device, SIM_HUGE_BAR, &all, 1,
				   BARLEASE_READ_WRITE);
	assert_true(fd >= 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(pread(fd, &word, sizeof(word),
				       (off_t)places[i]),
				 sizeof(word));
		assert_int_equal(word, i + 1);
		/* It has them all now. */
		assert_int_equal(barlease_lease_revoke(device, fds[i]), 0);
		close(fds[i]);
	}
	close(fd);
}

static void an_export_without_memory_leaves_nothing(void **state)
{
	const struct barlease_range ranges[] = { { 0, 3 * PAGE },
						 { PAGE, 9 * PAGE } };
	unsigned int fds = fd_count(), failed = 0;
	int fd;

	for (int left = 0;; left++) {
		callocs_left = left;
		fd = barlease_lease_export(*state, SIM_BAR, ranges, 2,
					   BARLEASE_READ_WRITE);
		callocs_left = -1;
		if (fd >= 0)
			break;
		assert_int_equal(fd, -ENOMEM);
		assert_int_equal(fd_count(), fds);
		assert_int_equal(sim_read(*state, PAGE), 0);
		failed++;
	}
	/* The lease, where it is, and the squares. */
	assert_true(failed >= 4);
	sim_write(*state, PAGE, 5);
	assert_int_equal(sim_read(*state, PAGE), 5);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(what_is_there_is_of_the_newest_lease_that_has_it),
		sim_test(a_long_lease_begins_with_what_short_ones_have),
		sim_test(an_export_without_memory_leaves_nothing),
	};

	return cmocka_run_group_tests_name("sim_many", tests, NULL, NULL);
}
