// SPDX-License-Identifier: MIT
/*
 * Which writable lease has a byte of a BAR, however many leases there are. Each
 * BAR is cut into squares, anew for each power of 2. A range is noted in the
 * squares that it touches of the least size that is not below its own: these
 * are one or two. So of ranges that do not overlap there are few in a square,
 * and of those that do the newest is the first.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/sim.h"

struct sim_square {
	struct table_node node;
	unsigned int bar, order; /* it has 2^order bytes */
	uint64_t number;
	struct list places; /* the newest first */
};

struct sim_place {
	struct list link; /* of its square */
	struct sim_square *square;
	struct sim_range what;
};

static const struct barlease_range *range_of(const struct sim_range *what)
{
	return &what->lease->ranges[what->range];
}

/* The last of several ranges of a lease counts. */
static bool is_newer(const struct sim_range *a, const struct sim_range *b)
{
	if (!b->lease || a->lease->info.id > b->lease->info.id)
		return true;
	return a->lease == b->lease && a->range > b->range;
}

/* The least that is not below the length. */
static unsigned int order_of(uint64_t length)
{
	unsigned int order = 0;

	while (length > 1ull << order)
		order++;
	return order;
}

static uint64_t hash_of(unsigned int bar, unsigned int order, uint64_t number)
{
	return table_hash(bar * 64u + order, number);
}

static struct sim_square *square_find(const struct sim_index *index,
				      unsigned int bar, unsigned int order,
				      uint64_t number)
{
	uint64_t hash = hash_of(bar, order, number);
	struct table_node *node;

	for (node = table_first(&index->squares, hash); node;
	     node = node->next) {
		struct sim_square *square =
			container_of(node, struct sim_square, node);

		if (square->bar == bar && square->order == order &&
		    square->number == number)
			return square;
	}
	return NULL;
}

static struct sim_square *square_get(struct sim_index *index, unsigned int bar,
				     unsigned int order, uint64_t number)
{
	struct sim_square *square = square_find(index, bar, order, number);

	if (square)
		return square;
	square = calloc(1, sizeof(*square));
	if (!square)
		return NULL;
	square->bar = bar;
	square->order = order;
	square->number = number;
	list_init(&square->places);
	table_add(&index->squares, &square->node, hash_of(bar, order, number));
	index->counts[bar][order]++;
	return square;
}

static void square_put(struct sim_index *index, struct sim_square *square)
{
	if (!list_empty(&square->places))
		return;
	table_remove(&index->squares, &square->node);
	index->counts[square->bar][square->order]--;
	free(square);
}

int sim_index_add(struct sim_index *index, struct sim_lease *lease)
{
	unsigned int count = 0;

	if (lease->info.access == BARLEASE_READ_ONLY)
		return 0;
	lease->places = calloc(2ul * lease->info.ranges,
			       sizeof(*lease->places));
	if (!lease->places)
		return -ENOMEM;
	for (unsigned int i = 0; i < lease->info.ranges; i++) {
		const struct barlease_range *range = &lease->ranges[i];
		unsigned int order = order_of(range->length);
		uint64_t last = range->offset + (range->length - 1);

		for (uint64_t number = range->offset >> order;
		     number <= last >> order; number++) {
			struct sim_place *place = &lease->places[count++];

			place->what = (struct sim_range){ lease, i };
			place->square = square_get(index, lease->info.bar,
						   order, number);
			if (!place->square) {
				sim_index_remove(index, lease);
				return -ENOMEM;
			}
			list_add(&place->square->places, &place->link);
		}
	}
	return 0;
}

void sim_index_remove(struct sim_index *index, struct sim_lease *lease)
{
	if (!lease->places)
		return;
	for (unsigned int i = 0; i < 2 * lease->info.ranges; i++) {
		struct sim_place *place = &lease->places[i];

		if (!place->square)
			continue;
		list_remove(&place->link);
		square_put(index, place->square);
	}
	free(lease->places);
	lease->places = NULL;
}

/* The newest in a square that has a byte, if it is newer than @found. */
static void square_search(const struct sim_square *square, uint64_t offset,
			  struct sim_range *found)
{
	struct list *link, *next;

	list_for_each(link, next, &square->places) {
		const struct sim_place *place =
			list_entry(link, struct sim_place, link);
		const struct barlease_range *range = range_of(&place->what);

		if (!is_newer(&place->what, found))
			return;
		if (offset >= range->offset &&
		    offset - range->offset < range->length) {
			*found = place->what;
			return;
		}
	}
}

struct sim_range sim_index_find(const struct sim_index *index, unsigned int bar,
				uint64_t offset)
{
	struct sim_range found = { NULL, 0 };

	for (unsigned int order = 0; order < SIM_ORDERS; order++) {
		const struct sim_square *square;

		if (!index->counts[bar][order])
			continue;
		square = square_find(index, bar, order, offset >> order);
		if (square)
			square_search(square, offset, &found);
	}
	return found;
}

/* The first of those in a square that are newer begins there, or later. */
static uint64_t square_cut(const struct sim_square *square, uint64_t offset,
			   uint64_t end, const struct sim_range *found)
{
	struct list *link, *next;

	list_for_each(link, next, &square->places) {
		const struct sim_place *place =
			list_entry(link, struct sim_place, link);
		uint64_t begin = range_of(&place->what)->offset;

		if (!is_newer(&place->what, found))
			break;
		if (begin > offset && begin < end)
			end = begin;
	}
	return end;
}

/* Where there are fewer squares than there could be in a long range. */
static uint64_t each_cut(const struct sim_index *index, unsigned int bar,
			 unsigned int order, uint64_t offset, uint64_t end,
			 const struct sim_range *found)
{
	for (size_t i = 0; i < index->squares.size; i++) {
		const struct table_node *node = index->squares.buckets[i];

		for (; node; node = node->next) {
			const struct sim_square *square = container_of(
				node, struct sim_square, node);

			if (square->bar == bar && square->order == order)
				end = square_cut(square, offset, end, found);
		}
	}
	return end;
}

uint64_t sim_index_cut(const struct sim_index *index, unsigned int bar,
		       uint64_t offset, uint64_t end,
		       const struct sim_range *found)
{
	for (unsigned int order = 0; order < SIM_ORDERS; order++) {
		uint64_t first = offset >> order;
		const struct sim_square *square;

		if (!index->counts[bar][order])
			continue;
		if (((end - 1) >> order) - first >= index->squares.size) {
			end = each_cut(index, bar, order, offset, end, found);
			continue;
		}
		for (uint64_t i = first; i <= (end - 1) >> order; i++) {
			square = square_find(index, bar, order, i);
			if (square)
				end = square_cut(square, offset, end, found);
		}
	}
	return end;
}
