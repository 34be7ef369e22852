// SPDX-License-Identifier: MIT
/*
 * Importers are out before access goes, not soon after: while one is waited for
 * nothing has happened yet. CPU mappings are still whole, which a single fault
 * would give away, and nobody new gets in.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "config.h"
#include "device.h"
#include "harness.h"
#include "importer.h"
#include "reset.h"
#include "touch.h"

struct event {
	struct barlease_device *dev;
	void (*run)(struct barlease_device *dev);
	atomic_bool over;
};

static void *run_event(void *context)
{
	struct event *event = context;

	event->run(event->dev);
	atomic_store(&event->over, true);
	return NULL;
}

static void event_comes_after_the_peer(void (*run)(struct barlease_device *dev))
{
	struct event event = { .dev = device_open(NVME), .run = run };
	int fd = lease_export(event.dev, 0, 0, PAGE);
	uint32_t *map = lease_map_rw(fd, 0, PAGE);
	long long end = now_ms() + patience_ms(10000);
	pthread_t thread;
	int importer;

	importer = importer_start(fd, IMPORTER_NEVER);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_EQ(pthread_create(&thread, NULL, run_event, &event), 0);
	while (!importer_notified(importer)) {
		ASSERT_COMPARE(now_ms(), <, end);
		sleep_ms(1);
	}
	sleep_ms(100);
	ASSERT_EQ(touch_faults(map), 0);
	ASSERT(!atomic_load(&event.over));
	ASSERT_EQ(importer_notified(importer), 1);
	ASSERT_ERROR(importer_attach(importer_open(), fd, 0, IMPORTER_AT_ONCE),
		     ENODEV);

	ASSERT_OK(importer_unmap(importer));
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_OK(barlease_device_set_memory(event.dev, true));
	ASSERT_EQ(touch_faults(map), 1);
	ASSERT_OK(importer_map(importer, NULL));
}

static void memory_off(struct barlease_device *dev)
{
	ASSERT_OK(barlease_device_set_memory(dev, false));
}

/* One byte is enough; it is the low one that has the bit. */
static void memory_off_by_a_byte(struct barlease_device *dev)
{
	config_write8(dev, PCI_COMMAND, 0);
}

/* A write of many registers at once. */
static void memory_off_among_others(struct barlease_device *dev)
{
	uint8_t header[16] = { 0 };

	ASSERT_OK(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					header, sizeof(header), 0));
}

static void d3hot_and_back(struct barlease_device *dev)
{
	unsigned int control = config_capability(dev, PCI_CAP_ID_PM) +
			       PCI_PM_CTRL;

	config_write16(dev, control, 3);
	config_write16(dev, control, 0);
}

static void sleep_and_wake(struct barlease_device *dev)
{
	ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
				  NULL, 0));
	ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
				  NULL, 0));
}

TEST(peer_is_out_before_memory_goes_off)
{
	event_comes_after_the_peer(memory_off);
}

TEST(peer_is_out_before_memory_goes_off_by_a_byte)
{
	event_comes_after_the_peer(memory_off_by_a_byte);
}

TEST(peer_is_out_before_memory_goes_off_among_others)
{
	event_comes_after_the_peer(memory_off_among_others);
}

TEST(peer_is_out_before_a_reset)
{
	event_comes_after_the_peer(reset_by_ioctl);
}

TEST(peer_is_out_before_a_function_level_reset)
{
	event_comes_after_the_peer(reset_by_flr);
}

TEST(peer_is_out_before_the_function_goes_to_d3hot)
{
	event_comes_after_the_peer(d3hot_and_back);
}

TEST(peer_is_out_before_the_function_sleeps)
{
	event_comes_after_the_peer(sleep_and_wake);
}
