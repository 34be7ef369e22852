// SPDX-License-Identifier: MIT
/*
 * What takes a lease away from its importers: they are told before, and have
 * nothing after. What a device does with addresses that it has no more is
 * tried, too: the IOMMU must not know them.
 */
#include <unistd.h>

#include "bind.h"
#include "config.h"
#include "device.h"
#include "harness.h"
#include "host.h"
#include "importer.h"
#include "pair.h"
#include "reset.h"

#define OFFSET (4 * PAGE)
#define LENGTH (4 * PAGE)

struct imported {
	struct barlease_device *dev;
	int fd;
	int importer;
};

static void start(struct imported *imported, int unmap_after)
{
	uint32_t value;

	imported->dev = device_open(IVSHMEM);
	imported->fd = lease_export(imported->dev, RAM_BAR, OFFSET, LENGTH);
	imported->importer = importer_start(imported->fd, unmap_after);
	/* The IOMMU has it in its cache from here on. */
	value = ram_fresh(imported->dev, OFFSET);
	ASSERT_OK(importer_write(imported->importer, 0, value));
	ASSERT_EQ(ram_read(imported->dev, OFFSET), value);
}

static void assert_out(struct imported *imported)
{
	ASSERT(!importer_mapped(imported->importer));
	ASSERT(importer_notified(imported->importer) > 0);
	ASSERT_ERROR(importer_map(imported->importer, NULL), ENODEV);
	ASSERT_ERROR(importer_attach(importer_open(), imported->fd, 0,
				     IMPORTER_AT_ONCE), ENODEV);
	host_snapshot();
	importer_launch(imported->importer, 0, 0xbadbad);
	importer_land(imported->importer);
	host_assert_unchanged();
}

static void assert_back(struct imported *imported)
{
	uint32_t value = ram_fresh(imported->dev, OFFSET);

	ASSERT_OK(importer_map(imported->importer, NULL));
	ASSERT_OK(importer_write(imported->importer, 0, value));
	ASSERT_EQ(ram_read(imported->dev, OFFSET), value);
}

TEST(peer_is_out_when_revoke_returns)
{
	struct imported imported;

	start(&imported, IMPORTER_AT_ONCE);
	ASSERT_SYS(lease_revoke(imported.dev, imported.fd));
	ASSERT_EQ(importer_notified(imported.importer), 1);
	assert_out(&imported);
}

TEST(peer_that_unmaps_late_is_out_when_revoke_returns)
{
	struct imported imported;

	start(&imported, 300);
	ASSERT_SYS(lease_revoke(imported.dev, imported.fd));
	assert_out(&imported);
}

/*
 * The IOMMU may keep addresses in its cache for 10 ms (lazy invalidation). Have
 * the device write just after revoke has returned, and see that nothing comes.
 */
static void write_around_revoke(unsigned int ms)
{
	struct imported imported;
	long long launched;
	uint32_t before;

	start(&imported, IMPORTER_AT_ONCE);
	importer_launch(imported.importer, 0, ram_fresh(imported.dev, OFFSET));
	launched = now_ms();
	while (now_ms() < launched + ms)
		continue;
	ASSERT_SYS(lease_revoke(imported.dev, imported.fd));
	before = ram_read(imported.dev, OFFSET);
	importer_land(imported.importer);
	ASSERT_EQ(ram_read(imported.dev, OFFSET), before);
	ASSERT_OK(close(imported.fd));
	ASSERT_OK(close(imported.importer));
	barlease_device_close(imported.dev);
}

TEST(peer_writes_nothing_from_the_moment_that_revoke_returns)
{
	unsigned int ms;

	for (ms = 90; ms < 100; ms++)
		write_around_revoke(ms);
}

TEST(peers_of_other_leases_are_not_told_of_a_revocation)
{
	struct imported imported;
	int fd, other;

	start(&imported, IMPORTER_AT_ONCE);
	fd = lease_export(imported.dev, RAM_BAR, OFFSET, LENGTH);
	other = importer_start(fd, IMPORTER_AT_ONCE);
	ASSERT_SYS(lease_revoke(imported.dev, imported.fd));
	ASSERT_EQ(importer_notified(other), 0);
	ASSERT(importer_mapped(other));
	ram_write(imported.dev, OFFSET, 0x600df00d);
	ASSERT_DMA_READS(other, 0, 0x600df00d);
}

TEST(peer_is_out_when_the_device_is_closed)
{
	struct imported imported;

	start(&imported, 100);
	barlease_device_close(imported.dev);
	assert_out(&imported);
	/* The next opening does not bring it back, nor does it bother it. */
	imported.dev = device_open(IVSHMEM);
	ASSERT_OK(barlease_device_set_memory(imported.dev, false));
	ASSERT_OK(barlease_device_set_memory(imported.dev, true));
	ASSERT_ERROR(importer_map(imported.importer, NULL), ENODEV);
	ASSERT_EQ(importer_notified(imported.importer), 1);
}

