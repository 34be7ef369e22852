// SPDX-License-Identifier: MIT
/* Devices and leases from the fds that another process has left. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim.h"
#include "vfio_fake.h"

#define BDF "0000:00:04.0"

static const struct barlease_terms read_write = {
	.access = BARLEASE_READ_WRITE,
};

static const struct barlease_terms read_only = {
	.access = BARLEASE_READ_ONLY,
};

/* Copies of the parts of a device, as a store has them. */
static int parts_copy(struct barlease_device *dev, struct barlease_part *parts)
{
	int count = barlease_device_parts(dev, parts);

	assert_in_range(count, 1, BARLEASE_PARTS_MAX);
	for (int i = 0; i < count; i++) {
		parts[i].fd = fcntl(parts[i].fd, F_DUPFD_CLOEXEC, 0);
		assert_true(parts[i].fd >= 0);
	}
	return count;
}

static void parts_close(const struct barlease_part *parts, int count)
{
	for (int i = 0; i < count; i++)
		close(parts[i].fd);
}

static void a_device_by_group_is_resumed(void **state)
{
	struct barlease_device *dev = vfio_fake_open(state);
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	int count = parts_copy(dev, parts);

	assert_int_equal(count, 3);
	barlease_device_close(dev);
	assert_int_equal(barlease_device_resume(BDF, parts, 3, &dev), 0);
	assert_int_equal(barlease_device_way(dev), BARLEASE_BY_GROUP);
	assert_int_equal(barlease_device_ioas(dev), 0);
	assert_string_equal(barlease_device_bdf(dev), BDF);
	assert_true(barlease_device_iommu_fd(dev) >= 0);
	vfio_fake.features[0] =
		VFIO_DEVICE_FEATURE_DMA_BUF | VFIO_DEVICE_FEATURE_GET;
	assert_int_equal(barlease_device_features(dev), BARLEASE_CAN_EXPORT);
	barlease_device_close(dev);
}

static void a_device_by_iommufd_is_resumed(void **state)
{
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	struct barlease_device *dev;
	int count;

	vfio_fake_add_iommufd(state);
	dev = vfio_fake_open(state);
	assert_int_equal(barlease_device_way(dev), BARLEASE_BY_IOMMUFD);
	count = parts_copy(dev, parts);
	assert_int_equal(count, 2);
	barlease_device_close(dev);
	assert_int_equal(barlease_device_resume(BDF, parts, 2, &dev), 0);
	assert_int_equal(barlease_device_way(dev), BARLEASE_BY_IOMMUFD);
	assert_int_equal(barlease_device_ioas(dev), VFIO_FAKE_IOAS);
	barlease_device_close(dev);
}

static void parts_that_are_none_of_a_device_are_refused(void **state)
{
	struct barlease_device *dev = vfio_fake_open(state);
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	struct barlease_device *none = NULL;
	int count = parts_copy(dev, parts);

	assert_int_equal(barlease_device_resume("04.0", parts, 3, &none),
			 -EINVAL);
	assert_int_equal(barlease_device_resume(BDF, parts, 0, &none), -EINVAL);
	/* One is missing, each in turn. */
	for (int i = 0; i < 3; i++) {
		struct barlease_part missing = parts[i];

		parts[i] = parts[2];
		assert_int_equal(barlease_device_resume(BDF, parts, 2, &none),
				 -EINVAL);
		parts[i] = missing;
	}
	/* One is there twice. */
	parts[3] = parts[1];
	assert_int_equal(barlease_device_resume(BDF, parts, 4, &none), -EINVAL);
	strcpy(parts[1].name, "device");
	assert_int_equal(barlease_device_resume(BDF, parts, 3, &none), -EINVAL);
	/* Names that are none. */
	strcpy(parts[1].name, "what");
	assert_int_equal(barlease_device_resume(BDF, parts, 3, &none), -EINVAL);
	static const char *const wrong[] = {
		"iommufd.",   "iommufd.0",	    "iommufd.x",
		"iommufd.5x", "iommufd.4294967296", "iommufd.-1",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		strcpy(parts[1].name, wrong[i]);
		assert_int_equal(barlease_device_resume(BDF, parts, 2, &none),
				 -EINVAL);
	}
	/* Both ways at once. */
	strcpy(parts[1].name, "group");
	strcpy(parts[2].name, "iommufd.5");
	assert_int_equal(barlease_device_resume(BDF, parts, 3, &none), -EINVAL);
	strcpy(parts[2].name, "container");
	vfio_fake.not_pci = true;
	assert_int_equal(barlease_device_resume(BDF, parts, 3, &none), -EINVAL);
	vfio_fake.not_pci = false;
	vfio_fake.get_info_errno = ENOTTY;
	assert_int_equal(barlease_device_resume(BDF, parts, 3, &none), -EINVAL);
	assert_null(none);
	parts_close(parts, count);
	barlease_device_close(dev);
}

