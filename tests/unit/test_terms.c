// SPDX-License-Identifier: MIT
/* The terms of a lease, what it tells of itself, and adopted devices. */
#include "vfio_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT (VFIO_DEVICE_FEATURE_DMA_BUF | VFIO_DEVICE_FEATURE_GET)
#define MEMATTR (BARLEASE_FEATURE_MEMATTR | VFIO_DEVICE_FEATURE_SET)
#define INFO (BARLEASE_FEATURE_INFO | VFIO_DEVICE_FEATURE_GET)

#define CONFIG_OFFSET (7 * 0x10000)
#define CAPABILITY 0x50

static const struct barlease_range page = { 0x1000, 0x1000 };

struct fixture {
	void *tree;
	struct barlease_device *dev;
};

static int device_setup(void **state)
{
	static struct fixture fixture;

	if (vfio_fake_setup(&fixture.tree))
		return -1;
	fixture.dev = vfio_fake_open(&fixture.tree);
	vfio_fake.features[0] = EXPORT;
	*state = &fixture;
	return 0;
}

static int device_teardown(void **state)
{
	struct fixture *fixture = *state;

	barlease_device_close(fixture->dev);
	return vfio_fake_teardown(&fixture->tree);
}

static struct barlease_device *device(void **state)
{
	return ((struct fixture *)*state)->dev;
}

static void config_put(unsigned int offset, uint64_t value, size_t size)
{
	assert_int_equal(pwrite(vfio_fake.device_fd, &value, size,
				CONFIG_OFFSET + (off_t)offset),
			 size);
}

