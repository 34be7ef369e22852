// SPDX-License-Identifier: MIT
/*
 * The same for loading the driver, for binding and opening a function, and for
 * importers and the events that they are told of.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "driver_file.h"
#include "footprint.h"
#include "harness.h"
#include "importer.h"
#include "override.h"
#include "pair.h"
#include "touch.h"

/* @function answers @value once, and then the operation gives @error. */
struct step {
	const char *function;
	long value;
	int skip;
	int error;
};

/* A stale copy of a pointer can hide one thing that is lost from kmemleak. */
#define OFTEN 5

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void assert_lends(void)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_READS(lent.map, ram_read(lent.dev, 0));
	ASSERT_SYS(munmap(lent.map, PAGE));
	ASSERT_SYS(close(lent.fd));
	barlease_device_close(lent.dev);
}

static void bind_step(const char *bdf, const struct step *step)
{
	struct footprint before;
	int override, ret, i;

	footprint_take(&before, IVSHMEM);
	for (i = 0; i < (step->error ? OFTEN : 1); i++) {
		override = override_begin(step->function, step->value,
					  step->skip);
		ret = sysfs_write("/sys/bus/pci/drivers/" DRIVER_NAME "/bind",
				  bdf);
		ASSERT(override_end(override));
		ASSERT_ERROR(ret, step->error);
		if (ret)
			footprint_assert_same(&before);
	}
	ASSERT_OK(device_bind(bdf));
	assert_lends();
	ASSERT_OK(device_unbind(bdf));
	footprint_assert_same(&before);
}

TEST(bind_gives_the_error_of_the_step_that_fails_and_leaves_nothing)
{
	static const struct step steps[] = {
		{ "_vfio_alloc_device", -ENOMEM, 0, ENOMEM },
		{ "vfio_pci_core_init_dev", -EIO, 0, EIO },
		/* The BARs: of ivshmem there are two in memory. */
		{ "mtree_insert_range", -ENOMEM, 0, ENOMEM },
		{ "mtree_insert_range", -ENOMEM, 1, ENOMEM },
		{ "vfio_pci_core_register_device", -EBUSY, 0, EBUSY },
		/* Without debugfs everything works. */
		{ "debugfs_create_dir", -ENOMEM, 0, 0 },
	};
	const char *bdf = device_bdf(IVSHMEM);
	size_t i;

	ASSERT_OK(device_unbind(bdf));
	for (i = 0; i < COUNT(steps); i++)
		bind_step(bdf, &steps[i]);
	ASSERT_OK(device_bind(bdf));
}

static int open_by_group(struct barlease_device **dev)
{
	return barlease_device_open_by(device_bdf(IVSHMEM), BARLEASE_BY_GROUP,
				       NULL, dev, NULL);
}

TEST(open_that_fails_in_the_core_leaves_nothing)
{
	struct barlease_device *dev;
	struct footprint before;
	int override, ret;

	footprint_take(&before, IVSHMEM);
	override = override_begin("vfio_pci_core_enable", -EIO, 0);
	ret = open_by_group(&dev);
	ASSERT(override_end(override));
	ASSERT_ERROR(ret, EIO);
	footprint_assert_same(&before);
	ASSERT_OK(open_by_group(&dev));
	barlease_device_close(dev);
	footprint_assert_same(&before);
	assert_lends();
}

/* What somebody else has claimed cannot be lent, until it is free again. */
TEST(bar_that_cannot_be_claimed_is_enodev_until_the_next_opening)
{
	struct barlease_range range = { .length = PAGE };
	struct barlease_device *dev;
	int override, ret;

	/* In newer kernels it is the core's affair. */
	if (!override_possible("vfio_pci_core_setup_barmap"))
		test_skip("the core has no vfio_pci_core_setup_barmap()");
	/* The registers are in the first BAR, the RAM is in the second. */
	override = override_begin("vfio_pci_core_setup_barmap", -EBUSY, 1);
	ret = open_by_group(&dev);
	ASSERT(override_end(override));
	ASSERT_OK(ret);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_ERROR(barlease_lease_export(dev, RAM_BAR, &range, 1,
					   BARLEASE_READ_WRITE), ENODEV);
	barlease_device_close(dev);
	assert_lends();
}

