// SPDX-License-Identifier: MIT
/*
 * Each allocation and copy of an import fails in turn, and of the events that
 * importers are told of before. What an event has begun it also ends: the
 * importer may map again.
 */
#include <sys/ioctl.h>
#include <unistd.h>

#include "config.h"
#include "device.h"
#include "footprint.h"
#include "harness.h"
#include "importer.h"
#include "inject.h"
#include "pair.h"

/* More than fit into one page of addresses. */
#define RANGES 140

static int export_ranges(struct barlease_device *dev)
{
	struct barlease_range ranges[RANGES];
	unsigned int i;

	for (i = 0; i < RANGES; i++)
		ranges[i] = (struct barlease_range){
			.offset = 2 * i * PAGE,
			.length = PAGE,
		};
	return lease_export_ranges(dev, RAM_BAR, ranges, RANGES);
}

TEST(attach_leaves_nothing_when_an_allocation_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	struct footprint before;
	struct inject inject;
	int importer, ret;

	importer_needs_peers();
	importer = importer_open();
	inject_start(&inject, INJECT_MEMORY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		inject_arm(&inject);
		ret = importer_attach(importer, fd, 0, IMPORTER_AT_ONCE);
		inject_disarm(&inject);
		if (ret) {
			ASSERT(inject.injected);
			ASSERT_ERROR(ret, ENOMEM);
			footprint_assert_same(&before);
			ASSERT_OK(importer_attach(importer, fd, 0,
						  IMPORTER_AT_ONCE));
		}
		ASSERT_OK(importer_map(importer, NULL));
		ASSERT_OK(importer_detach(importer));
		footprint_assert_same(&before);
	}
}

static void map_with_faults(int fd, struct barlease_device *dev,
			    unsigned int entries)
{
	struct importer_map map;
	struct footprint before;
	struct inject inject;
	int importer, ret;

	importer_needs_peers();
	importer = importer_open();
	ASSERT_OK(importer_attach(importer, fd, 0, IMPORTER_AT_ONCE));
	/* The debugging of DMA gives up for good when it finds no memory. */
	inject_spare_function("add_dma_entry");
	inject_start(&inject, INJECT_MEMORY);
	footprint_take(&before, IVSHMEM);
	while (inject_next(&inject)) {
		inject_arm(&inject);
		ret = importer_map(importer, &map);
		inject_disarm(&inject);
		if (ret) {
			ASSERT(inject.injected);
			ASSERT_ERROR(ret, ENOMEM);
			ASSERT(!importer_mapped(importer));
			ASSERT_OK(importer_map(importer, &map));
		}
		ASSERT_EQ(map.entries, entries);
		ASSERT_DMA_READS(importer, 0, ram_read(dev, 0));
		ASSERT_OK(importer_unmap(importer));
		footprint_assert_same(&before);
	}
	/* Nobody is counted in who is out: revoke would wait for him. */
	ASSERT_SYS(lease_revoke(dev, fd));
}

TEST(import_leaves_nothing_when_an_allocation_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	map_with_faults(lease_export(dev, RAM_BAR, 0, PAGE), dev, 1);
}

TEST_LONG(import_of_many_ranges_leaves_nothing_when_an_allocation_fails, 60)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	map_with_faults(export_ranges(dev), dev, RANGES);
}

TEST(revoke_gets_peers_out_when_every_allocation_fails)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	int importer = importer_start(fd, IMPORTER_AT_ONCE);
	int ret, error;

	inject_all_begin();
	ret = lease_revoke(dev, fd);
	error = errno;
	inject_all_end();
	if (ret)
		FAIL("revoke: %s", errno_name(error));
	ASSERT_EQ(importer_notified(importer), 1);
	ASSERT(!importer_mapped(importer));
}

/* Events */

struct event {
	const char *device;
	int (*run)(struct barlease_device *dev);
	int (*undo)(struct barlease_device *dev);
};

