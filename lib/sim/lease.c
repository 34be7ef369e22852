// SPDX-License-Identifier: MIT
/* The leases of a simulated device, from export to the end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lease/msix.h"
#include "sim/sim.h"

static bool same_file(const struct sim_file *a, const struct sim_file *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static uint64_t hash_of(const struct sim_file *file)
{
	return table_hash(file->device, file->inode);
}

static struct sim_lease *live_of(const struct sim *sim,
				 const struct sim_file *file)
{
	struct table_node *node;

	for (node = table_first(&sim->files, hash_of(file)); node;
	     node = node->next) {
		struct sim_lease *lease =
			container_of(node, struct sim_lease, by_file);

		if (same_file(&lease->file, file))
			return lease;
	}
	return NULL;
}

/* They are few. */
static struct sim_lease *ended_of(const struct sim *sim,
				  const struct sim_file *file)
{
	struct list *link, *next;

	list_for_each(link, next, &sim->ended) {
		struct sim_lease *lease =
			list_entry(link, struct sim_lease, link);

		if (same_file(&lease->file, file))
			return lease;
	}
	return NULL;
}

/* Its number, and that of its file. */
static void ended_forget(struct sim *sim, struct sim_lease *lease)
{
	list_remove(&lease->link);
	sim->ended_count--;
	free(lease);
}

/* A live lease by any fd of it, or why that is none of this device's. */
static int live_find(struct sim *sim, int fd, struct sim_lease **lease)
{
	struct sim_file file;
	int err;

	err = sim_lease_file_get(fd, &file);
	if (err)
		return err;
	*lease = live_of(sim, &file);
	if (*lease)
		return 0;
	/* Nobody has one without a byte any more, whose ever it was. */
	return file.size ? -ENODEV : -EBADFD;
}

/* As the kernel names a DMABUF when nobody does: what it is of. */
static int file_create(struct sim *sim, const struct sim_lease *lease,
		       const struct barlease_terms *terms)
{
	char name[BARLEASE_BDF_MAX + 64];

	if (terms->name)
		return sim_lease_file_create(terms->name, lease->info.length,
					     terms->access);
	snprintf(name, sizeof(name), "%s:%u[%llx+%llx]", sim->device.bdf,
		 lease->info.bar, (unsigned long long)lease->ranges[0].offset,
		 (unsigned long long)lease->ranges[0].length);
	return sim_lease_file_create(name, lease->info.length, terms->access);
}

int sim_lease_add(struct sim *sim, struct sim_lease *lease)
{
	struct sim_lease *ended;
	int err;

	lease->info.id = sim->last_id + 1;
	err = sim_index_add(&sim->index, lease);
	if (err)
		return err;
	/* The number of a file that is gone may come again. */
	ended = ended_of(sim, &lease->file);
	if (ended)
		ended_forget(sim, ended);
	sim->last_id++;
	table_add(&sim->files, &lease->by_file, hash_of(&lease->file));
	list_add(&sim->live, &lease->link);
	return 0;
}

/* Copy what it is of, and make it one of the device's. */
static int lease_begin(struct sim *sim, struct sim_lease *lease)
{
	uint64_t position = 0;
	int err = 0;

	pthread_mutex_lock(&sim->lock);
	for (unsigned int i = 0; !err && i < lease->info.ranges; i++) {
		err = sim_memory_fetch(sim, lease->info.bar, &lease->ranges[i],
				       lease->fd, position);
		position += lease->ranges[i].length;
	}
	if (!err)
		err = sim_lease_add(sim, lease);
	pthread_mutex_unlock(&sim->lock);
	return err;
}

