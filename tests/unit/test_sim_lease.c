// SPDX-License-Identifier: MIT
/* Leases of a simulated device: what is in them and what they tell. */
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)

static void what_a_lessee_writes_is_what_the_lessor_reads(void **state)
{
	int fd = sim_lend(*state, 2, 3, BARLEASE_READ_WRITE);
	struct barlease_map map;
	volatile uint32_t *words = sim_map(fd, RW, &map);

	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(map.length, 3 * PAGE);
	words[2 * PAGE / 4] = 0x12345678;
	assert_int_equal(sim_read(*state, 4 * PAGE), 0x12345678);
	sim_write(*state, 3 * PAGE - 4, 7);
	assert_int_equal(words[PAGE / 4 - 1], 7);
	barlease_map_end(&map);
	close(fd);
}

static void a_lease_begins_with_what_is_there(void **state)
{
	const struct barlease_range ranges[] = { { 5 * PAGE, 2 * PAGE },
						 { 0, PAGE } };
	struct barlease_map map, other;
	volatile uint32_t *words;
	int fd, first;

	sim_write(*state, 0, 1);
	sim_write(*state, 5 * PAGE, 2);
	first = sim_lend(*state, 6, 1, BARLEASE_READ_WRITE);
	*sim_map(first, RW, &other) = 3;
	fd = barlease_lease_export(*state, SIM_BAR, ranges, 2,
				   BARLEASE_READ_WRITE);
	assert_true(fd >= 0);
	words = sim_map(fd, RW, &map);
	assert_int_equal(words[0], 2);
	assert_int_equal(words[PAGE / 4], 3);
	assert_int_equal(words[2 * PAGE / 4], 1);
	barlease_map_end(&map);
	barlease_map_end(&other);
	close(fd);
	close(first);
}

static void what_lessees_wrote_is_there_when_it_is_taken_back(void **state)
{
	const struct barlease_range ranges[] = { { 5 * PAGE, 2 * PAGE },
						 { 0, PAGE } };
	int fd = barlease_lease_export(*state, SIM_BAR, ranges, 2,
				       BARLEASE_READ_WRITE);
	struct barlease_map map;
	volatile uint32_t *words = sim_map(fd, RW, &map);

	sim_write(*state, 6 * PAGE, 9);
	words[1] = 11;
	words[PAGE / 4] = 0; /* over what the lessor wrote */
	words[2 * PAGE / 4 + 1] = 13;
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	assert_int_equal(sim_read(*state, 5 * PAGE + 4), 11);
	assert_int_equal(sim_read(*state, 6 * PAGE), 0);
	assert_int_equal(sim_read(*state, 4), 13);
	barlease_map_end(&map);
	close(fd);
}

static void memory_that_a_lessee_gives_up_is_zeros(void **state)
{
	int fd;

	sim_write(*state, 0, 1);
	sim_write(*state, PAGE, 2);
	fd = sim_lend(*state, 0, 2, BARLEASE_READ_WRITE);
	assert_int_equal(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, PAGE),
			 0);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	assert_int_equal(sim_read(*state, 0), 0);
	assert_int_equal(sim_read(*state, PAGE), 2);
	close(fd);
}

static void a_read_across_a_lease_has_all_that_it_crosses(void **state)
{
	int fd = sim_lend(*state, 2, 1, BARLEASE_READ_WRITE);
	uint32_t words[3 * PAGE / 4];

	sim_write(*state, PAGE, 1);
	sim_write(*state, 3 * PAGE, 3);
	assert_int_equal(pwrite(fd, "\2", 1, 0), 1);
	assert_int_equal(barlease_region_read(*state, SIM_BAR, words,
					      sizeof(words), PAGE),
			 0);
	assert_int_equal(words[0], 1);
	assert_int_equal(words[PAGE / 4], 2);
	assert_int_equal(words[2 * PAGE / 4], 3);
	close(fd);
}

