// SPDX-License-Identifier: MIT
/* The lessor of a race: open, export, revoke, close. */
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "race.h"
#include "touch.h"

#define EXPORTERS_MAX 4

struct lessor {
	struct race *race;
	struct race_device device;
	uint32_t round;
	atomic_uint next_seed;
};

static uint32_t seed_of(struct lessor *lessor)
{
	return lessor->round * 1000 + lessor->race->seed * 10 +
	       atomic_fetch_add(&lessor->next_seed, 1) + 1;
}

/* One to three ranges, small or with room for huge pages. */
static void choose_ranges(const struct race_place *place, uint32_t *seed,
			  struct race_lease *lease)
{
	uint32_t small = place->pages < 72 ? place->pages : 72;
	uint32_t i, pages, room;

	lease->pages = 0;
	lease->ranges = 1 + race_random(seed, RACE_RANGES);
	for (i = 0; i < lease->ranges; i++) {
		room = small < 8 ? small : 8;
		pages = 1 + race_random(seed, room);
		lease->range[i].first = race_random(seed, small - pages + 1);
		lease->range[i].pages = pages;
		lease->pages += pages;
	}
	if (!place->huge || race_random(seed, 8))
		return;
	room = place->pages - 2 * place->huge;
	pages = place->huge;
	if (room)
		pages += race_random(seed, room < 512 ? room : 512);
	lease->ranges = 1;
	lease->range[0].first = place->huge;
	lease->range[0].pages = pages;
	lease->pages = pages;
}

static int export_some(struct lessor *lessor, uint32_t *seed, int device,
		       struct race_lease *lease)
{
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf export;
		struct vfio_region_dma_range ranges[RACE_RANGES];
	} request = {
		.feature = {
			.argsz = sizeof(request),
			.flags = VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_DMA_BUF,
		},
	};
	const struct race_place *place = lessor->race->place;
	uint32_t i;
	int fd;

	choose_ranges(place, seed, lease);
	lease->writable = !place->kinds || race_random(seed, 4);
	request.export.region_index = place->bar;
	request.export.open_flags = O_CLOEXEC |
				    (lease->writable ? O_RDWR : O_RDONLY);
	request.export.nr_ranges = lease->ranges;
	for (i = 0; i < lease->ranges; i++) {
		request.ranges[i].offset = lease->range[i].first * PAGE;
		request.ranges[i].length = lease->range[i].pages * PAGE;
	}
	lease->round = lessor->round;
	lease->id = atomic_fetch_add(&lessor->race->next_lease, 1);
	ASSERT(lease->id < RACE_LEASES);
	fd = (int)ASSERT_SYS(ioctl(device, VFIO_DEVICE_FEATURE, &request));
	race_count(lessor->race, RACE_EXPORTS);
	return fd;
}

/* What is pulled out has ended all leases by itself. */
static bool has_ended_itself(struct lessor *lessor, int error)
{
	return error == EBADFD && lessor->race->place->vanishes;
}

static void make_wc(struct lessor *lessor, int device, int fd)
{
	struct {
		struct vfio_device_feature feature;
		struct barlease_memattr memattr;
	} request = {
		.feature = {
			.argsz = sizeof(request),
			.flags = VFIO_DEVICE_FEATURE_SET |
				 BARLEASE_FEATURE_MEMATTR,
		},
		.memattr = {
			.dmabuf_fd = fd,
			.memattr = BARLEASE_MEMATTR_WC,
		},
	};

	if (ioctl(device, VFIO_DEVICE_FEATURE, &request) &&
	    !has_ended_itself(lessor, errno))
		FAIL("write-combining: %s", errno_name(errno));
}

static int take_back(int device, int fd)
{
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf_revoke revoke;
	} request = {
		.feature = {
			.argsz = sizeof(request),
			.flags = VFIO_DEVICE_FEATURE_SET |
				 VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE,
		},
		.revoke = { .dmabuf_fd = fd },
	};

	return ioctl(device, VFIO_DEVICE_FEATURE, &request);
}

/* What the lease is, and that the kernel says so. */
static void look(struct lessor *lessor, int device,
		 const struct race_lease *lease, int fd, bool ended)
{
	struct {
		struct vfio_device_feature feature;
		struct barlease_lease_info info;
	} request = {
		.feature = {
			.argsz = sizeof(request),
			.flags = VFIO_DEVICE_FEATURE_GET | BARLEASE_FEATURE_INFO,
		},
		.info = { .dmabuf_fd = fd },
	};

	ASSERT_SYS(ioctl(device, VFIO_DEVICE_FEATURE, &request));
	ASSERT_EQ(request.info.length, lease->pages * PAGE);
	if (ended)
		ASSERT_COMPARE(request.info.state, >=, BARLEASE_STATE_REVOKED);
	race_count(lessor->race, RACE_LOOKS);
}