TEST(module_load_gives_the_error_of_the_step_that_fails)
{
	struct step steps[] = {
		{ "alloc_workqueue", 0, 0, ENOMEM },
		{ "__pci_register_driver", -EBUSY, 0, EBUSY },
		/* Neither keeps the driver from working. */
		{ "debugfs_create_dir", -ENOMEM, 0, 0 },
		{ "pci_add_dynid", -ENOMEM, 0, 0 },
	};
	int fd = driver_file_open();
	size_t i;
	long ret;

	if (!override_possible(steps[0].function))
		steps[0].function = "alloc_workqueue_noprof";
	driver_forget_devices();
	for (i = 0; i < COUNT(steps); i++) {
		const struct step *step = &steps[i];
		int override, error;

		ASSERT_OK(module_unload());
		override = override_begin(step->function, step->value,
					  step->skip);
		ret = syscall(SYS_finit_module, fd, "ids=1af4:1110", 0);
		error = ret ? errno : 0;
		ASSERT(override_end(override));
		ASSERT_EQ(error, step->error);
		if (ret)
			ASSERT_SYS(syscall(SYS_finit_module, fd, "", 0));
	}
	close(fd);
	ASSERT_OK(device_bind(device_bdf(IVSHMEM)));
	assert_lends();
}

/* Importers */

TEST(attach_between_devices_that_cannot_reach_each_other_leaves_nothing)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	int importer, override, ret;
	struct footprint before;

	importer_needs_peers();
	importer = importer_open();
	footprint_take(&before, IVSHMEM);
	override = override_begin("pci_p2pdma_distance_many", -1, 0);
	ret = importer_attach(importer, fd, 0, IMPORTER_AT_ONCE);
	ASSERT(override_end(override));
	ASSERT_ERROR(ret, EOPNOTSUPP);
	footprint_assert_same(&before);
	ASSERT_OK(importer_attach(importer, fd, 0, IMPORTER_AT_ONCE));
	ASSERT_OK(importer_map(importer, NULL));
	/* Nor is anybody counted in who would be waited for. */
	ASSERT_SYS(lease_revoke(dev, fd));
}

static void import_step(int importer, const struct step *step)
{
	int override = override_begin(step->function, step->value, step->skip);
	int ret = importer_map(importer, NULL);

	ASSERT(override_end(override));
	ASSERT_ERROR(ret, step->error);
	ASSERT(!importer_mapped(importer));
	ASSERT_OK(importer_map(importer, NULL));
	ASSERT_OK(importer_unmap(importer));
}

/* Which of the ranges it is makes a difference to what has to be undone. */
static const struct barlease_range import_ranges[] = {
	{ 0, PAGE }, { 2 * PAGE, PAGE }, { 4 * PAGE, 2 * PAGE },
};

static const struct step import_steps[] = {
	{ "dma_map_resource", -1, 0, ENOMEM },
	{ "dma_map_resource", -1, 1, ENOMEM },
	{ "dma_map_resource", -1, 2, ENOMEM },
	{ "sg_alloc_table", -ENOMEM, 0, ENOMEM },
};

/* Where the kernel has a helper, which makes a table for each range. */
static const struct step helper_steps[] = {
	{ "dma_buf_phys_vec_to_sgt", -EIO, 0, EIO },
	{ "dma_buf_phys_vec_to_sgt", -EIO, 1, EIO },
	{ "dma_buf_phys_vec_to_sgt", -EIO, 2, EIO },
	{ "pcim_p2pdma_provider", 0, 0, EOPNOTSUPP },
	{ "pcim_p2pdma_provider", 0, 2, EOPNOTSUPP },
	{ "sg_alloc_table", -ENOMEM, 0, ENOMEM },
	/* The one that they are joined in. */
	{ "sg_alloc_table", -ENOMEM, COUNT(import_ranges), ENOMEM },
};