static void a_device_that_was_adopted_cannot_be_left(void **state)
{
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	struct barlease_device *dev = vfio_fake_open(state);
	struct barlease_device *adopted;

	assert_int_equal(barlease_device_adopt(barlease_device_fd(dev), BDF,
					       &adopted),
			 0);
	assert_int_equal(barlease_device_parts(adopted, parts), -EOPNOTSUPP);
	barlease_device_close(adopted);
	barlease_device_close(dev);
}

static void a_lease_is_what_the_driver_says(void **state)
{
	struct barlease_device *dev = vfio_fake_open(state);
	struct barlease_range range = { 0x1000, 0x2000 };

	/* The kernel's own driver does not tell. */
	assert_int_equal(barlease_lease_resume(dev, 0, 2, &range, &read_write),
			 0);
	vfio_fake.features[0] = BARLEASE_FEATURE_INFO | VFIO_DEVICE_FEATURE_GET;
	vfio_fake.info = (struct barlease_lease_info){
		.region_index = 2,
		.open_flags = O_RDWR,
		.nr_ranges = 2,
	};
	/* It has two ranges. */
	assert_int_equal(barlease_lease_resume(dev, 0, 2, &range, &read_write),
			 -EINVAL);
	vfio_fake.info.state = BARLEASE_IS_REVOKED;
	assert_int_equal(barlease_lease_resume(dev, 0, 2, &range, &read_write),
			 -EBADFD);
	vfio_fake.info.state = BARLEASE_IS_ORPHANED;
	assert_int_equal(barlease_lease_resume(dev, 0, 2, &range, &read_write),
			 -EBADFD);
	vfio_fake.info_errno = ENODEV;
	assert_int_equal(barlease_lease_resume(dev, 0, 2, &range, &read_write),
			 -ENODEV);
	barlease_device_close(dev);
}

/* The device and its leases, once the process that had them is gone. */
static struct barlease_device *sim_again(struct barlease_device *dev)
{
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	struct barlease_device *again;
	int count = parts_copy(dev, parts);

	assert_int_equal(barlease_device_resume("sim:x", parts,
						(unsigned int)count, &again),
			 0);
	return again;
}

static void a_simulated_device_has_its_bytes_again(void **state)
{
	struct barlease_device *dev = *state;
	struct barlease_device *again;

	sim_write(dev, 8, 0x12345678);
	again = sim_again(dev);
	assert_string_equal(barlease_device_bdf(again), "sim:x");
	assert_int_equal(sim_read(again, 8), 0x12345678);
	barlease_device_close(again);
}

static void a_simulated_lease_goes_on_and_ends(void **state)
{
	struct barlease_range range = { 4 * PAGE, 2 * PAGE };
	struct barlease_device *dev = *state;
	struct barlease_device *again;
	struct barlease_map map;
	volatile uint32_t *words;
	int fd = sim_lend(dev, 4, 2, BARLEASE_READ_WRITE);

	words = sim_map(fd, PROT_READ | PROT_WRITE, &map);
	words[0] = 1;
	again = sim_again(dev);
	assert_int_equal(barlease_lease_resume(again, fd, SIM_BAR, &range,
					       &read_write),
			 0);
	words[1] = 2;
	assert_int_equal(sim_read(again, 4 * PAGE), 1);
	assert_int_equal(sim_read(again, 4 * PAGE + 4), 2);
	assert_int_equal(barlease_lease_revoke(again, fd), 0);
	assert_sigbus(words);
	assert_int_equal(sim_read(again, 4 * PAGE + 4), 2);
	assert_int_equal(barlease_lease_resume(again, fd, SIM_BAR, &range,
					       &read_write),
			 -EBADFD);
	barlease_map_end(&map);
	barlease_device_close(again);
	close(fd);
}

