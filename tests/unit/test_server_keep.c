// SPDX-License-Identifier: MIT
/* The file that says what a server has kept, as hostile input. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/keep.h"
#include "support.h"

#define RECORDS 8u
#define TRIES 4000u

/* A copy of a file, with the same seals. */
static int copy_of(const struct keep_file *file)
{
	char bytes[sizeof(struct keep_header) +
		   RECORDS * sizeof(struct keep_record)];
	int fd = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(pread(file->fd, bytes, sizeof(bytes), 0),
			 sizeof(bytes));
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	return fd;
}

static void seal(int fd, int seals)
{
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
}

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* One of each type. */
static int setup(void **state)
{
	static struct keep_file file;
	struct keep_record *record;

	assert_int_equal(keep_file_make(&file, RECORDS), 0);
	record = keep_record_get(&file);
	record->id = 3;
	strcpy(record->of_lessee.path, "/run/x");
	keep_record_set(record, KEEP_LESSEE);
	record = keep_record_get(&file);
	record->id = 5;
	record->lessee = 3;
	record->of_lease.length = 4096;
	keep_record_set(record, KEEP_LEASE);
	record = keep_record_get(&file);
	record->id = 1;
	record->lessee = 3;
	record->of_waiter.serial = 9;
	keep_record_set(record, KEEP_WAITER);
	*state = &file;
	return 0;
}

static int teardown(void **state)
{
	keep_file_end(*state);
	return 0;
}

static void what_was_written_is_there_again(void **state)
{
	const struct keep_file *file = *state;
	struct keep_file again;
	int fd = copy_of(file);

	seal(fd, ALL_SEALS);
	assert_int_equal(keep_file_open(&again, fd), 0);
	assert_int_equal(again.free_count, RECORDS - 3);
	assert_string_equal(again.records[0].of_lessee.path, "/run/x");
	assert_int_equal(again.records[1].id, 5);
	assert_int_equal(again.records[2].of_waiter.serial, 9);
	keep_file_end(&again);
}

static void a_record_without_a_type_is_none(void **state)
{
	struct keep_file *file = *state;
	struct keep_record *record = keep_record_get(file);
	struct keep_file again;
	int fd;

	/* It was cut off here. */
	memset(&record->id, 0xff, sizeof(*record) - sizeof(uint64_t));
	fd = copy_of(file);
	seal(fd, ALL_SEALS);
	assert_int_equal(keep_file_open(&again, fd), 0);
	assert_int_equal(again.free_count, RECORDS - 3);
	/* And is clean when it is used. */
	record = keep_record_get(&again);
	assert_int_equal(record->id, 0);
	assert_int_equal(record->of_lease.told, 0);
	keep_file_end(&again);
}

static void records_are_used_again_and_end(void **state)
{
	struct keep_file *file = *state;
	struct keep_record *record = NULL;

	for (unsigned int i = 0; i < 100; i++) {
		record = keep_record_get(file);
		assert_non_null(record);
		keep_record_put(file, record);
	}
	for (unsigned int i = 3; i < RECORDS; i++)
		assert_non_null(keep_record_get(file));
	assert_null(keep_record_get(file));
}

static void what_others_could_cut_off_is_not_mapped(void **state)
{
	static const int missing[] = { F_SEAL_SHRINK, F_SEAL_GROW,
				       F_SEAL_SEAL };
	struct keep_file again;

	for (unsigned int i = 0; i < 3; i++) {
		int fd = copy_of(*state);

		seal(fd, ALL_SEALS & ~missing[i]);
		assert_int_equal(keep_file_open(&again, fd), -EPROTO);
		close(fd);
	}
}

static void a_file_of_another_size_or_kind_is_none(void **state)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = copy_of(*state);
	struct keep_file again;

	assert_int_equal(keep_file_open(&again, null), -EPROTO);
	close(null);
	assert_int_equal(keep_file_open(&again, null), -EPROTO);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	seal(fd, ALL_SEALS);
	assert_int_equal(keep_file_open(&again, fd), -EPROTO);
	close(fd);
	fd = copy_of(*state);
	assert_int_equal(ftruncate(fd, 32), 0);
	seal(fd, ALL_SEALS);
	assert_int_equal(keep_file_open(&again, fd), -EPROTO);
	close(fd);
}

