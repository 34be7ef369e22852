// SPDX-License-Identifier: MIT
/* A simulated device as a whole, and what it refuses to lend. */
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static int open_named(const char *name)
{
	const struct barlease_sim_terms terms = {
		.name = name,
		.bar_size = { PAGE },
	};
	struct barlease_device *dev = NULL;
	int err = barlease_device_open_sim(&terms, &dev);

	if (!err)
		assert_string_equal(barlease_device_bdf(dev), name);
	barlease_device_close(dev);
	return err;
}

static void a_name_is_short_and_without_blanks(void **state)
{
	(void)state;
	assert_int_equal(open_named(NULL), -EINVAL);
	assert_int_equal(open_named(""), -EINVAL);
	assert_int_equal(open_named("two words"), -EINVAL);
	assert_int_equal(open_named("line\n"), -EINVAL);
	assert_int_equal(open_named("0123456789012345678"), 0);
	assert_int_equal(open_named("01234567890123456789"), -ENAMETOOLONG);
	assert_int_equal(open_named("0000:00:04.0"), 0);
}

static int open_on(const struct barlease_sim_terms *terms)
{
	struct barlease_device *dev = NULL;
	int err = barlease_device_open_sim(terms, &dev);

	barlease_device_close(dev);
	return err;
}

static void what_no_function_can_have_is_einval(void **state)
{
	struct barlease_sim_terms terms = { .name = "sim:accel" };

	(void)state;
	assert_int_equal(open_on(&terms), 0);
	terms.bar_size[1] = UINT64_MAX;
	assert_int_equal(open_on(&terms), -EINVAL);
	terms.bar_size[1] = PAGE;
	terms.msix = (struct barlease_msix){ .vectors = 256, .table_bar = 1 };
	assert_int_equal(open_on(&terms), -EINVAL);
	terms.msix.pba_bar = 1;
	assert_int_equal(open_on(&terms), 0);
	terms.msix.vectors = 257;
	assert_int_equal(open_on(&terms), -EINVAL);
	terms.bar_size[1] = 64 * PAGE;
	assert_int_equal(open_on(&terms), 0);
	terms.msix.vectors = 2049;
	assert_int_equal(open_on(&terms), -EINVAL);
	terms.msix.vectors = 1;
	terms.msix.table.offset = UINT64_MAX;
	assert_int_equal(open_on(&terms), -EINVAL);
	terms.msix.table.offset = 0;
	terms.msix.pba_bar = 6;
	assert_int_equal(open_on(&terms), -EINVAL);
}

/* The fds that this process may have end before each of those it needs. */
static void an_open_that_fails_leaves_no_fd(void **state)
{
	struct rlimit old, few;
	unsigned int fds = fd_count();
	int first, failed = 0;

	(void)state;
	first = dup(0);
	close(first);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t more = 0;; more++) {
		const struct barlease_sim_terms terms = {
			.name = "sim:accel",
			.bar_size = { PAGE, PAGE, PAGE },
		};
		struct barlease_device *dev = NULL;
		int err;

		few = (struct rlimit){ (rlim_t)first + more, old.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		err = barlease_device_open_sim(&terms, &dev);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		barlease_device_close(dev);
		assert_int_equal(fd_count(), fds);
		if (!err)
			break;
		assert_int_equal(err, -EMFILE);
		failed++;
	}
	assert_int_equal(failed, 3);
}

static void it_is_told_that_it_is_simulated(void **state)
{
	struct barlease_device *dev = *state;

	assert_string_equal(barlease_device_bdf(dev), "sim:accel");
	assert_int_equal(barlease_device_way(dev), BARLEASE_SIMULATED);
	assert_int_equal(barlease_device_probe(dev), BARLEASE_BY_SIMULATION);
	assert_int_equal(barlease_device_features(dev),
			 BARLEASE_CAN_EXPORT | BARLEASE_CAN_REVOKE |
				 BARLEASE_CAN_MEMATTR);
	assert_int_equal(barlease_device_fd(dev), -1);
	assert_int_equal(barlease_device_iommu_fd(dev), -1);
	assert_int_equal(barlease_device_ioas(dev), 0);
	assert_int_equal(barlease_device_open_by("00:04.0", BARLEASE_SIMULATED,
						 NULL, &dev, NULL),
			 -EINVAL);
}