static void of_leases_that_overlap_the_last_to_end_wins(void **state)
{
	int older = sim_lend(*state, 0, 2, BARLEASE_READ_WRITE);
	int newer = sim_lend(*state, 1, 2, BARLEASE_READ_WRITE);
	struct barlease_map older_map, newer_map;
	volatile uint32_t *old = sim_map(older, RW, &older_map);
	volatile uint32_t *new = sim_map(newer, RW, &newer_map);

	old[PAGE / 4] = 1;
	new[0] = 2;
	/* Across the edge of the newer one. */
	old[PAGE / 4 - 1] = 5;
	assert_int_equal(sim_read(*state, PAGE - 4), 5);
	assert_int_equal(sim_read(*state, PAGE), 2);
	sim_write(*state, PAGE + 4, 3);
	assert_int_equal(old[PAGE / 4 + 1], 3);
	assert_int_equal(new[1], 3);

	assert_int_equal(barlease_lease_revoke(*state, newer), 0);
	assert_int_equal(sim_read(*state, PAGE), 1);
	assert_int_equal(barlease_lease_revoke(*state, older), 0);
	assert_int_equal(sim_read(*state, PAGE), 1);
	barlease_map_end(&older_map);
	barlease_map_end(&newer_map);
	close(older);
	close(newer);
}

/* What one reads only cannot take back what another one wrote. */
static void a_read_only_lease_gives_nothing_back(void **state)
{
	int written = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);
	int seen = sim_lend(*state, 0, 1, BARLEASE_READ_ONLY);
	struct barlease_map map;

	*sim_map(written, RW, &map) = 7;
	assert_int_equal(sim_read(*state, 0), 7);
	assert_int_equal(barlease_lease_revoke(*state, written), 0);
	assert_int_equal(barlease_lease_revoke(*state, seen), 0);
	assert_int_equal(sim_read(*state, 0), 7);
	barlease_map_end(&map);
	close(written);
	close(seen);
}

static void a_huge_lease_takes_no_memory_before_it_is_written(void **state)
{
	const struct barlease_range whole = { 0, 1 << 30 };
	struct stat status;
	int fd;

	assert_int_equal(barlease_region_write(*state, SIM_HUGE_BAR, "there", 5,
					       512 << 20),
			 0);
	fd = barlease_lease_export(*state, SIM_HUGE_BAR, &whole, 1,
				   BARLEASE_READ_WRITE);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_true(status.st_blocks * 512 <= 2 << 20);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	close(fd);
}

static void fd_refused(struct barlease_device *dev, int fd, int err)
{
	struct barlease_info info;

	assert_int_equal(barlease_lease_revoke(dev, fd), err);
	assert_int_equal(barlease_lease_set_attribute(dev, fd,
						      BARLEASE_NON_CACHED),
			 err);
	if (err != -EBADFD)
		assert_int_equal(barlease_lease_info(dev, fd, &info, NULL, 0),
				 err);
}

/* As tests/kernel/test_revoke_errors.c has it of the driver. */
static void fds_are_refused_as_by_the_driver(void **state)
{
	const struct barlease_sim_terms terms = {
		.name = "sim:other",
		.bar_size = { [SIM_BAR] = SIM_PAGES * PAGE },
	};
	int fd = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);
	int file = memfd_create("test", MFD_CLOEXEC);
	struct barlease_device *other;
	struct barlease_map map;
	int pipes[2], path_fd, again;
	char path[64];

	assert_int_equal(barlease_device_open_sim(&terms, &other), 0);
	assert_int_equal(pipe(pipes), 0);
	fd_refused(*state, -1, -EBADF);
	fd_refused(*state, 1000, -EBADF);
	fd_refused(*state, pipes[0], -EINVAL);
	fd_refused(*state, file, -EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	path_fd = open(path, O_PATH);
	fd_refused(*state, path_fd, -EBADF);
	sim_map(fd, PROT_READ, &map);
	fd_refused(other, fd, -ENODEV);
	(void)*(volatile uint32_t *)map.address;
	assert_int_equal(barlease_lease_set_attribute(*state, fd, 2), -EINVAL);

	/* Any fd of the lease does. */
	again = open(path, O_RDONLY);
	assert_true(again >= 0);
	assert_int_equal(barlease_lease_revoke(*state, again), 0);
	fd_refused(*state, fd, -EBADFD);
	fd_refused(*state, again, -EBADFD);
	barlease_map_end(&map);
	barlease_device_close(other);
	close(again);
	close(path_fd);
	close(pipes[0]);
	close(pipes[1]);
	close(file);
	close(fd);
}

