// SPDX-License-Identifier: MIT
/* A simulated device and its leases, from the files that another one had. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/sim.h"

int sim_parts(const struct barlease_device *dev, struct barlease_part *parts)
{
	const struct sim *sim = sim_of(dev);
	int count = 0;

	/* Where that is, no file tells. */
	if (sim->msix.vectors)
		return -EOPNOTSUPP;
	for (unsigned int i = 0; i < BARLEASE_BARS; i++) {
		if (sim->bars[i] < 0)
			continue;
		snprintf(parts[count].name, sizeof(parts[count].name), "bar%u",
			 i);
		parts[count++].fd = sim->bars[i];
	}
	return count;
}

/* A file of memory that has its size for good, or for as long as we have it. */
static int bar_check(int fd, uint64_t *size)
{
	struct stat status;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &status) < 0)
		return -EBADF;
	if ((flags & O_ACCMODE) != O_RDWR || (flags & O_PATH) ||
	    fcntl(fd, F_GET_SEALS) < 0 || status.st_size <= 0)
		return -EINVAL;
	*size = (uint64_t)status.st_size;
	return 0;
}

static int bar_take(struct barlease_sim_terms *terms, int *bars,
		    const struct barlease_part *part)
{
	unsigned int bar = (unsigned int)(part->name[3] - '0');

	if (strncmp(part->name, "bar", 3) != 0 || bar >= BARLEASE_BARS ||
	    part->name[4] || bars[bar] >= 0)
		return -EINVAL;
	bars[bar] = part->fd;
	return bar_check(part->fd, &terms->bar_size[bar]);
}

int sim_resume(const char *name, const struct barlease_part *parts,
	       unsigned int count, struct barlease_device **dev)
{
	struct barlease_sim_terms terms = { .name = name };
	int bars[BARLEASE_BARS] = { -1, -1, -1, -1, -1, -1 };
	int err = count ? 0 : -EINVAL;

	for (unsigned int i = 0; !err && i < count; i++)
		err = bar_take(&terms, bars, &parts[i]);
	if (err)
		return err;
	return sim_open_with(&terms, bars, dev);
}

/* An open file of the lessor's own, from one that the lessee has a copy of. */
static int own_open(int fd, enum barlease_access access)
{
	int opened;

	if (access == BARLEASE_READ_WRITE)
		return sim_lease_file_open(fd, access);
	/* Who is not root may not even open what is his own for writing. */
	if (fchmod(fd, 0600) < 0)
		return -errno;
	opened = sim_lease_file_open(fd, BARLEASE_READ_WRITE);
	if (fchmod(fd, 0400) < 0 && opened >= 0) {
		close(opened);
		return -errno;
	}
	return opened;
}

static int access_of(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return BARLEASE_READ_ONLY;
	case O_RDWR:
		return BARLEASE_READ_WRITE;
	default:
		return -EINVAL;
	}
}

int sim_lease_resume(struct barlease_device *dev, int fd, unsigned int bar,
		     const struct barlease_range *range,
		     const struct barlease_terms *terms)
{
	struct sim *sim = sim_of(dev);
	struct sim_lease *lease;
	struct sim_file file;
	uint64_t length;
	int err;

	err = sim_ranges_check(sim, bar, range, 1, &length);
	if (!err)
		err = sim_lease_file_get(fd, &file);
	if (err)
		return err;
	/* A lessee can have cut it off, too. */
	if (!file.size)
		return -EBADFD;
	if (file.size > length || access_of(fd) != (int)terms->access)
		return -EINVAL;
	lease = calloc(1, sizeof(*lease) + sizeof(*range));
	if (!lease)
		return -ENOMEM;
	lease->fd = own_open(fd, terms->access);
	if (lease->fd < 0) {
		err = lease->fd;
		free(lease);
		return err;
	}
	lease->file = file;
	lease->info = (struct barlease_info){
		.length = length,
		.bar = bar,
		.access = terms->access,
		.attribute = terms->attribute,
		.state = BARLEASE_IS_LIVE,
		.ranges = 1,
	};
	lease->ranges[0] = *range;
	pthread_mutex_lock(&sim->lock);
	err = sim_lease_add(sim, lease);
	pthread_mutex_unlock(&sim->lock);
	if (err) {
		close(lease->fd);
		free(lease);
	}
	return err;
}
