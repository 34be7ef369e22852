// SPDX-License-Identifier: MIT
/*
 * A policy file that changes while it is read, and memory that lacks, at each
 * point of that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/policy.h"

#define DEVICE "[Device sim]\nbackend = sim\nsize = 64K\n"
#define SLICE(name_, range_)                                             \
	"[Slice " name_ "]\ndevice = sim\nbar = 0\nrange = " range_ "\n" \
	"allow = anyone\nsocket = /run/s\n"

/* The first half of it is a policy, too. */
static const char text[] = DEVICE SLICE("one", "0+4K") SLICE("two", "4K+4K");
static const char other[] = DEVICE SLICE("six", "0+4K") SLICE("ten", "8K+4K");

static char path[32], new_path[sizeof(path) + 4];

/* What happens to the file before that read(): 1 is the first. */
static struct {
	unsigned int reads, when;
	void (*what)(void);
	size_t piece; /* the most that one read() gets */
	int error; /* of a read(); then it goes on */
} happening;

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	if (++happening.reads == happening.when) {
		if (happening.what)
			happening.what();
		if (happening.error) {
			errno = happening.error;
			return -1;
		}
	}
	return __real_read(fd, buf,
			   size < happening.piece ? size : happening.piece);
}

/* Which allocation fails, alone: 1 is the first. */
static struct {
	unsigned int count, when;
} lack;

static bool memory_lacks(void)
{
	return ++lack.count == lack.when;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return memory_lacks() ? NULL : __real_calloc(count, size);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return memory_lacks() ? NULL : __real_malloc(size);
}

void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return memory_lacks() ? NULL : __real_reallocarray(old, count, size);
}

char *__real_strdup(const char *string);
char *__wrap_strdup(const char *string);
char *__wrap_strdup(const char *string)
{
	return memory_lacks() ? NULL : __real_strdup(string);
}

static void file_write(const char *name, int flags, const char *what)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, what, strlen(what)), strlen(what));
	close(fd);
}

/* Two changes of the same moment have one time. */
static int time_set(void)
{
	const struct timespec times[] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	return utimensat(AT_FDCWD, path, times, 0);
}

static int setup(void **state)
{
	(void)state;
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	file_write(path, O_TRUNC, text);
	memset(&happening, 0, sizeof(happening));
	happening.piece = SIZE_MAX;
	lack.when = 0;
	return time_set();
}

static int group_setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/barlease-policy-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int group_teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* Return: as policy_read(); what it says of its offers and its mistakes. */
static int names_read(char *names, size_t size)
{
	struct mistakes mistakes = { 0 };
	struct policy *policy = NULL;
	int err = policy_read(path, &policy, &mistakes);

	names[0] = '\0';
	for (size_t i = 0; !err && i < policy->offer_count; i++) {
		size_t used = strlen(names);

		snprintf(names + used, size - used, "%s ",
			 policy->offers[i].name);
	}
	if (mistakes.count)
		snprintf(names, size, "%u: %s", mistakes.list[0].line,
			 mistakes.list[0].text);
	mistakes_free(&mistakes);
	policy_free(err ? NULL : policy);
	return err;
}

static void assert_read(const char *expected)
{
	char names[128];

	assert_int_equal(names_read(names, sizeof(names)), 0);
	assert_string_equal(names, expected);
}

static void assert_changed(void)
{
	char said[128];

	assert_int_equal(names_read(said, sizeof(said)), -EBADMSG);
	assert_string_equal(said, "1: has changed while it was read");
}

static void what_comes_in_pieces_is_whole(void **state)
{
	(void)state;
	happening.piece = 7;
	assert_read("one two ");
	assert_true(happening.reads > sizeof(text) / 7);
}

static void a_signal_in_between_does_nothing(void **state)
{
	(void)state;
	happening.piece = 7;
	happening.when = 3;
	happening.error = EINTR;
	assert_read("one two ");
}

static void what_cannot_be_read_is_told(void **state)
{
	char names[128];

	(void)state;
	happening.piece = 7;
	happening.when = 3;
	happening.error = EIO;
	assert_int_equal(names_read(names, sizeof(names)), -EIO);
}

static void half_of_it(void)
{
	assert_int_equal(truncate(path, strlen(DEVICE SLICE("one", "0+4K"))),
			 0);
}

static void a_file_that_is_cut_off_is_rejected(void **state)
{
	(void)state;
	for (unsigned int when = 1; when < 5; when++) {
		setup(NULL);
		happening.piece = 64;
		happening.when = when;
		happening.what = half_of_it;
		assert_changed();
	}
	assert_read("one ");
}

static void more_of_it(void)
{
	file_write(path, O_APPEND, "# more\n");
	assert_int_equal(time_set(), 0);
}

static void a_file_that_grows_is_rejected(void **state)
{
	(void)state;
	/* Behind the last of it, too. */
	happening.when = 2;
	happening.what = more_of_it;
	assert_changed();
	assert_read("one two ");
}

static void another_one(void)
{
	file_write(path, 0, other);
}

static void a_file_that_is_written_over_is_rejected(void **state)
{
	(void)state;
	assert_int_equal(sizeof(text), sizeof(other));
	happening.piece = 64;
	happening.when = 2;
	happening.what = another_one;
	assert_changed();
	assert_read("six ten ");
}

static void another_file(void)
{
	file_write(new_path, O_TRUNC, other);
	assert_int_equal(rename(new_path, path), 0);
}

static void a_file_that_is_replaced_is_taken_as_it_was(void **state)
{
	(void)state;
	happening.piece = 64;
	happening.when = 2;
	happening.what = another_file;
	assert_read("one two ");
	assert_read("six ten ");
}

static void memory_that_lacks_anywhere_is_told(void **state)
{
	struct mistakes mistakes = { 0 };
	struct policy *policy = NULL;
	int err = -ENOMEM;

	(void)state;
	file_write(path, O_TRUNC,
		   DEVICE "[Slice one]\ndevice = sim\nbar = 0\nrange = 0+4K\n"
			  "allow = cgroup:/a cgroup:/b anyone\n"
			  "socket = /run/s\nsocket-group = root\n"
			  "[Server]\nmax-requests-per-second = 2\n");
	for (lack.when = 1; err; lack.when++) {
		lack.count = 0;
		err = policy_read(path, &policy, &mistakes);
		assert_int_equal(err, lack.count < lack.when ? 0 : -ENOMEM);
		assert_int_equal(mistakes.count, 0);
		mistakes_free(&mistakes);
	}
	assert_true(lack.when > 10);
	assert_int_equal(policy->offers[0].allow_count, 3);
	policy_free(policy);
}

#define read_test(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		read_test(what_comes_in_pieces_is_whole),
		read_test(a_signal_in_between_does_nothing),
		read_test(what_cannot_be_read_is_told),
		read_test(a_file_that_is_cut_off_is_rejected),
		read_test(a_file_that_grows_is_rejected),
		read_test(a_file_that_is_written_over_is_rejected),
		read_test(a_file_that_is_replaced_is_taken_as_it_was),
		read_test(memory_that_lacks_anywhere_is_told),
	};

	return cmocka_run_group_tests_name("policy_read", tests, group_setup,
					   group_teardown);
}