static void info_tells_the_terms_and_the_state(void **state)
{
	const struct barlease_range ranges[] = { { 5 * PAGE, 2 * PAGE },
						 { 0, PAGE } };
	const struct barlease_terms terms = {
		.access = BARLEASE_READ_ONLY,
		.attribute = BARLEASE_WRITE_COMBINING,
	};
	struct barlease_range found[3] = { { 7, 7 }, { 7, 7 }, { 7, 7 } };
	struct barlease_info info, next;
	int fd = barlease_lease_export_as(*state, SIM_BAR, ranges, 2, &terms);
	int second = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);

	assert_int_equal(barlease_lease_info(*state, fd, &info, found, 3), 0);
	assert_int_equal(info.id, 1);
	assert_int_equal(info.length, 3 * PAGE);
	assert_int_equal(info.bar, SIM_BAR);
	assert_int_equal(info.access, BARLEASE_READ_ONLY);
	assert_int_equal(info.attribute, BARLEASE_WRITE_COMBINING);
	assert_int_equal(info.state, BARLEASE_IS_LIVE);
	assert_int_equal(info.mappings, 0);
	assert_int_equal(info.importers, 0);
	assert_int_equal(info.ranges, 2);
	assert_memory_equal(found, ranges, sizeof(ranges));
	assert_int_equal(found[2].offset, 7);
	assert_int_equal(barlease_lease_info(*state, second, &next, NULL, 0),
			 0);
	assert_int_equal(next.id, 2);
	assert_int_equal(next.access, BARLEASE_READ_WRITE);

	found[1].offset = 7;
	assert_int_equal(barlease_lease_set_attribute(*state, fd,
						      BARLEASE_NON_CACHED),
			 0);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	assert_int_equal(barlease_lease_info(*state, fd, &info, found, 1), 0);
	assert_int_equal(info.state, BARLEASE_IS_REVOKED);
	assert_int_equal(info.attribute, BARLEASE_NON_CACHED);
	assert_int_equal(info.id, 1);
	assert_int_equal(info.ranges, 2);
	assert_int_equal(found[0].offset, 5 * PAGE);
	assert_int_equal(found[1].offset, 7);
	assert_int_equal(barlease_lease_info(*state, fd, &info, NULL, 1),
			 -EINVAL);
	close(fd);
	close(second);
}

static void a_name_is_what_the_mapping_is_called(void **state)
{
	const struct barlease_range range = { 3 * PAGE, PAGE };
	const struct barlease_terms terms = { .name = "queue 3" };
	char path[64], target[128] = "";
	int fd = barlease_lease_export_as(*state, SIM_BAR, &range, 1, &terms);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/memfd:queue 3 (deleted)");
	assert_int_equal(barlease_lease_set_name(fd, "other"), -EOPNOTSUPP);
	close(fd);

	fd = sim_lend(*state, 3, 2, BARLEASE_READ_WRITE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/memfd:sim:accel:2[3000+2000] (deleted)");
	close(fd);
}

/* What a process would keep of them shows as fds, or to the leak checker. */
static void many_leases_leave_nothing_behind(void **state)
{
	int kept = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);
	unsigned int fds = fd_count();
	struct barlease_info info;
	struct stat status;
	int fd;

	assert_int_equal(barlease_lease_revoke(*state, kept), 0);
	assert_int_equal(fd_count(), fds - 1);
	for (int i = 0; i < 2000; i++) {
		fd = sim_lend(*state, (uint64_t)i % SIM_PAGES, 1,
			      BARLEASE_READ_WRITE);
		assert_int_equal(pwrite(fd, &i, sizeof(i), 0), sizeof(i));
		assert_int_equal(barlease_lease_revoke(*state, fd), 0);
		assert_int_equal(fstat(fd, &status), 0);
		assert_int_equal(status.st_blocks, 0);
		close(fd);
		assert_int_equal(fd_count(), fds - 1);
	}
	assert_int_equal(sim_read(*state, 0), 1984);
	/* Not even its number. */
	assert_int_equal(barlease_lease_info(*state, kept, &info, NULL, 0),
			 -ENODEV);
	assert_int_equal(barlease_lease_revoke(*state, kept), -EBADFD);
	close(kept);
}