/* 256 vectors, a page of them; another capability is before this one. */
static void msix_put(void)
{
	config_put(PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
	config_put(PCI_CAPABILITY_LIST, 0x40, 1);
	config_put(0x40, PCI_CAP_ID_PM | CAPABILITY << 8, 2);
	config_put(CAPABILITY, PCI_CAP_ID_MSIX, 2);
	config_put(CAPABILITY + PCI_MSIX_FLAGS, 0x8000 | 255, 2);
	config_put(CAPABILITY + PCI_MSIX_TABLE, 0x2000 | 2, 4);
	config_put(CAPABILITY + PCI_MSIX_PBA, 0x3800 | 4, 4);
}

static void msix_is_found_where_it_is(void **state)
{
	struct barlease_msix msix;

	msix_put();
	assert_int_equal(barlease_device_msix(device(state), &msix), 0);
	assert_int_equal(msix.vectors, 256);
	assert_int_equal(msix.table_bar, 2);
	assert_int_equal(msix.table.offset, 0x2000);
	assert_int_equal(msix.table.length, 0x1000);
	assert_int_equal(msix.pba_bar, 4);
	assert_int_equal(msix.pba.offset, 0x3800);
	assert_int_equal(msix.pba.length, 32);

	config_put(CAPABILITY + PCI_MSIX_FLAGS, 64, 2);
	assert_int_equal(barlease_device_msix(device(state), &msix), 0);
	assert_int_equal(msix.table.length, 65 * 16);
	assert_int_equal(msix.pba.length, 16);
}

static void a_function_without_msix_is_enoent(void **state)
{
	struct barlease_msix msix;

	assert_int_equal(barlease_device_msix(device(state), &msix), -ENOENT);
	msix_put();
	config_put(CAPABILITY, PCI_CAP_ID_MSI, 2);
	assert_int_equal(barlease_device_msix(device(state), &msix), -ENOENT);
	/* A list that bites its tail. */
	config_put(CAPABILITY, PCI_CAP_ID_MSI | 0x40 << 8, 2);
	assert_int_equal(barlease_device_msix(device(state), &msix), -ENOENT);
	/* One that nobody says is there. */
	msix_put();
	config_put(PCI_STATUS, 0, 2);
	assert_int_equal(barlease_device_msix(device(state), &msix), -ENOENT);
}

static void msix_without_configuration_space_is_eio(void **state)
{
	struct barlease_msix msix;

	vfio_fake.region_size = 0;
	assert_int_equal(barlease_device_msix(device(state), &msix), -EIO);
	assert_int_equal(barlease_lease_export(device(state), 2, &page, 1,
					       BARLEASE_READ_WRITE),
			 -EIO);
}

static int export_range(void **state, unsigned int bar, uint64_t offset,
			uint64_t length, bool over_msix)
{
	const struct barlease_range ranges[] = { { 0x10000, 0x1000 },
						 { offset, length } };
	const struct barlease_terms terms = { .over_msix = over_msix };
	int fd =
		barlease_lease_export_as(device(state), bar, ranges, 2, &terms);

	return fd < 0 ? fd : close(fd);
}

static void what_has_the_msix_table_is_eperm_unless_forced(void **state)
{
	msix_put();
	assert_int_equal(export_range(state, 2, 0x2000, 0x1000, false), -EPERM);
	assert_int_equal(export_range(state, 2, 0, 0x4000, false), -EPERM);
	assert_int_equal(export_range(state, 4, 0x3000, 0x1000, false), -EPERM);
	assert_int_equal(vfio_fake.feature_size, 0);
	assert_int_equal(export_range(state, 2, 0x2000, 0x1000, true), 0);
	/* Just before, just behind, and in other BARs. */
	assert_int_equal(export_range(state, 2, 0x1000, 0x1000, false), 0);
	assert_int_equal(export_range(state, 2, 0x3000, 0x1000, false), 0);
	assert_int_equal(export_range(state, 4, 0x2000, 0x1000, false), 0);
	assert_int_equal(export_range(state, 0, 0, 0x4000, false), 0);
}

static void a_range_that_wraps_is_left_to_the_kernel(void **state)
{
	msix_put();
	assert_int_equal(
		export_range(state, 2, 0xfffffffffffff000, 0x2000, false), 0);
}

static void the_attribute_is_set_on_the_new_lease(void **state)
{
	const struct barlease_terms terms = {
		.attribute = BARLEASE_WRITE_COMBINING,
	};
	struct barlease_memattr memattr;
	int fd;

	vfio_fake.features[1] = MEMATTR;
	fd = barlease_lease_export_as(device(state), 2, &page, 1, &terms);
	assert_true(fd >= 0);
	assert_int_equal(vfio_fake.feature_flags, MEMATTR);
	memcpy(&memattr, vfio_fake.feature + sizeof(struct vfio_device_feature),
	       sizeof(memattr));
	assert_int_equal(memattr.dmabuf_fd, fd);
	assert_int_equal(memattr.memattr, BARLEASE_MEMATTR_WC);

	assert_int_equal(barlease_lease_set_attribute(device(state), fd,
						      BARLEASE_NON_CACHED),
			 0);
	memcpy(&memattr, vfio_fake.feature + sizeof(struct vfio_device_feature),
	       sizeof(memattr));
	assert_int_equal(memattr.memattr, BARLEASE_MEMATTR_NC);
	assert_int_equal(barlease_lease_set_attribute(device(state), fd, 2),
			 -EINVAL);
	close(fd);
}

static void the_name_is_set_on_the_new_lease(void **state)
{
	const struct barlease_terms terms = { .name = "queue 3" };
	const struct barlease_terms too_long = {
		.name = "0123456789abcdef0123456789abcdef",
	};
	unsigned int fds = fd_count();

	close(barlease_lease_export_as(device(state), 2, &page, 1, &terms));
	assert_string_equal(vfio_fake.lease_name, "queue 3");
	assert_int_equal(barlease_lease_export_as(device(state), 2, &page, 1,
						  &too_long),
			 -ENAMETOOLONG);
	assert_int_equal(fd_count(), fds);
}

/* Nobody gets a lease on other terms than the ones that were asked for. */
static void terms_that_cannot_be_had_leave_no_lease(void **state)
{
	struct barlease_terms terms = {
		.attribute = BARLEASE_WRITE_COMBINING,
	};
	unsigned int fds = fd_count();

	assert_int_equal(barlease_lease_export_as(device(state), 2, &page, 1,
						  &terms),
			 -EOPNOTSUPP);
	vfio_fake.features[1] = MEMATTR;
	vfio_fake.revoke_errno = EOPNOTSUPP;
	assert_int_equal(barlease_lease_export_as(device(state), 2, &page, 1,
						  &terms),
			 -EOPNOTSUPP);
	terms.attribute = BARLEASE_NON_CACHED;
	terms.name = "name";
	vfio_fake.name_errno = ENOMEM;
	assert_int_equal(barlease_lease_export_as(device(state), 2, &page, 1,
						  &terms),
			 -ENOMEM);
	assert_int_equal(fd_count(), fds);
}

static void info_is_what_the_driver_tells(void **state)
{
	struct barlease_range ranges[3] = { { 7, 7 }, { 7, 7 }, { 7, 7 } };
	struct barlease_info info;
	struct barlease_lease_info asked;

	vfio_fake.info = (struct barlease_lease_info){
		.nr_ranges = 2,
		.region_index = 4,
		.open_flags = O_RDONLY,
		.memattr = BARLEASE_MEMATTR_WC,
		.state = BARLEASE_STATE_ORPHANED,
		.mappings = 5,
		.attachments = 6,
		.length = 0x2000,
		.lease_id = 1ULL << 40,
	};
	assert_int_equal(barlease_lease_info(device(state), 42, &info, NULL, 0),
			 -EOPNOTSUPP);
	vfio_fake.features[1] = INFO;
	assert_int_equal(
		barlease_lease_info(device(state), 42, &info, ranges, 3), 0);
	memcpy(&asked, vfio_fake.feature + sizeof(struct vfio_device_feature),
	       sizeof(asked));
	assert_int_equal(asked.dmabuf_fd, 42);
	assert_int_equal(asked.nr_ranges, 3);
	assert_true(info.id == 1ULL << 40);
	assert_int_equal(info.length, 0x2000);
	assert_int_equal(info.bar, 4);
	assert_int_equal(info.access, BARLEASE_READ_ONLY);
	assert_int_equal(info.attribute, BARLEASE_WRITE_COMBINING);
	assert_int_equal(info.state, BARLEASE_IS_ORPHANED);
	assert_int_equal(info.mappings, 5);
	assert_int_equal(info.importers, 6);
	assert_int_equal(info.ranges, 2);
	assert_int_equal(ranges[1].offset, 0x1000);
	assert_int_equal(ranges[1].length, 0x1000);
	assert_int_equal(ranges[2].offset, 7);

	/* The first of them alone, or none. */
	ranges[1].offset = 7;
	assert_int_equal(
		barlease_lease_info(device(state), 42, &info, ranges, 1), 0);
	assert_int_equal(ranges[0].offset, 0);
	assert_int_equal(ranges[1].offset, 7);
	assert_int_equal(barlease_lease_info(device(state), 42, &info, NULL, 0),
			 0);
	assert_int_equal(info.ranges, 2);
	assert_int_equal(barlease_lease_info(device(state), 42, &info, NULL, 1),
			 -EINVAL);
	assert_int_equal(barlease_lease_info(device(state), 42, &info, ranges,
					     BARLEASE_MAX_RANGES + 1),
			 -EINVAL);
	vfio_fake.info_errno = ENODEV;
	assert_int_equal(barlease_lease_info(device(state), 42, &info, NULL, 0),
			 -ENODEV);
}

static void an_adopted_device_lends_and_leaves_its_fd_open(void **state)
{
	int fd = fcntl(barlease_device_fd(device(state)), F_DUPFD_CLOEXEC, 0);
	struct barlease_device *dev;
	unsigned int fds = fd_count();
	int lease;

	assert_int_equal(barlease_device_adopt(fd, "04:05.6", &dev), 0);
	assert_int_equal(barlease_device_fd(dev), fd);
	assert_int_equal(barlease_device_way(dev), BARLEASE_ADOPTED);
	assert_int_equal(barlease_device_iommu_fd(dev), -1);
	assert_int_equal(barlease_device_ioas(dev), 0);
	assert_string_equal(barlease_device_bdf(dev), "0000:04:05.6");
	lease = barlease_lease_export(dev, 2, &page, 1, BARLEASE_READ_WRITE);
	assert_true(lease >= 0);
	close(lease);
	barlease_device_close(dev);
	assert_int_equal(fd_count(), fds);
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	close(fd);
}

static void what_is_no_pci_function_is_not_adopted(void **state)
{
	int fd = barlease_device_fd(device(state));
	struct barlease_device *dev;

	assert_int_equal(barlease_device_adopt(fd, "nonsense", &dev), -EINVAL);
	vfio_fake.not_pci = true;
	assert_int_equal(barlease_device_adopt(fd, "04:05.6", &dev), -EINVAL);
	vfio_fake.get_info_errno = ENOTTY;
	assert_int_equal(barlease_device_adopt(fd, "04:05.6", &dev), -EINVAL);
	vfio_fake.get_info_errno = EBADF;
	assert_int_equal(barlease_device_adopt(fd, "04:05.6", &dev), -EBADF);
}

#define device_test(function) \
	cmocka_unit_test_setup_teardown(function, device_setup, device_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(msix_is_found_where_it_is),
		device_test(a_function_without_msix_is_enoent),
		device_test(msix_without_configuration_space_is_eio),
		device_test(what_has_the_msix_table_is_eperm_unless_forced),
		device_test(a_range_that_wraps_is_left_to_the_kernel),
		device_test(the_attribute_is_set_on_the_new_lease),
		device_test(the_name_is_set_on_the_new_lease),
		device_test(terms_that_cannot_be_had_leave_no_lease),
		device_test(info_is_what_the_driver_tells),
		device_test(an_adopted_device_lends_and_leaves_its_fd_open),
		device_test(what_is_no_pci_function_is_not_adopted),
	};

	return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