static void the_regions_are_the_bars(void **state)
{
	struct barlease_region region;

	assert_int_equal(barlease_region_get(*state, SIM_BAR, &region), 0);
	assert_int_equal(region.size, SIM_PAGES * PAGE);
	assert_true(region.readable && region.writable && region.mappable);
	assert_int_equal(barlease_region_get(*state, SIM_SMALL_BAR, &region),
			 0);
	assert_int_equal(region.size, 256);
	assert_false(region.mappable);
	for (unsigned int i = 5; i < 9; i++) {
		assert_int_equal(barlease_region_get(*state, i, &region), 0);
		assert_int_equal(region.size, 0);
		assert_false(region.readable);
	}
	assert_int_equal(barlease_region_get(*state, 9, &region), -EINVAL);
}

static void a_region_keeps_what_is_written(void **state)
{
	unsigned char bytes[2 * PAGE], found[2 * PAGE];
	uint32_t value;

	memset(bytes, 0xa5, sizeof(bytes));
	assert_int_equal(sim_read(*state, 5 * PAGE), 0);
	assert_int_equal(barlease_region_write(*state, SIM_BAR, bytes,
					       sizeof(bytes), PAGE - 3),
			 0);
	assert_int_equal(barlease_region_read(*state, SIM_BAR, found,
					      sizeof(found), PAGE - 3),
			 0);
	assert_memory_equal(bytes, found, sizeof(bytes));
	assert_int_equal(sim_read(*state, PAGE - 4), 0xa5a5a500);
	assert_int_equal(sim_read(*state, 3 * PAGE - 4), 0x000000a5);

	assert_int_equal(
		barlease_region_write(*state, SIM_SMALL_BAR, "end", 3, 253), 0);
	assert_int_equal(barlease_region_write(*state, SIM_SMALL_BAR, "end", 3,
					       254),
			 -EINVAL);
	assert_int_equal(barlease_region_read(*state, SIM_BAR, &value, 4,
					      UINT64_MAX - 3),
			 -EINVAL);
	assert_int_equal(barlease_region_read(*state, 7, &value, 4, 0),
			 -EINVAL);
	assert_int_equal(barlease_region_read(*state, 5, &value, 4, 0),
			 -EINVAL);
}

static void a_bar_cannot_be_mapped_by_the_lessor(void **state)
{
	struct barlease_map map = { 0 };

	assert_int_equal(barlease_region_map(*state, SIM_BAR, 0, PAGE,
					     PROT_READ, &map),
			 -EOPNOTSUPP);
	assert_int_equal(barlease_region_map(*state, SIM_SMALL_BAR, 0, 256,
					     PROT_READ, &map),
			 -EINVAL);
	assert_null(map.address);
}

static void a_reset_makes_all_memory_zeros(void **state)
{
	int lease = sim_lend(*state, 1, 2, BARLEASE_READ_WRITE);
	int seen = sim_lend(*state, 1, 2, BARLEASE_READ_ONLY);
	struct barlease_map map, seen_map;
	volatile uint32_t *words = sim_map(lease, PROT_READ | PROT_WRITE, &map);
	volatile uint32_t *others = sim_map(seen, PROT_READ, &seen_map);

	words[0] = 1;
	sim_write(*state, PAGE + 4, 2);
	sim_write(*state, 5 * PAGE, 3);
	assert_int_equal(
		barlease_region_write(*state, SIM_SMALL_BAR, "end", 3, 253), 0);
	assert_int_equal(others[1], 2);

	assert_int_equal(barlease_device_reset(*state), 0);
	assert_int_equal(words[0], 0);
	assert_int_equal(words[1], 0);
	assert_int_equal(others[1], 0);
	assert_int_equal(sim_read(*state, PAGE), 0);
	assert_int_equal(sim_read(*state, 5 * PAGE), 0);
	words[0] = 4;
	assert_int_equal(sim_read(*state, PAGE), 4);
	barlease_map_end(&map);
	barlease_map_end(&seen_map);
	close(lease);
	close(seen);
}