int sim_lease_export(struct barlease_device *dev, unsigned int bar,
		     const struct barlease_range *ranges, unsigned int count,
		     const struct barlease_terms *terms)
{
	struct sim *sim = sim_of(dev);
	struct sim_lease *lease;
	uint64_t length;
	int fd, err;

	err = barlease_msix_check(dev, bar, ranges, count, terms);
	if (err)
		return err;
	err = sim_ranges_check(sim, bar, ranges, count, &length);
	if (err)
		return err;
	if (terms->attribute != BARLEASE_NON_CACHED &&
	    terms->attribute != BARLEASE_WRITE_COMBINING)
		return -EINVAL;
	if (terms->name && strlen(terms->name) >= BARLEASE_LEASE_NAME_MAX)
		return -ENAMETOOLONG;

	lease = calloc(1, sizeof(*lease) + count * sizeof(*ranges));
	if (!lease)
		return -ENOMEM;
	lease->info = (struct barlease_info){
		.length = length,
		.bar = bar,
		.access = terms->access,
		.attribute = terms->attribute,
		.state = BARLEASE_IS_LIVE,
		.ranges = count,
	};
	memcpy(lease->ranges, ranges, count * sizeof(*ranges));

	lease->fd = file_create(sim, lease, terms);
	if (lease->fd < 0) {
		err = lease->fd;
		goto err_free;
	}
	fd = sim_lease_file_open(lease->fd, terms->access);
	if (fd < 0) {
		err = fd;
		goto err_close_file;
	}
	err = sim_lease_file_get(lease->fd, &lease->file);
	if (!err)
		err = lease_begin(sim, lease);
	if (err)
		goto err_close;
	return fd;

err_close:
	close(fd);
err_close_file:
	close(lease->fd);
err_free:
	free(lease);
	return err;
}

int sim_lease_set_attribute(struct barlease_device *dev, int fd,
			    enum barlease_attribute attribute)
{
	struct sim *sim = sim_of(dev);
	struct sim_lease *lease;
	int err;

	pthread_mutex_lock(&sim->lock);
	err = live_find(sim, fd, &lease);
	if (!err)
		lease->info.attribute = attribute;
	pthread_mutex_unlock(&sim->lock);
	return err;
}

int sim_lease_info(struct barlease_device *dev, int fd,
		   struct barlease_info *info, struct barlease_range *ranges,
		   unsigned int count)
{
	struct sim *sim = sim_of(dev);
	struct sim_lease *lease;
	struct sim_file file;
	int err;

	err = sim_lease_file_get(fd, &file);
	if (err)
		return err;
	pthread_mutex_lock(&sim->lock);
	lease = live_of(sim, &file);
	if (!lease)
		lease = ended_of(sim, &file);
	if (lease) {
		*info = lease->info;
		if (count > info->ranges)
			count = info->ranges;
		if (count)
			memcpy(ranges, lease->ranges, count * sizeof(*ranges));
	}
	pthread_mutex_unlock(&sim->lock);
	return lease ? 0 : -ENODEV;
}

/* After this every mapping of it has no page behind it, in all processes. */
static int lease_cut(const struct sim_lease *lease)
{
	return ftruncate(lease->fd, 0) < 0 ? -errno : 0;
}

static void live_remove(struct sim *sim, struct sim_lease *lease)
{
	close(lease->fd);
	lease->fd = -1;
	sim_index_remove(&sim->index, lease);
	table_remove(&sim->files, &lease->by_file);
	list_remove(&lease->link);
}

int sim_lease_revoke(struct barlease_device *dev, int fd)
{
	struct sim *sim = sim_of(dev);
	struct sim_lease *lease;
	int err, restored;

	pthread_mutex_lock(&sim->lock);
	err = live_find(sim, fd, &lease);
	if (err)
		goto out;
	restored = sim_memory_restore(sim, lease);
	err = lease_cut(lease);
	if (err)
		goto out;
	live_remove(sim, lease);
	lease->info.state = BARLEASE_IS_REVOKED;
	list_add(&sim->ended, &lease->link);
	if (++sim->ended_count > SIM_ENDED_MAX)
		ended_forget(sim, list_entry(sim->ended.prev, struct sim_lease,
					     link));
	err = restored;
out:
	pthread_mutex_unlock(&sim->lock);
	return err;
}

void sim_leases_end(struct sim *sim)
{
	while (!list_empty(&sim->live)) {
		struct sim_lease *lease =
			list_entry(sim->live.next, struct sim_lease, link);

		lease_cut(lease);
		live_remove(sim, lease);
		free(lease);
	}
	while (!list_empty(&sim->ended))
		ended_forget(sim, list_entry(sim->ended.next, struct sim_lease,
					     link));
}