/* As it stands in configuration space, with nothing of the library's. */
static int write_config(struct barlease_device *dev, unsigned int offset,
			uint16_t value)
{
	off_t at = (off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40 | offset;

	return pwrite(barlease_device_fd(dev), &value, sizeof(value), at) ==
	       sizeof(value) ? 0 : -1;
}

static int memory_off(struct barlease_device *dev)
{
	return write_config(dev, PCI_COMMAND, 0);
}

static int memory_on(struct barlease_device *dev)
{
	return write_config(dev, PCI_COMMAND, PCI_COMMAND_MEMORY |
					      PCI_COMMAND_MASTER);
}

static int low_power(struct barlease_device *dev, uint32_t feature)
{
	struct vfio_device_feature request = {
		.argsz = sizeof(request),
		.flags = VFIO_DEVICE_FEATURE_SET | feature,
	};

	return ioctl(barlease_device_fd(dev), VFIO_DEVICE_FEATURE, &request);
}

static int sleep_begins(struct barlease_device *dev)
{
	return low_power(dev, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
}

static int sleep_ends(struct barlease_device *dev)
{
	return low_power(dev, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
}

static void event_with_failed_copies(const struct event *event)
{
	struct barlease_device *dev = device_open(event->device);
	int fd = lease_export(dev, 0, 0, PAGE);
	int importer = importer_start(fd, IMPORTER_AT_ONCE);
	struct footprint before;
	struct inject inject;
	uint32_t value;
	int ret;

	inject_start(&inject, INJECT_COPY);
	footprint_take(&before, event->device);
	while (inject_next(&inject)) {
		if (!importer_mapped(importer))
			ASSERT_OK(importer_map(importer, NULL));
		inject_arm(&inject);
		ret = event->run(dev);
		inject_disarm(&inject);
		if (ret) {
			ASSERT(inject.injected);
			ASSERT_EQ(errno, EFAULT);
		} else {
			ASSERT_SYS(event->undo(dev));
		}
		if (!importer_mapped(importer))
			ASSERT_OK(importer_map(importer, NULL));
		ASSERT_OK(importer_read(importer, 0, &value));
		footprint_assert_same(&before);
	}
}

static const struct event memory_event = { NVME, memory_off, memory_on };
static const struct event sleep_event = { NVME, sleep_begins, sleep_ends };

TEST(peers_are_welcome_when_a_copy_of_a_config_write_has_failed)
{
	event_with_failed_copies(&memory_event);
}

TEST(peers_are_welcome_when_a_copy_of_low_power_entry_has_failed)
{
	event_with_failed_copies(&sleep_event);
}

static void hot_reset_with_faults(enum inject_kind kind, int error)
{
	struct footprint before;
	struct inject inject;
	int fd, importer, ret;
	struct pair pair;

	pair_open(&pair);
	fd = pair_export(&pair, 0, 0, PAGE);
	importer = importer_start(fd, IMPORTER_AT_ONCE);
	inject_start(&inject, kind);
	footprint_take(&before, PAIR0);
	while (inject_next(&inject)) {
		inject_arm(&inject);
		ret = pair_hot_reset(&pair, 1);
		inject_disarm(&inject);
		if (ret) {
			ASSERT(inject.injected);
			ASSERT_ERROR(ret, error);
		}
		if (!importer_mapped(importer))
			ASSERT_OK(importer_map(importer, NULL));
		ASSERT_DMA_READS(importer, 0, 0x010000ed);
		footprint_assert_same(&before);
	}
}

TEST(peers_are_welcome_when_an_allocation_of_a_hot_reset_has_failed)
{
	hot_reset_with_faults(INJECT_MEMORY, ENOMEM);
}

TEST(peers_are_welcome_when_a_copy_of_a_hot_reset_has_failed)
{
	hot_reset_with_faults(INJECT_COPY, EFAULT);
}