TEST(peer_of_an_unbound_driver_stays_out)
{
	const char *bdf = device_bdf(IVSHMEM);
	struct imported imported;
	int ret;

	start(&imported, 100);
	barlease_device_close(imported.dev);
	ret = device_unbind(bdf);
	if (!ret)
		assert_out(&imported);
	ASSERT_OK(device_bind(bdf));
	ASSERT_OK(ret);
	ASSERT_ERROR(importer_map(imported.importer, NULL), ENODEV);
}

TEST(peer_is_out_while_memory_is_off_and_maps_again_when_it_is_back)
{
	struct imported imported;
	uint32_t notified;

	start(&imported, 100);
	ASSERT_OK(barlease_device_set_memory(imported.dev, false));
	notified = importer_notified(imported.importer);
	ASSERT_EQ(notified, 1);
	/* The device does not answer now; the host sees that nothing arrives. */
	assert_out(&imported);
	ASSERT_OK(barlease_device_set_memory(imported.dev, true));
	assert_back(&imported);
	ASSERT_EQ(importer_notified(imported.importer), notified);
}

TEST(peer_is_not_told_of_writes_that_take_nothing_away)
{
	struct imported imported;
	uint16_t command;

	start(&imported, IMPORTER_AT_ONCE);
	command = config_read16(imported.dev, PCI_COMMAND);
	config_write16(imported.dev, PCI_COMMAND,
		       command | PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	ASSERT_EQ(importer_notified(imported.importer), 0);
	ASSERT(importer_mapped(imported.importer));
}

/* Registers of the pair's edu devices; what DMA reads of them is the same. */
struct imported_pair {
	struct pair pair;
	int fd;
	int importer;
};

static void start_pair(struct imported_pair *imported, int unmap_after)
{
	pair_open(&imported->pair);
	imported->fd = pair_export(&imported->pair, 0, 0, PAGE);
	imported->importer = importer_start(imported->fd, unmap_after);
	ASSERT_DMA_READS(imported->importer, 0, 0x010000ed);
}

static void assert_pair_bounced(struct imported_pair *imported)
{
	ASSERT_EQ(importer_notified(imported->importer), 1);
	ASSERT(!importer_mapped(imported->importer));
	ASSERT_OK(importer_map(imported->importer, NULL));
	ASSERT_DMA_READS(imported->importer, 0, 0x010000ed);
	pair_close(&imported->pair);
}

TEST(peer_is_out_during_a_hot_reset_by_another_function)
{
	struct imported_pair imported;

	start_pair(&imported, 100);
	ASSERT_OK(pair_hot_reset(&imported.pair, 1));
	assert_pair_bounced(&imported);
}

TEST(peer_is_out_during_a_reset_by_sysfs)
{
	struct imported imported;
	const char *bdf = device_bdf(NVME);
	long long end;
	int fd, ret = -ENODEV;

	imported.dev = device_open(NVME);
	fd = lease_export(imported.dev, 0, 0, PAGE);
	imported.importer = importer_start(fd, 100);
	ASSERT_OK(device_sysfs_write(bdf, "reset", "1"));
	ASSERT(importer_notified(imported.importer) >= 1);
	ASSERT(!importer_mapped(imported.importer));
	/* Nobody waits for the end of such a reset: a work item sees to it. */
	end = now_ms() + patience_ms(5000);
	while (ret == -ENODEV && now_ms() < end) {
		sleep_ms(1);
		ret = importer_map(imported.importer, NULL);
	}
	ASSERT_OK(ret);
}

/* Out before the reset begins, and welcome when it has returned. */
static void reset_bounces_peers(void (*reset)(struct barlease_device *dev))
{
	struct barlease_device *dev = device_open(NVME);
	int fd = lease_export(dev, 0, 0, PAGE);
	int importer = importer_start(fd, 100);

	reset(dev);
	ASSERT(!importer_mapped(importer));
	ASSERT_EQ(importer_notified(importer), 1);
	ASSERT_OK(importer_map(importer, NULL));
}

TEST(peer_is_out_during_a_reset_by_ioctl)
{
	reset_bounces_peers(reset_by_ioctl);
}

TEST(peer_is_out_during_a_function_level_reset)
{
	reset_bounces_peers(reset_by_flr);
}

TEST(peer_is_out_while_the_function_is_in_d3hot)
{
	struct barlease_device *dev = device_open(NVME);
	unsigned int control = config_capability(dev, PCI_CAP_ID_PM) +
			       PCI_PM_CTRL;
	int fd = lease_export(dev, 0, 0, PAGE);
	int importer = importer_start(fd, 100);

	config_write16(dev, control, 3);
	ASSERT(!importer_mapped(importer));
	ASSERT_ERROR(importer_map(importer, NULL), ENODEV);
	config_write16(dev, control, 0);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_OK(importer_map(importer, NULL));
}

TEST(peer_is_out_while_the_function_sleeps)
{
	struct barlease_device *dev = device_open(NVME);
	int fd = lease_export(dev, 0, 0, PAGE);
	int importer = importer_start(fd, 100);

	ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
				  NULL, 0));
	ASSERT(!importer_mapped(importer));
	ASSERT_ERROR(importer_map(importer, NULL), ENODEV);
	ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
				  NULL, 0));
	ASSERT_OK(importer_map(importer, NULL));
}
