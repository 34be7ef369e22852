// SPDX-License-Identifier: MIT
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "barlease.h"

#define SIZE_2M (2ULL << 20)
#define SIZE_1G (1ULL << 30)
#define LEASE_SIZE (4 * SIZE_1G)

/* A memfd is sparse: it costs nothing however large it is. */
static int lease_setup(void **state)
{
	static int fd;

	fd = memfd_create("lease", MFD_CLOEXEC);
	*state = &fd;
	return fd < 0 || ftruncate(fd, LEASE_SIZE) ? -1 : 0;
}

static int lease_teardown(void **state)
{
	return close(*(int *)*state);
}

static int lease_fd(void **state)
{
	return *(int *)*state;
}

/* How many mappings of a memfd called "lease" this process has. */
static unsigned int mapping_count(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:lease"))
			count++;
	fclose(maps);
	return count;
}

/* How many kilobytes of address space are in use. */
static unsigned long address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages;
}

static void assert_agrees(void **state, uint64_t offset, size_t length,
			  uint64_t bar_offset, uint64_t alignment)
{
	struct barlease_map map;

	assert_int_equal(barlease_lease_map(lease_fd(state), offset, length,
					    PROT_READ | PROT_WRITE, bar_offset,
					    &map),
			 0);
	assert_int_equal(map.length, length);
	assert_int_equal((uintptr_t)map.address % alignment,
			 (bar_offset + offset) % alignment);
	assert_int_equal(mapping_count(), 1);
	barlease_map_end(&map);
	assert_int_equal(mapping_count(), 0);
}

static void assert_refused(int fd, uint64_t offset, size_t length, int prot,
			   uint64_t bar_offset, int err)
{
	struct barlease_map map = { 0 };
	unsigned long before = address_space();

	assert_int_equal(barlease_lease_map(fd, offset, length, prot,
					    bar_offset, &map),
			 err);
	assert_null(map.address);
	assert_int_equal(mapping_count(), 0);
	assert_int_equal(address_space(), before);
}

static void from_2m_on_the_address_agrees_modulo_2m(void **state)
{
	assert_agrees(state, 0, SIZE_2M, 0, SIZE_2M);
	assert_agrees(state, 0, SIZE_2M, 0x5000, SIZE_2M);
	assert_agrees(state, 0x3000, SIZE_2M, 0x5000, SIZE_2M);
	assert_agrees(state, 0, SIZE_1G - 4096, SIZE_2M + 0x1ff000, SIZE_2M);
}

static void from_1g_on_the_address_agrees_modulo_1g(void **state)
{
	assert_agrees(state, 0, SIZE_1G, 0, SIZE_1G);
	assert_agrees(state, 0, SIZE_1G, 5 * SIZE_2M, SIZE_1G);
	assert_agrees(state, SIZE_2M, 2 * SIZE_1G, 3 * SIZE_1G + 0x7000,
		      SIZE_1G);
}

static void a_small_mapping_needs_no_alignment(void **state)
{
	assert_agrees(state, 0, 4096, 0x7000, 4096);
	assert_agrees(state, 0x3000, SIZE_2M - 4096, 0x5000, 4096);
}

static void the_mapping_begins_at_the_offset(void **state)
{
	struct barlease_map map;

	assert_int_equal(pwrite(lease_fd(state), "here", 4, SIZE_2M + 8192), 4);
	assert_int_equal(barlease_lease_map(lease_fd(state), 8192, 2 * SIZE_2M,
					    PROT_READ, 0, &map),
			 0);
	assert_memory_equal((char *)map.address + SIZE_2M, "here", 4);
	barlease_map_end(&map);
}

static void the_mapping_outlives_the_fd(void **state)
{
	struct barlease_map map;
	int copy = dup(lease_fd(state));

	assert_int_equal(barlease_lease_map(copy, 0, 4096,
					    PROT_READ | PROT_WRITE, 0, &map),
			 0);
	close(copy);
	memcpy(map.address, "there", 5);
	barlease_map_end(&map);
}

static void ending_a_mapping_twice_is_harmless(void **state)
{
	struct barlease_map map;

	assert_int_equal(barlease_lease_map(lease_fd(state), 0, 4096, PROT_READ,
					    0, &map),
			 0);
	barlease_map_end(&map);
	assert_null(map.address);
	barlease_map_end(&map);
}

static void what_is_no_multiple_of_a_page_is_refused(void **state)
{
	int fd = lease_fd(state);

	assert_refused(fd, 1, 4096, PROT_READ, 0, -EINVAL);
	assert_refused(fd, 0, 4095, PROT_READ, 0, -EINVAL);
	assert_refused(fd, 0, SIZE_2M + 1, PROT_READ, 0, -EINVAL);
	assert_refused(fd, 0, 4096, PROT_READ, 1, -EINVAL);
}