static void memory_cannot_be_switched_off(void **state)
{
	assert_int_equal(barlease_device_set_memory(*state, false),
			 -EOPNOTSUPP);
	assert_int_equal(barlease_device_set_memory(*state, true), 0);
}

static void nobody_asks_for_it(void **state)
{
	assert_int_equal(barlease_device_watch(*state), -EOPNOTSUPP);
}

static void the_msix_table_is_kept_from_lessees(void **state)
{
	const struct barlease_sim_terms terms = {
		.name = "sim:accel",
		.bar_size = { [1] = 4 * PAGE, [3] = 4 * PAGE },
		.msix = {
			.vectors = 65,
			.table_bar = 1,
			.table.offset = PAGE,
			.pba_bar = 3,
			.pba.offset = 3 * PAGE,
		},
	};
	const struct barlease_terms insist = { .over_msix = true };
	const struct barlease_range whole = { 0, 4 * PAGE };
	const struct barlease_range first = { 0, PAGE };
	struct barlease_device *dev;
	struct barlease_msix msix;
	int fd;

	assert_int_equal(barlease_device_msix(*state, &msix), -ENOENT);
	assert_int_equal(barlease_device_open_sim(&terms, &dev), 0);
	assert_int_equal(barlease_device_msix(dev, &msix), 0);
	assert_int_equal(msix.vectors, 65);
	assert_int_equal(msix.table_bar, 1);
	assert_int_equal(msix.table.offset, PAGE);
	assert_int_equal(msix.table.length, 65 * 16);
	assert_int_equal(msix.pba_bar, 3);
	assert_int_equal(msix.pba.length, 16);

	for (unsigned int bar = 1; bar < 4; bar += 2) {
		assert_int_equal(barlease_lease_export(dev, bar, &whole, 1,
						       BARLEASE_READ_WRITE),
				 -EPERM);
		fd = barlease_lease_export(dev, bar, &first, 1,
					   BARLEASE_READ_WRITE);
		assert_true(fd >= 0);
		close(fd);
		fd = barlease_lease_export_as(dev, bar, &whole, 1, &insist);
		assert_true(fd >= 0);
		close(fd);
	}
	barlease_device_close(dev);
}

static const struct refused {
	unsigned int bar;
	unsigned int count;
	struct barlease_range ranges[3];
	int err;
} refused[] = {
	{ SIM_BAR, 0, { { 0, PAGE } }, -EINVAL },
	{ SIM_BAR, BARLEASE_MAX_RANGES + 1, { { 0, PAGE } }, -E2BIG },
	{ 1, 1, { { 0, PAGE } }, -ENODEV },
	{ 6, 1, { { 0, PAGE } }, -ENODEV },
	{ 7, 1, { { 0, 0 } }, -ENODEV },
	{ UINT32_MAX, 1, { { 0, PAGE } }, -ENODEV },
	{ SIM_SMALL_BAR, 1, { { 0, PAGE } }, -EINVAL },
	{ SIM_BAR, 1, { { 0, 0 } }, -EINVAL },
	{ SIM_BAR, 1, { { 0, PAGE + 1 } }, -EINVAL },
	{ SIM_BAR, 1, { { PAGE / 2, PAGE } }, -EINVAL },
	{ SIM_BAR, 2, { { 0, PAGE }, { 0, 0 } }, -EINVAL },
	{ SIM_BAR, 2, { { 0, PAGE }, { 8, PAGE } }, -EINVAL },
	{ SIM_BAR,
	  1,
	  { { 0ULL - PAGE, BARLEASE_MAX_LENGTH + PAGE } },
	  -EINVAL },
	{ SIM_BAR,
	  2,
	  { { 0ULL - PAGE, BARLEASE_MAX_LENGTH }, { 0, PAGE } },
	  -EINVAL },
	{ SIM_BAR,
	  3,
	  { { 0ULL - PAGE, 1ULL << 63 }, { 0, 1ULL << 63 }, { 0, PAGE } },
	  -EINVAL },
	{ SIM_BAR, 2, { { 0, 2 * PAGE }, { 2 * PAGE, 0ULL - PAGE } }, -EINVAL },
	{ SIM_BAR, 1, { { 0ULL - PAGE, PAGE } }, -EOVERFLOW },
	{ SIM_BAR, 1, { { 0ULL - PAGE, BARLEASE_MAX_LENGTH } }, -EOVERFLOW },
	{ SIM_BAR, 1, { { SIM_PAGES * PAGE, PAGE } }, -EINVAL },
	{ SIM_BAR, 1, { { (SIM_PAGES - 1) * PAGE, 2 * PAGE } }, -EINVAL },
	{ SIM_BAR, 2, { { 0, PAGE }, { SIM_PAGES * PAGE, PAGE } }, -EINVAL },
};