static void a_read_only_simulated_lease_ends_as_well(void **state)
{
	struct barlease_range range = { 0, PAGE };
	struct barlease_device *dev = *state;
	struct barlease_device *again = sim_again(dev);
	int fd = sim_lend(dev, 0, 1, BARLEASE_READ_ONLY);
	struct stat status;

	assert_int_equal(barlease_lease_resume(again, fd, SIM_BAR, &range,
					       &read_only),
			 0);
	/* Nobody can open it for writing in between. */
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0400);
	assert_int_equal(barlease_lease_revoke(again, fd), 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 0);
	barlease_device_close(again);
	close(fd);
}

static void what_is_no_simulated_lease_is_refused(void **state)
{
	struct barlease_range range = { 0, PAGE };
	struct barlease_range beyond = { SIM_PAGES * PAGE, PAGE };
	struct barlease_device *dev = *state;
	int fd = sim_lend(dev, 0, 2, BARLEASE_READ_WRITE);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Longer than that, for reading only, of another BAR, of no BAR. */
	assert_int_equal(barlease_lease_resume(dev, fd, SIM_BAR, &range,
					       &read_write),
			 -EINVAL);
	range.length = 2 * PAGE;
	assert_int_equal(barlease_lease_resume(dev, fd, SIM_BAR, &range,
					       &read_only),
			 -EINVAL);
	assert_int_equal(barlease_lease_resume(dev, fd, SIM_BAR, &beyond,
					       &read_write),
			 -EINVAL);
	assert_int_equal(barlease_lease_resume(dev, fd, 1, &range,
					       &read_write),
			 -ENODEV);
	assert_int_equal(barlease_lease_resume(dev, null, SIM_BAR, &range,
					       &read_write),
			 -EINVAL);
	close(null);
	assert_int_equal(barlease_lease_resume(dev, null, SIM_BAR, &range,
					       &read_write),
			 -EBADF);
	close(fd);
}

static void parts_that_are_none_of_a_simulated_device_are_refused(void **state)
{
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	struct barlease_device *dev = *state;
	struct barlease_device *none = NULL;
	int count = parts_copy(dev, parts);
	int memory = parts[0].fd;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_int_equal(barlease_device_resume("", parts, 1, &none), -EINVAL);
	strcpy(parts[1].name, parts[0].name);
	assert_int_equal(barlease_device_resume("x", parts, 2, &none), -EINVAL);
	strcpy(parts[0].name, "bar6");
	assert_int_equal(barlease_device_resume("x", parts, 1, &none), -EINVAL);
	strcpy(parts[0].name, "bar");
	assert_int_equal(barlease_device_resume("x", parts, 1, &none), -EINVAL);
	strcpy(parts[0].name, "bar22");
	assert_int_equal(barlease_device_resume("x", parts, 1, &none), -EINVAL);
	strcpy(parts[0].name, "bar2");
	parts[0].fd = null;
	assert_int_equal(barlease_device_resume("x", parts, 1, &none), -EINVAL);
	close(null);
	assert_int_equal(barlease_device_resume("x", parts, 1, &none), -EBADF);
	parts[0].fd = memory;
	assert_null(none);
	parts_close(parts, count);
}

#define fake_test(function)                                         \
	cmocka_unit_test_setup_teardown(function, vfio_fake_setup, \
					vfio_fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(a_device_by_group_is_resumed),
		fake_test(a_device_by_iommufd_is_resumed),
		fake_test(parts_that_are_none_of_a_device_are_refused),
		fake_test(a_device_that_was_adopted_cannot_be_left),
		fake_test(a_lease_is_what_the_driver_says),
		sim_test(a_simulated_device_has_its_bytes_again),
		sim_test(a_simulated_lease_goes_on_and_ends),
		sim_test(a_read_only_simulated_lease_ends_as_well),
		sim_test(what_is_no_simulated_lease_is_refused),
		sim_test(parts_that_are_none_of_a_simulated_device_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
