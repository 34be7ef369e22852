// SPDX-License-Identifier: MIT
/* A simulated device as a whole: how it begins and ends, and its regions. */
#include <ctype.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/sim.h"

/* PCI_MSIX_FLAGS_QSIZE has 11 bits, for one less. */
#define VECTORS_MAX (PCI_MSIX_FLAGS_QSIZE + 1u)

static void bars_close(const struct sim *sim)
{
	for (unsigned int i = 0; i < BARLEASE_BARS; i++)
		if (sim->bars[i] >= 0)
			close(sim->bars[i]);
}

static void sim_free(struct sim *sim)
{
	table_end(&sim->files);
	table_end(&sim->index.squares);
	free(sim);
}

static void sim_close(struct barlease_device *dev)
{
	struct sim *sim = sim_of(dev);

	sim_leases_end(sim);
	bars_close(sim);
	pthread_mutex_destroy(&sim->lock);
	sim_free(sim);
}

static int sim_probe(const struct barlease_device *dev)
{
	(void)dev;
	return BARLEASE_BY_SIMULATION;
}

static unsigned int sim_features(const struct barlease_device *dev)
{
	(void)dev;
	return BARLEASE_CAN_EXPORT | BARLEASE_CAN_REVOKE | BARLEASE_CAN_MEMATTR;
}

/* Nobody can take away what is in the memory of a process. */
static int sim_watch(struct barlease_device *dev)
{
	(void)dev;
	return -EOPNOTSUPP;
}

static int sim_reset(struct barlease_device *dev)
{
	struct sim *sim = sim_of(dev);
	int err;

	pthread_mutex_lock(&sim->lock);
	err = sim_memory_reset(sim);
	pthread_mutex_unlock(&sim->lock);
	return err;
}

/* A file that was cut off has no way back: nobody's access can be suspended. */
static int sim_set_memory(struct barlease_device *dev, bool on)
{
	(void)dev;
	return on ? 0 : -EOPNOTSUPP;
}

static int sim_msix(struct barlease_device *dev, struct barlease_msix *msix)
{
	const struct sim *sim = sim_of(dev);

	if (!sim->msix.vectors)
		return -ENOENT;
	*msix = sim->msix;
	return 0;
}

static int sim_region_get(struct barlease_device *dev, unsigned int index,
			  struct barlease_region *region)
{
	const struct sim *sim = sim_of(dev);