/* Touch it, then take it away, and see that it is gone. */
static void use_and_revoke(struct lessor *lessor, uint32_t *seed, int device,
			   const struct race_lease *lease, int fd)
{
	int prot = lease->writable ? PROT_READ | PROT_WRITE : PROT_READ;
	size_t length = lease->pages * PAGE;
	uint32_t *map;

	map = mmap(NULL, length, prot, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		ASSERT_EQ(errno, ENODEV);
		map = NULL;
	} else {
		touch_read(map, NULL);
		if (lease->writable)
			touch_write(page_word(map, lease->pages - 1) + 1,
				    lease->id);
	}
	if (race_random(seed, 2))
		usleep(race_random(seed, 40000));
	look(lessor, device, lease, fd, false);

	if (take_back(device, fd) && !has_ended_itself(lessor, errno))
		FAIL("revoke: %s", errno_name(errno));
	atomic_store(&lessor->race->lease_ended[lease->id], true);
	race_count(lessor->race, RACE_REVOKES);

	if (map) {
		ASSERT_TOUCH(touch_read(map, NULL), TOUCH_SIGBUS);
		if (lease->writable)
			ASSERT_GONE(page_word(map, lease->pages - 1) + 1);
		munmap(map, length);
	}
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	ASSERT_ERRNO(take_back(device, fd), EBADFD);
	look(lessor, device, lease, fd, true);
}

static void *export_on(void *arg)
{
	struct lessor *lessor = arg;
	const struct race_place *place = lessor->race->place;
	uint32_t seed = seed_of(lessor);
	struct race_lease lease;
	uint32_t copies;
	int device, fd;

	while (!race_lessor_stops(lessor->race)) {
		device = lessor->device.fds[race_random(&seed,
							lessor->device.count)];
		fd = export_some(lessor, &seed, device, &lease);
		if (place->kinds && !race_random(&seed, 4))
			make_wc(lessor, device, fd);
		for (copies = 1 + race_random(&seed, 3); copies; copies--)
			race_send(lessor->race,
				  race_random(&seed, race_borrowers_inboxes(
							lessor->race)),
				  &lease, fd);
		if (place->importer && lease.writable)
			race_send(lessor->race, RACE_IMPORTER_INBOX, &lease,
				  fd);
		/* Some are left to end with the device. */
		if (race_random(&seed, 8))
			use_and_revoke(lessor, &seed, device, &lease, fd);
		close(fd);
		usleep(race_random(&seed, 2000));
	}
	return NULL;
}

static void *events_on(void *arg)
{
	struct lessor *lessor = arg;
	struct race_events events = {
		.race = lessor->race,
		.device = &lessor->device,
		.seed = seed_of(lessor),
	};

	lessor->race->place->events(&events);
	return NULL;
}

/* It may just be away; whoever took it brings it back. */
static struct barlease_device *open_when_there(struct race *race)
{
	struct barlease_device *dev = NULL;
	const char *reason;

	while (barlease_device_open_by(device_bdf(race->place->name),
				       device_way, NULL, &dev, &reason) ||
	       barlease_device_set_memory(dev, true)) {
		if (dev)
			barlease_device_close(dev);
		dev = NULL;
		if (race_lessor_stops(race))
			_exit(0);
		sleep_ms(10);
	}
	return dev;
}

/*
 * Before anybody has a lease. Return whether they are there: the device may be
 * gone, and one that the emulator has not got is written again. Not through a
 * mapping of the device: once the soft-dirty bits are cleared vfio-pci-core (in
 * 6.12 and 7.3) does not make a huge page's entry writable again, so that the
 * next write there faults for ever.
 */
static bool put_tags(const struct race_place *place,
		     struct barlease_device *dev)
{
	uint32_t page, tag, found = 0;
	unsigned int tries = 0;

	for (page = 0; page < place->pages && tries < 100; page++) {
		tag = page_tag(page);
		for (tries = 0; tries < 100; tries++) {
			if (barlease_region_read(dev, place->bar, &found,
						 sizeof(found), page * PAGE))
				return false;
			if (found == tag)
				break;
			if (barlease_region_write(dev, place->bar, &tag,
						  sizeof(tag), page * PAGE))
				return false;
		}
	}
	return tries < 100;
}

static void open_it(struct race *race, struct race_device *device)
{
	if (race->place->pair) {
		pair_open(&device->pair);
		memcpy(device->fds, device->pair.device, sizeof(device->fds));
		device->count = 2;
		return;
	}
	device->dev = race->place->vanishes ? open_when_there(race) :
					      device_open(race->place->name);
	device->fds[0] = barlease_device_fd(device->dev);
	device->count = 1;
	if (race->place->content == RACE_TAGS &&
	    !put_tags(race->place, device->dev)) {
		if (!race->place->vanishes)
			FAIL("%s does not keep what is written",
			     race->place->name);
		_exit(0);
	}
}

static void close_it(struct race_device *device)
{
	if (device->dev)
		barlease_device_close(device->dev);
	else
		pair_close(&device->pair);
}

void race_lessor(struct race *race, uint32_t round)
{
	struct lessor lessor = { .race = race, .round = round };
	unsigned int exporters = race->place->exporters;
	unsigned int count = exporters + !!race->place->events;
	pthread_t threads[EXPORTERS_MAX + 1];
	unsigned int i;

	ASSERT(exporters <= EXPORTERS_MAX);
	open_it(race, &lessor.device);
	atomic_store(&race->is_open, true);
	/* From here on, the events alone switch memory. */
	for (i = 0; i < count; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL,
					 i < exporters ? export_on : events_on,
					 &lessor), 0);
	for (i = 0; i < count; i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);

	close_it(&lessor.device);
	atomic_store(&race->round_ended[round], true);
	_exit(0);
}
