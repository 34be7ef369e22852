// SPDX-License-Identifier: MIT
#include "vfio_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT (VFIO_DEVICE_FEATURE_DMA_BUF | VFIO_DEVICE_FEATURE_GET)
#define INFO (BARLEASE_FEATURE_INFO | VFIO_DEVICE_FEATURE_GET)
#define REVOKE (BARLEASE_FEATURE_REVOKE | VFIO_DEVICE_FEATURE_SET)
#define MEMATTR (BARLEASE_FEATURE_MEMATTR | VFIO_DEVICE_FEATURE_SET)

/* Where the fake puts configuration space in the device fd. */
#define CONFIG_OFFSET (7 * 0x10000)

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

static void device_put(const void *buf, size_t length, off_t offset)
{
	assert_int_equal(pwrite(vfio_fake.device_fd, buf, length, offset),
			 length);
}

static void device_get(void *buf, size_t length, off_t offset)
{
	assert_int_equal(pread(vfio_fake.device_fd, buf, length, offset),
			 length);
}

static void features_are_what_the_driver_answers_to(void **state)
{
	assert_int_equal(barlease_device_features(device(state)), 0);
	vfio_fake.features[0] = EXPORT;
	assert_int_equal(barlease_device_features(device(state)),
			 BARLEASE_CAN_EXPORT);
	vfio_fake.features[1] = REVOKE;
	vfio_fake.features[2] = MEMATTR;
	assert_int_equal(barlease_device_features(device(state)),
			 BARLEASE_CAN_EXPORT | BARLEASE_CAN_REVOKE |
				 BARLEASE_CAN_MEMATTR);
}

static void the_server_is_told_by_what_it_can_do(void **state)
{
	assert_int_equal(barlease_device_probe(device(state)), -EOPNOTSUPP);
	vfio_fake.features[0] = EXPORT;
	assert_int_equal(barlease_device_probe(device(state)), -EOPNOTSUPP);
	vfio_fake.features[1] = REVOKE;
	assert_int_equal(barlease_device_probe(device(state)),
			 BARLEASE_BY_KERNEL);
	vfio_fake.features[2] = INFO;
	assert_int_equal(barlease_device_probe(device(state)),
			 BARLEASE_BY_DRIVER);
}

/* A vfio-pci that can export and revoke, and has nothing of ours. */
static void the_kernels_own_driver_lends_without_the_rest(void **state)
{
	const struct barlease_range range = { 0, 0x1000 };
	const struct barlease_terms combining = {
		.attribute = BARLEASE_WRITE_COMBINING,
	};
	struct barlease_info info;
	int fd;

	vfio_fake.features[0] = EXPORT;
	vfio_fake.features[1] = REVOKE;
	fd = barlease_lease_export(device(state), 0, &range, 1,
				   BARLEASE_READ_WRITE);
	assert_true(fd >= 0);
	assert_int_equal(barlease_lease_info(device(state), fd, &info, NULL, 0),
			 -EOPNOTSUPP);
	assert_int_equal(barlease_lease_set_attribute(device(state), fd,
						      BARLEASE_NON_CACHED),
			 -EOPNOTSUPP);
	assert_int_equal(barlease_lease_export_as(device(state), 0, &range, 1,
						  &combining),
			 -EOPNOTSUPP);
	assert_int_equal(barlease_lease_revoke(device(state), fd), 0);
	close(fd);
}