/* As tests/kernel/test_export_errors.c has it of the driver. */
static void an_export_is_refused_as_by_the_driver(void **state)
{
	unsigned int fds = fd_count();

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int ret = barlease_lease_export(*state, refused[i].bar,
						refused[i].ranges,
						refused[i].count,
						BARLEASE_READ_WRITE);

		if (ret != refused[i].err)
			fail_msg("row %zu is %d", i, ret);
	}
	assert_int_equal(fd_count(), fds);
}

static void terms_that_are_none_are_refused(void **state)
{
	const struct barlease_range page = { 0, PAGE };
	struct barlease_terms terms = { .access = 2 };

	assert_int_equal(barlease_lease_export_as(*state, SIM_BAR, &page, 1,
						  &terms),
			 -EINVAL);
	terms.access = BARLEASE_READ_ONLY;
	terms.attribute = 2;
	assert_int_equal(barlease_lease_export_as(*state, SIM_BAR, &page, 1,
						  &terms),
			 -EINVAL);
	terms.attribute = BARLEASE_NON_CACHED;
	terms.name = "0123456789abcdef0123456789abcdef";
	assert_int_equal(barlease_lease_export_as(*state, SIM_BAR, &page, 1,
						  &terms),
			 -ENAMETOOLONG);
}

static void an_export_that_fails_leaves_no_fd(void **state)
{
	const struct barlease_range page = { 0, PAGE };
	struct rlimit old, few;
	unsigned int fds = fd_count();
	int first = dup(0);

	close(first);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t more = 0; more < 2; more++) {
		int ret;

		few = (struct rlimit){ (rlim_t)first + more, old.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		ret = barlease_lease_export(*state, SIM_BAR, &page, 1,
					    BARLEASE_READ_WRITE);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(ret, -EMFILE);
		assert_int_equal(fd_count(), fds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_short_and_without_blanks),
		cmocka_unit_test(what_no_function_can_have_is_einval),
		cmocka_unit_test(an_open_that_fails_leaves_no_fd),
		sim_test(it_is_told_that_it_is_simulated),
		sim_test(the_regions_are_the_bars),
		sim_test(a_region_keeps_what_is_written),
		sim_test(a_bar_cannot_be_mapped_by_the_lessor),
		sim_test(a_reset_makes_all_memory_zeros),
		sim_test(memory_cannot_be_switched_off),
		sim_test(nobody_asks_for_it),
		sim_test(the_msix_table_is_kept_from_lessees),
		sim_test(an_export_is_refused_as_by_the_driver),
		sim_test(terms_that_are_none_are_refused),
		sim_test(an_export_that_fails_leaves_no_fd),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