#define THREADS 4
#define ROUNDS 300

struct worker {
	pthread_t thread;
	struct barlease_device *dev;
	uint64_t page; /* that nobody else writes to */
	const char *failed;
};

static bool round_run(struct worker *worker, uint32_t value)
{
	/* The page of one's own, and one that all have. */
	const struct barlease_range ranges[] = { { worker->page * PAGE, PAGE },
						 { 0, PAGE } };
	struct barlease_info info;
	struct barlease_map map;
	uint32_t found;
	int fd;

	worker->failed = "export";
	fd = barlease_lease_export(worker->dev, SIM_BAR, ranges, 2,
				   BARLEASE_READ_WRITE);
	if (fd < 0)
		return false;
	worker->failed = "map";
	if (barlease_lease_map(fd, 0, 2 * PAGE, RW, 0, &map))
		return false;
	worker->failed = "what was there";
	if (*(volatile uint32_t *)map.address != value)
		return false;
	*(volatile uint32_t *)map.address = value + 1;
	worker->failed = "read";
	if (barlease_region_read(worker->dev, SIM_BAR, &found, 4,
				 ranges[0].offset) ||
	    found != value + 1)
		return false;
	worker->failed = "write";
	if (barlease_region_write(worker->dev, SIM_BAR, &value, 4, 8))
		return false;
	worker->failed = "info";
	if (barlease_lease_info(worker->dev, fd, &info, NULL, 0) ||
	    info.state != BARLEASE_IS_LIVE)
		return false;
	worker->failed = "revoke";
	if (barlease_lease_revoke(worker->dev, fd))
		return false;
	barlease_map_end(&map);
	close(fd);
	worker->failed = NULL;
	return true;
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;

	for (uint32_t i = 0; i < ROUNDS; i++)
		if (!round_run(worker, i))
			break;
	return NULL;
}

static void several_threads_may_lend_at_once(void **state)
{
	struct worker workers[THREADS] = { 0 };
	int lease = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);
	struct barlease_info info;

	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i].dev = *state;
		workers[i].page = i + 1;
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						worker_run, &workers[i]),
				 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < THREADS; i++) {
		if (workers[i].failed)
			fail_msg("thread %u: %s", i, workers[i].failed);
		assert_int_equal(sim_read(*state, (i + 1) * PAGE), ROUNDS);
	}
	close(lease);
	lease = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);
	assert_int_equal(barlease_lease_info(*state, lease, &info, NULL, 0), 0);
	assert_int_equal(info.id, THREADS * ROUNDS + 2);
	close(lease);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(what_a_lessee_writes_is_what_the_lessor_reads),
		sim_test(a_lease_begins_with_what_is_there),
		sim_test(what_lessees_wrote_is_there_when_it_is_taken_back),
		sim_test(memory_that_a_lessee_gives_up_is_zeros),
		sim_test(a_read_across_a_lease_has_all_that_it_crosses),
		sim_test(of_leases_that_overlap_the_last_to_end_wins),
		sim_test(a_read_only_lease_gives_nothing_back),
		sim_test(a_huge_lease_takes_no_memory_before_it_is_written),
		sim_test(fds_are_refused_as_by_the_driver),
		sim_test(info_tells_the_terms_and_the_state),
		sim_test(a_name_is_what_the_mapping_is_called),
		sim_test(many_leases_leave_nothing_behind),
		sim_test(several_threads_may_lend_at_once),
	};

	return cmocka_run_group_tests_name("sim_lease", tests, NULL, NULL);
}
