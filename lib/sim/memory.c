// SPDX-License-Identifier: MIT
/*
 * What the BARs have in them. What lessees can write lies in the files of their
 * leases: the newest of those that have a byte and are writable is the one that
 * counts. What the lessor writes goes to the BAR and to every lease of it, so
 * that a read-only one need never be looked at.
 */
#include "sim/sim.h"

/* A piece of a file. */
struct piece {
	int fd;
	uint64_t offset;
	uint64_t length;
};

/* Where the first bytes of a range of a BAR are, and how many of them. */
static struct piece memory_find(const struct sim *sim, unsigned int bar,
				uint64_t offset, uint64_t length)
{
	struct sim_range found = sim_index_find(&sim->index, bar, offset);
	uint64_t end = sim_index_cut(&sim->index, bar, offset, offset + length,
				     &found);
	struct piece piece = { sim->bars[bar], offset, end - offset };
	const struct barlease_range *range;

	if (!found.lease)
		return piece;
	range = &found.lease->ranges[found.range];
	piece.fd = found.lease->fd;
	piece.offset = offset - range->offset;
	if (piece.length > range->length - piece.offset)
		piece.length = range->length - piece.offset;
	for (unsigned int i = 0; i < found.range; i++)
		piece.offset += found.lease->ranges[i].length;
	return piece;
}

int sim_memory_read(struct sim *sim, unsigned int bar, void *buf, size_t length,
		    uint64_t offset)
{
	char *to = buf;
	int err = 0;

	while (!err && length) {
		struct piece piece = memory_find(sim, bar, offset, length);

		err = sim_file_read(piece.fd, to, (size_t)piece.length,
				    piece.offset);
		to += piece.length;
		length -= (size_t)piece.length;
		offset += piece.length;
	}
	return err;
}

/* Write the bytes of a BAR that a lease has, as often as it has them. */
static int lease_write(const struct sim_lease *lease, const char *from,
		       size_t length, uint64_t offset)
{
	uint64_t end = offset + length;
	uint64_t position = 0;
	int err = 0;

	for (unsigned int i = 0; !err && i < lease->info.ranges; i++) {
		const struct barlease_range *range = &lease->ranges[i];
		uint64_t first = offset, last = end;

		if (first < range->offset)
			first = range->offset;
		if (last > range->offset + range->length)
			last = range->offset + range->length;
		if (first < last)
			err = sim_file_write(lease->fd, from + (first - offset),
					     (size_t)(last - first),
					     position +
						     (first - range->offset));
		position += range->length;
	}
	return err;
}

int sim_memory_write(struct sim *sim, unsigned int bar, const void *buf,
		     size_t length, uint64_t offset)
{
	int err = sim_file_write(sim->bars[bar], buf, length, offset);
	struct list *link, *next;

	list_for_each(link, next, &sim->live) {
		const struct sim_lease *lease =
			list_entry(link, struct sim_lease, link);

		if (!err && lease->info.bar == bar)
			err = lease_write(lease, buf, length, offset);
	}
	return err;
}

int sim_memory_fetch(struct sim *sim, unsigned int bar,
		     const struct barlease_range *range, int to,
		     uint64_t to_offset)
{
	uint64_t done = 0;
	int err = 0;

	while (!err && done < range->length) {
		struct piece piece = memory_find(sim, bar, range->offset + done,
						 range->length - done);

		err = sim_file_copy(piece.fd, piece.offset, to,
				    to_offset + done, piece.length);
		done += piece.length;
	}
	return err;
}

int sim_memory_restore(struct sim *sim, const struct sim_lease *lease)
{
	uint64_t position = 0;
	int err = 0;

	if (lease->info.access == BARLEASE_READ_ONLY)
		return 0;
	for (unsigned int i = 0; i < lease->info.ranges; i++) {
		const struct barlease_range *range = &lease->ranges[i];
		int copied = sim_file_copy(lease->fd, position,
					   sim->bars[lease->info.bar],
					   range->offset, range->length);

		if (!err)
			err = copied;
		position += range->length;
	}
	return err;
}

int sim_memory_reset(struct sim *sim)
{
	struct list *link, *next;
	int err = 0;

	for (unsigned int bar = 0; !err && bar < BARLEASE_BARS; bar++)
		if (sim->bar_size[bar])
			err = sim_file_zero(sim->bars[bar], 0,
					    sim->bar_size[bar]);
	list_for_each(link, next, &sim->live) {
		const struct sim_lease *lease =
			list_entry(link, struct sim_lease, link);

		if (!err)
			err = sim_file_zero(lease->fd, 0, lease->info.length);
	}
	return err;
}
