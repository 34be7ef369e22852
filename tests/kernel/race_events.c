// SPDX-License-Identifier: MIT
/* What takes the BARs away in a race, as long as the lessor lives. */
#include <linux/pci_regs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bind.h"
#include "config.h"
#include "device.h"
#include "harness.h"
#include "race.h"
#include "reset.h"
#include "touch.h"

enum { D0 = 0, D3HOT = 3 };

/* A lease that nobody else has, to see by what an event does. */
struct witness {
	int fd;
	uint32_t *map;
};

static void witness_begin(struct witness *witness, struct race_events *events)
{
	witness->fd = lease_export(events->device->dev,
				   events->race->place->bar, 0, PAGE);
	witness->map = lease_map_rw(witness->fd, 0, PAGE);
}

static void witness_end(struct witness *witness)
{
	munmap(witness->map, PAGE);
	close(witness->fd);
}

void race_toggle_memory(struct race_events *events)
{
	struct barlease_device *dev = events->device->dev;
	struct witness witness;

	witness_begin(&witness, events);
	while (!race_lessor_stops(events->race)) {
		ASSERT_OK(barlease_device_set_memory(dev, false));
		ASSERT_GONE(witness.map + 1);
		usleep(race_random(&events->seed, 300));
		ASSERT_GONE(witness.map + 1);
		ASSERT_OK(barlease_device_set_memory(dev, true));
		ASSERT_TOUCH(touch_read(witness.map, NULL), TOUCH_OK);
		usleep(race_random(&events->seed, 6000));
		ASSERT_TOUCH(touch_read(witness.map, NULL), TOUCH_OK);
		race_count(events->race, RACE_TOGGLES);
	}
	witness_end(&witness);
}

static void set_power(struct barlease_device *dev, uint16_t state)
{
	config_write16(dev, config_capability(dev, PCI_CAP_ID_PM) + PCI_PM_CTRL,
		       state);
}

static int low_power(struct barlease_device *dev, uint32_t feature)
{
	return device_feature(dev, VFIO_DEVICE_FEATURE_SET | feature, NULL, 0);
}

static void reset_somehow(struct race_events *events, struct witness *witness)
{
	struct barlease_device *dev = events->device->dev;

	switch (race_random(&events->seed, 6)) {
	case 0:
		reset_by_ioctl(dev);
		race_count(events->race, RACE_RESETS);
		break;
	case 1:
		reset_by_flr(dev);
		race_count(events->race, RACE_RESETS);
		break;
	case 2:
		ASSERT_OK(device_sysfs_write(barlease_device_bdf(dev), "reset",
					     "1"));
		race_count(events->race, RACE_RESETS);
		break;
	case 3:
		set_power(dev, D3HOT);
		ASSERT_GONE(witness->map + 1);
		set_power(dev, D0);
		race_count(events->race, RACE_POWER);
		break;
	case 4:
		ASSERT_SYS(low_power(dev, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY));
		ASSERT_GONE(witness->map + 1);
		ASSERT_SYS(low_power(dev, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT));
		race_count(events->race, RACE_POWER);
		break;
	default:
		ASSERT_OK(barlease_device_set_memory(dev, false));
		ASSERT_GONE(witness->map + 1);
		race_count(events->race, RACE_TOGGLES);
	}
}

void race_reset(struct race_events *events)
{
	struct barlease_device *dev = events->device->dev;
	struct witness witness;

	witness_begin(&witness, events);
	while (!race_lessor_stops(events->race)) {
		reset_somehow(events, &witness);
		ASSERT_OK(barlease_device_set_memory(dev, true));
		ASSERT_TOUCH(touch_read(witness.map, NULL), TOUCH_OK);
		usleep(race_random(&events->seed, 20000));
	}
	witness_end(&witness);
}

/* Somebody who holds a lock for long may keep one from happening. */
void race_hot_reset(struct race_events *events)
{
	int err;

	while (!race_lessor_stops(events->race)) {
		err = pair_hot_reset(&events->device->pair,
				     (int)race_random(&events->seed, 2));
		if (err != -EBUSY)
			ASSERT_OK(err);
		if (!err)
			race_count(events->race, RACE_HOT_RESETS);
		usleep(race_random(&events->seed, 50000));
	}
}