static int opened_with(const struct keep_file *file, size_t offset,
		       uint64_t value, size_t size)
{
	struct keep_file again;
	int fd = copy_of(file);
	int err;

	assert_int_equal(pwrite(fd, &value, size, (off_t)offset), size);
	seal(fd, ALL_SEALS);
	err = keep_file_open(&again, fd);
	if (err)
		close(fd);
	else
		keep_file_end(&again);
	return err;
}

#define HEADER(member) \
	offsetof(struct keep_header, member), \
		sizeof(((struct keep_header *)0)->member)

/* Of the record with that number. */
#define FIELD(number, member)                                          \
	sizeof(struct keep_header) +                                   \
		(number) * sizeof(struct keep_record) +                \
		offsetof(struct keep_record, member),                  \
		sizeof(((struct keep_record *)0)->member)

static void what_cannot_be_is_found(void **state)
{
	static const struct {
		size_t offset, size;
		uint64_t value;
		int err;
	} wrong[] = {
		{ HEADER(version), 0, -EPROTONOSUPPORT },
		{ HEADER(version), KEEP_VERSION + 1, -EPROTONOSUPPORT },
		{ HEADER(record_size), 8, -EPROTONOSUPPORT },
		{ HEADER(records), 0, -EPROTO },
		{ HEADER(records), RECORDS + 1, -EPROTO },
		{ HEADER(records), UINT64_MAX / 64, -EPROTO },
		{ HEADER(magic), 0, -EPROTO },
		{ FIELD(0, type), 4, -EPROTO },
		{ FIELD(0, id), 0, -EPROTO },
		{ FIELD(1, id), 0, -EPROTO },
		{ FIELD(1, lessee), 0, -EPROTO },
		{ FIELD(1, of_lease.length), 0, -EPROTO },
		{ FIELD(1, of_lease.bar), BARLEASE_BARS, -EPROTO },
		{ FIELD(1, of_lease.access), 2, -EPROTO },
		{ FIELD(1, of_lease.attribute), 2, -EPROTO },
		{ FIELD(1, of_lease.due_why), 8, -EPROTO },
		{ FIELD(2, lessee), 0, -EPROTO },
		{ FIELD(2, of_waiter.serial), 0, -EPROTO },
		{ FIELD(2, of_waiter.access), 9, -EPROTO },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (opened_with(*state, wrong[i].offset, wrong[i].value,
				wrong[i].size) != wrong[i].err)
			fail_msg("%zu", i);
	assert_int_equal(opened_with(*state, FIELD(0, reserved), 0), 0);
}

static void texts_end(void **state)
{
	struct keep_file *file = *state;
	static const size_t texts[][2] = {
		{ FIELD(0, of_lessee.path) },
		{ FIELD(0, of_lessee.command) },
		{ FIELD(0, of_lessee.cgroup) },
		{ FIELD(1, of_lease.name) },
		{ FIELD(1, of_lease.device) },
		{ FIELD(2, of_waiter.name) },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct keep_file again;
		int fd = copy_of(file);
		char text[512];

		memset(text, 'x', sizeof(text));
		assert_int_equal(pwrite(fd, text, texts[i][1],
					(off_t)texts[i][0]),
				 texts[i][1]);
		seal(fd, ALL_SEALS);
		assert_int_equal(keep_file_open(&again, fd), -EPROTO);
		close(fd);
	}
}

static void no_byte_does_any_harm(void **state)
{
	const size_t size = sizeof(struct keep_header) +
			    3 * sizeof(struct keep_record);

	srandom(1);
	for (unsigned int i = 0; i < TRIES; i++) {
		int err = opened_with(*state, (size_t)random() % size,
				      (uint64_t)random(), 1);

		if (err && err != -EPROTO && err != -EPROTONOSUPPORT)
			fail_msg("%d", err);
	}
}

#define keep_test(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		keep_test(what_was_written_is_there_again),
		keep_test(a_record_without_a_type_is_none),
		keep_test(records_are_used_again_and_end),
		keep_test(what_others_could_cut_off_is_not_mapped),
		keep_test(a_file_of_another_size_or_kind_is_none),
		keep_test(what_cannot_be_is_found),
		keep_test(texts_end),
		keep_test(no_byte_does_any_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