static void an_export_carries_its_ranges_and_access(void **state)
{
	struct barlease_range ranges[] = { { 0x2000, 0x1000 }, { 0, 0x2000 } };
	struct vfio_device_feature_dma_buf *request =
		(void *)(vfio_fake.feature +
			 sizeof(struct vfio_device_feature));
	int fd;

	vfio_fake.features[0] = EXPORT;
	fd = barlease_lease_export(device(state), 2, ranges, 2,
				   BARLEASE_READ_ONLY);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(vfio_fake.feature_flags, EXPORT);
	assert_int_equal(request->region_index, 2);
	assert_int_equal(request->open_flags, O_RDONLY | O_CLOEXEC);
	assert_int_equal(request->nr_ranges, 2);
	assert_memory_equal(request->dma_ranges, ranges, sizeof(ranges));

	fd = barlease_lease_export(device(state), 2, ranges, 1,
				   BARLEASE_READ_WRITE);
	close(fd);
	assert_int_equal(request->open_flags, O_RDWR | O_CLOEXEC);
}

static void an_export_without_the_feature_is_eopnotsupp(void **state)
{
	struct barlease_range range = { 0, 0x1000 };

	assert_int_equal(barlease_lease_export(device(state), 0, &range, 1,
					       BARLEASE_READ_WRITE),
			 -EOPNOTSUPP);
}

static void too_many_ranges_are_e2big(void **state)
{
	struct barlease_range range = { 0, 0x1000 };

	vfio_fake.features[0] = EXPORT;
	assert_int_equal(barlease_lease_export(device(state), 0, &range,
					       BARLEASE_MAX_RANGES + 1,
					       BARLEASE_READ_WRITE),
			 -E2BIG);
	assert_int_equal(barlease_lease_export(device(state), 0, &range,
					       UINT_MAX, BARLEASE_READ_WRITE),
			 -E2BIG);
}

static void an_unknown_access_is_einval(void **state)
{
	struct barlease_range range = { 0, 0x1000 };

	vfio_fake.features[0] = EXPORT;
	assert_int_equal(barlease_lease_export(device(state), 0, &range, 1, 2),
			 -EINVAL);
}

static void a_revocation_carries_the_fd(void **state)
{
	struct vfio_device_feature_dma_buf_revoke revoke;

	vfio_fake.features[0] = REVOKE;
	assert_int_equal(barlease_lease_revoke(device(state), 42), 0);
	assert_int_equal(vfio_fake.feature_flags, REVOKE);
	assert_int_equal(vfio_fake.feature_size,
			 sizeof(struct vfio_device_feature) + sizeof(revoke));
	memcpy(&revoke, vfio_fake.feature + sizeof(struct vfio_device_feature),
	       sizeof(revoke));
	assert_int_equal(revoke.dmabuf_fd, 42);
}

static void a_revocation_without_the_feature_is_eopnotsupp(void **state)
{
	assert_int_equal(barlease_lease_revoke(device(state), 42), -EOPNOTSUPP);
}

static void a_refused_revocation_is_passed_on(void **state)
{
	vfio_fake.features[0] = REVOKE;
	vfio_fake.revoke_errno = EBADFD;
	assert_int_equal(barlease_lease_revoke(device(state), 42), -EBADFD);
}

static void memory_is_one_bit_of_the_command_register(void **state)
{
	unsigned char command[2] = { 0x05, 0x04 };

	device_put(command, 2, CONFIG_OFFSET + 4);
	assert_int_equal(barlease_device_set_memory(device(state), true), 0);
	device_get(command, 2, CONFIG_OFFSET + 4);
	assert_int_equal(command[0], 0x07);
	assert_int_equal(command[1], 0x04);
	assert_int_equal(barlease_device_set_memory(device(state), false), 0);
	device_get(command, 2, CONFIG_OFFSET + 4);
	assert_int_equal(command[0], 0x05);
	assert_int_equal(command[1], 0x04);
}

static void memory_without_configuration_space_is_eio(void **state)
{
	vfio_fake.region_size = 0;
	assert_int_equal(barlease_device_set_memory(device(state), true), -EIO);
}

static void a_function_without_a_reset_is_enotty(void **state)
{
	assert_int_equal(barlease_device_reset(device(state)), 0);
	vfio_fake.no_reset = true;
	assert_int_equal(barlease_device_reset(device(state)), -ENOTTY);
}