TEST(import_gives_the_error_of_the_step_that_fails_and_leaves_nothing)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export_ranges(dev, RAM_BAR, import_ranges,
				     COUNT(import_ranges));
	const struct step *steps = import_steps;
	size_t count = COUNT(import_steps);
	struct footprint before;
	int importer;
	size_t i;

	importer_needs_peers();
	if (override_possible("dma_buf_phys_vec_to_sgt")) {
		steps = helper_steps;
		count = COUNT(helper_steps);
	}
	importer = importer_open();
	ASSERT_OK(importer_attach(importer, fd, 0, IMPORTER_AT_ONCE));
	footprint_take(&before, IVSHMEM);
	for (i = 0; i < count; i++) {
		import_step(importer, &steps[i]);
		footprint_assert_same(&before);
	}
	ASSERT_SYS(lease_revoke(dev, fd));
}

/* Events that the core refuses after importers were told of them. */

static int reset(struct barlease_device *dev)
{
	return ioctl(barlease_device_fd(dev), VFIO_DEVICE_RESET) ? -errno : 0;
}

static int sleep_begins(struct barlease_device *dev)
{
	return device_feature(dev, VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
			      NULL, 0) ? -errno : 0;
}

static int memory_off(struct barlease_device *dev)
{
	uint16_t command = 0;

	return barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
				     &command, sizeof(command), 4);
}

static void event_step(const char *function,
		       int (*event)(struct barlease_device *dev))
{
	struct barlease_device *dev = device_open(NVME);
	int fd = lease_export(dev, 0, 0, PAGE);
	int importer = importer_start(fd, IMPORTER_AT_ONCE);
	uint32_t *map = lease_map_rw(fd, 0, PAGE);
	struct footprint before;
	int override, ret;
	uint32_t value;

	footprint_take(&before, NVME);
	override = override_begin(function, -EIO, 0);
	ret = event(dev);
	ASSERT(override_end(override));
	ASSERT_ERROR(ret, EIO);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_OK(importer_map(importer, NULL));
	ASSERT_OK(importer_read(importer, 0, &value));
	footprint_assert_same(&before);
}

TEST(reset_that_the_core_refuses_changes_nothing)
{
	event_step("vfio_pci_core_ioctl", reset);
}

TEST(low_power_entry_that_the_core_refuses_changes_nothing)
{
	event_step("vfio_pci_core_ioctl_feature", sleep_begins);
}

TEST(config_write_that_the_core_refuses_changes_nothing)
{
	event_step("vfio_pci_core_write", memory_off);
}

/* It would switch memory off if it went through. */
TEST(config_write_of_what_cannot_be_read_is_efault_and_changes_nothing)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	int importer = importer_start(fd, IMPORTER_AT_ONCE);
	void *unreadable = (void *)ASSERT_SYS(mmap(
		NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	ASSERT_ERROR(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					   unreadable, 2, 4), EFAULT);
	ASSERT(importer_mapped(importer));
	ASSERT_EQ(importer_notified(importer), 0);
	ASSERT_DMA_READS(importer, 0, ram_read(dev, 0));
}

TEST(hot_reset_that_the_core_refuses_changes_nothing)
{
	struct pair pair;
	int fd, importer, override, ret;

	pair_open(&pair);
	fd = pair_export(&pair, 0, 0, PAGE);
	importer = importer_start(fd, IMPORTER_AT_ONCE);
	override = override_begin("vfio_pci_core_ioctl", -EIO, 0);
	ret = pair_hot_reset(&pair, 1);
	ASSERT(override_end(override));
	ASSERT_ERROR(ret, EIO);
	ASSERT_OK(importer_map(importer, NULL));
	ASSERT_DMA_READS(importer, 0, 0x010000ed);
	ASSERT_OK(pair_hot_reset(&pair, 1));
	ASSERT_OK(importer_map(importer, NULL));
}