	if (index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	*region = (struct barlease_region){ 0 };
	if (index < BARLEASE_BARS && sim->bar_size[index]) {
		region->size = sim->bar_size[index];
		region->readable = true;
		region->writable = true;
		region->mappable =
			region->size >= (uint64_t)sysconf(_SC_PAGESIZE);
	}
	return 0;
}

static int sim_region_read(struct barlease_device *dev, unsigned int index,
			   const struct barlease_region *region, void *buf,
			   size_t length, uint64_t offset)
{
	struct sim *sim = sim_of(dev);
	int err;

	(void)region;
	pthread_mutex_lock(&sim->lock);
	err = sim_memory_read(sim, index, buf, length, offset);
	pthread_mutex_unlock(&sim->lock);
	return err;
}

static int sim_region_write(struct barlease_device *dev, unsigned int index,
			    const struct barlease_region *region,
			    const void *buf, size_t length, uint64_t offset)
{
	struct sim *sim = sim_of(dev);
	int err;

	(void)region;
	pthread_mutex_lock(&sim->lock);
	err = sim_memory_write(sim, index, buf, length, offset);
	pthread_mutex_unlock(&sim->lock);
	return err;
}

/* It would not see what lessees write, who have files of their own. */
static int sim_region_map(struct barlease_device *dev, unsigned int index,
			  const struct barlease_region *region, uint64_t offset,
			  size_t length, int prot, struct barlease_map *map)
{
	(void)dev;
	(void)index;
	(void)region;
	(void)offset;
	(void)length;
	(void)prot;
	(void)map;
	return -EOPNOTSUPP;
}

static const struct barlease_backend backend = {
	.close = sim_close,
	.probe = sim_probe,
	.features = sim_features,
	.watch = sim_watch,
	.reset = sim_reset,
	.set_memory = sim_set_memory,
	.msix = sim_msix,
	.region_get = sim_region_get,
	.region_read = sim_region_read,
	.region_write = sim_region_write,
	.region_map = sim_region_map,
	.lease_export = sim_lease_export,
	.lease_set_attribute = sim_lease_set_attribute,
	.lease_info = sim_lease_info,
	.lease_revoke = sim_lease_revoke,
	.parts = sim_parts,
	.lease_resume = sim_lease_resume,
};

static int name_check(const char *name)
{
	if (!name || !*name)
		return -EINVAL;
	for (const char *c = name; *c; c++)
		if (!isgraph((unsigned char)*c))
			return -EINVAL;
	return strlen(name) < BARLEASE_BDF_MAX ? 0 : -ENAMETOOLONG;
}

static bool in_bar(const struct barlease_sim_terms *terms, unsigned int bar,
		   const struct barlease_range *range)
{
	uint64_t end;

	return bar < BARLEASE_BARS &&
	       !__builtin_add_overflow(range->offset, range->length, &end) &&
	       end <= terms->bar_size[bar];
}

static int msix_set(struct barlease_msix *msix,
		    const struct barlease_sim_terms *terms)
{
	*msix = terms->msix;
	if (!msix->vectors)
		return 0;
	if (msix->vectors > VECTORS_MAX)
		return -EINVAL;
	msix->table.length = msix->vectors * (uint64_t)PCI_MSIX_ENTRY_SIZE;
	/* A bit for each vector, in words of 64. */
	msix->pba.length = (msix->vectors + 63) / 64 * 8;
	if (!in_bar(terms, msix->table_bar, &msix->table) ||
	    !in_bar(terms, msix->pba_bar, &msix->pba))
		return -EINVAL;
	return 0;
}

static int bars_make(struct sim *sim)
{
	int fd;

	for (unsigned int i = 0; i < BARLEASE_BARS; i++) {
		if (!sim->bar_size[i])
			continue;
		/* No file is as long as this. */
		if (sim->bar_size[i] > INT64_MAX)
			fd = -EINVAL;
		else
			fd = sim_file_create(sim->device.bdf, sim->bar_size[i]);
		if (fd < 0) {
			bars_close(sim);
			return fd == -EFBIG ? -EINVAL : fd;
		}
		sim->bars[i] = fd;
	}
	return 0;
}

int sim_open_with(const struct barlease_sim_terms *terms, const int *bars,
		  struct barlease_device **dev)
{
	struct sim *new;
	int err;

	err = name_check(terms->name);
	if (err)
		return err;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->device = (struct barlease_device){
		.backend = &backend,
		.way = BARLEASE_SIMULATED,
		.iommu_fd = -1,
		.group_fd = -1,
		.fd = -1,
	};
	strcpy(new->device.bdf, terms->name);
	memcpy(new->bar_size, terms->bar_size, sizeof(new->bar_size));

	list_init(&new->live);
	list_init(&new->ended);
	for (unsigned int i = 0; i < BARLEASE_BARS; i++)
		new->bars[i] = bars ? bars[i] : -1;
	err = msix_set(&new->msix, terms);
	if (!err && (table_init(&new->files) || table_init(&new->index.squares)))
		err = -ENOMEM;
	if (!err && !bars)
		err = bars_make(new);
	if (err) {
		sim_free(new);
		return err;
	}
	pthread_mutex_init(&new->lock, NULL);
	*dev = &new->device;
	return 0;
}

int barlease_device_open_sim(const struct barlease_sim_terms *terms,
			     struct barlease_device **dev)
{
	return sim_open_with(terms, NULL, dev);
}