static void a_failed_reset_is_passed_on(void **state)
{
	vfio_fake.reset_errno = EAGAIN;
	assert_int_equal(barlease_device_reset(device(state)), -EAGAIN);
}

static void a_region_is_read_and_written_where_it_is(void **state)
{
	char buf[4];

	assert_int_equal(
		barlease_region_write(device(state), 2, "data", 4, 0x3ffc), 0);
	device_get(buf, 4, 0x20000 + 0x3ffc);
	assert_memory_equal(buf, "data", 4);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(barlease_region_read(device(state), 2, buf, 4, 0x3ffc),
			 0);
	assert_memory_equal(buf, "data", 4);
}

static void past_the_end_of_a_region_is_einval(void **state)
{
	char buf[8] = { 0 };

	assert_int_equal(barlease_region_read(device(state), 2, buf, 4, 0x3ffd),
			 -EINVAL);
	assert_int_equal(barlease_region_read(device(state), 2, buf, 4,
					      UINT64_MAX - 1),
			 -EINVAL);
	assert_int_equal(barlease_region_write(device(state), 2, buf, 4,
					       0x3ffd),
			 -EINVAL);
	assert_int_equal(barlease_region_read(device(state), 99, buf, 4, 0),
			 -EINVAL);
}

static void a_short_answer_is_eio(void **state)
{
	char buf[16];

	/* The file that plays the device ends before the region does. */
	vfio_fake.region_size = 1 << 21;
	assert_int_equal(barlease_region_read(device(state), 0, buf, 16,
					      (1 << 20) - 8),
			 -EIO);
}

static void a_bar_maps_where_it_is(void **state)
{
	struct barlease_map map;

	device_put("bar", 3, 0x20000 + 0x1000);
	assert_int_equal(barlease_region_map(device(state), 2, 0x1000, 0x1000,
					     PROT_READ, &map),
			 0);
	assert_memory_equal(map.address, "bar", 3);
	barlease_map_end(&map);
}

static void what_is_no_mappable_bar_is_einval(void **state)
{
	struct barlease_map map;

	assert_int_equal(barlease_region_map(device(state), 7, 0, 0x1000,
					     PROT_READ, &map),
			 -EINVAL);
	assert_int_equal(barlease_region_map(device(state), 2, 0x4000, 0x1000,
					     PROT_READ, &map),
			 -EINVAL);
	assert_int_equal(barlease_region_map(device(state), 2, 0x10, 0x1000,
					     PROT_READ, &map),
			 -EINVAL);
	vfio_fake.region_flags = VFIO_REGION_INFO_FLAG_READ;
	assert_int_equal(barlease_region_map(device(state), 2, 0, 0x1000,
					     PROT_READ, &map),
			 -EINVAL);
}

#define device_test(function) \
	cmocka_unit_test_setup_teardown(function, device_setup, device_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(features_are_what_the_driver_answers_to),
		device_test(the_server_is_told_by_what_it_can_do),
		device_test(the_kernels_own_driver_lends_without_the_rest),
		device_test(an_export_carries_its_ranges_and_access),
		device_test(an_export_without_the_feature_is_eopnotsupp),
		device_test(too_many_ranges_are_e2big),
		device_test(an_unknown_access_is_einval),
		device_test(a_revocation_carries_the_fd),
		device_test(a_revocation_without_the_feature_is_eopnotsupp),
		device_test(a_refused_revocation_is_passed_on),
		device_test(memory_is_one_bit_of_the_command_register),
		device_test(memory_without_configuration_space_is_eio),
		device_test(a_function_without_a_reset_is_enotty),
		device_test(a_failed_reset_is_passed_on),
		device_test(a_region_is_read_and_written_where_it_is),
		device_test(past_the_end_of_a_region_is_einval),
		device_test(a_short_answer_is_eio),
		device_test(a_bar_maps_where_it_is),
		device_test(what_is_no_mappable_bar_is_einval),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