static void a_length_of_0_is_refused(void **state)
{
	assert_refused(lease_fd(state), 0, 0, PROT_READ, 0, -EINVAL);
}

static void past_the_end_is_refused(void **state)
{
	int fd = lease_fd(state);

	assert_refused(fd, LEASE_SIZE, 4096, PROT_READ, 0, -EINVAL);
	assert_refused(fd, LEASE_SIZE - 4096, 8192, PROT_READ, 0, -EINVAL);
	assert_refused(fd, 0, LEASE_SIZE + 4096, PROT_READ, 0, -EINVAL);
}

static void sums_that_wrap_around_are_refused(void **state)
{
	int fd = lease_fd(state);

	assert_refused(fd, UINT64_MAX - 4095, 8192, PROT_READ, 0, -EINVAL);
	assert_refused(fd, 4096, SIZE_MAX - 4095, PROT_READ, 0, -EINVAL);
	assert_refused(fd, 4096, 4096, PROT_READ, UINT64_MAX - 4095, -EINVAL);
}

static void what_is_not_open_is_ebadf(void **state)
{
	(void)state;
	assert_refused(-1, 0, 4096, PROT_READ, 0, -EBADF);
	assert_refused(999, 0, 4096, PROT_READ, 0, -EBADF);
}

static void what_cannot_be_mapped_is_refused(void **state)
{
	int pipe_fds[2];
	int folder = open("/", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_refused(pipe_fds[0], 0, 4096, PROT_READ, 0, -EINVAL);
	assert_refused(folder, 0, 4096, PROT_READ, 0, -EINVAL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(folder);
}

static void a_failed_mapping_leaves_nothing_behind(void **state)
{
	char path[64];
	int read_only;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", lease_fd(state));
	read_only = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read_only >= 0);
	/* One for each way to an address. */
	assert_refused(read_only, 0, 4096, PROT_READ | PROT_WRITE, 0, -EACCES);
	assert_refused(read_only, 0, SIZE_2M, PROT_READ | PROT_WRITE, 0,
		       -EACCES);
	assert_refused(read_only, 0, SIZE_1G, PROT_READ | PROT_WRITE, 0,
		       -EACCES);
	close(read_only);
}

static void a_successful_mapping_takes_no_more_than_its_length(void **state)
{
	unsigned long before = address_space();
	struct barlease_map map;

	assert_int_equal(barlease_lease_map(lease_fd(state), 0, SIZE_1G,
					    PROT_READ, 0x3000, &map),
			 0);
	assert_int_equal(address_space(), before + SIZE_1G / 4096);
	barlease_map_end(&map);
	assert_int_equal(address_space(), before);
}

static void the_size_of_a_lease_is_told(void **state)
{
	uint64_t size;

	assert_int_equal(barlease_lease_size(lease_fd(state), &size), 0);
	assert_int_equal(size, LEASE_SIZE);
	assert_int_equal(barlease_lease_size(-1, &size), -EBADF);
}

static void asking_for_the_size_moves_no_position(void **state)
{
	uint64_t size;

	lseek(lease_fd(state), 12, SEEK_SET);
	assert_int_equal(barlease_lease_size(lease_fd(state), &size), 0);
	assert_int_equal(lseek(lease_fd(state), 0, SEEK_CUR), 12);
}

#define lease_test(function) \
	cmocka_unit_test_setup_teardown(function, lease_setup, lease_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lease_test(from_2m_on_the_address_agrees_modulo_2m),
		lease_test(from_1g_on_the_address_agrees_modulo_1g),
		lease_test(a_small_mapping_needs_no_alignment),
		lease_test(the_mapping_begins_at_the_offset),
		lease_test(the_mapping_outlives_the_fd),
		lease_test(ending_a_mapping_twice_is_harmless),
		lease_test(what_is_no_multiple_of_a_page_is_refused),
		lease_test(a_length_of_0_is_refused),
		lease_test(past_the_end_is_refused),
		lease_test(sums_that_wrap_around_are_refused),
		lease_test(what_is_not_open_is_ebadf),
		lease_test(what_cannot_be_mapped_is_refused),
		lease_test(a_failed_mapping_leaves_nothing_behind),
		lease_test(a_successful_mapping_takes_no_more_than_its_length),
		lease_test(the_size_of_a_lease_is_told),
		lease_test(asking_for_the_size_moves_no_position),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
