// SPDX-License-Identifier: MIT
/* Files that are put into place as a whole, on disks that fail. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saved_file.h"

#define NAME "run/rules/name"
#define NEW "run/rules/.name.new"

static const struct tree *tree;
static char folder[PATH_MAX];

static unsigned int fsyncs;
static unsigned int fsync_failing; /* the which-th fails; 0: none */
static size_t room; /* that the disk has left, in bytes */

/* The linker sends them here. */
int __wrap_fsync(int fd);
ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);

int __wrap_fsync(int fd)
{
	(void)fd;
	if (++fsyncs != fsync_failing)
		return 0;
	errno = EIO;
	return -1;
}

/* Five bytes at a time, as long as there is room. */
ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	if (!room) {
		errno = ENOSPC;
		return -1;
	}
	size = size < 5 ? size : 5;
	size = size < room ? size : room;
	room -= size;
	return __real_write(fd, buf, size);
}

static int file_setup(void **state)
{
	if (tree_setup(state))
		return -1;
	tree = *state;
	snprintf(folder, sizeof(folder), "%s/run/rules", tree->root);
	fsyncs = 0;
	fsync_failing = 0;
	room = SIZE_MAX;
	return 0;
}

static struct stat stat_of(const char *name)
{
	char path[PATH_MAX];
	struct stat found;

	snprintf(path, sizeof(path), "%s/%s", tree->root, name);
	assert_int_equal(lstat(path, &found), 0);
	return found;
}

static bool is_there(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", tree->root, name);
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void what_is_written_in_pieces_is_whole(void **state)
{
	(void)state;
	assert_int_equal(saved_file_write(folder, "name", "one\ntwo\nthree\n"),
			 0);
	tree_assert_content(tree, NAME, "one\ntwo\nthree\n");
	assert_false(is_there(NEW));
	/* The file, and the folder that it is in. */
	assert_int_equal(fsyncs, 2);
	assert_int_equal(saved_file_write(folder, "name", "four\n"), 0);
	tree_assert_content(tree, NAME, "four\n");
}

static void everybody_may_read_it_whatever_the_umask(void **state)
{
	mode_t before = umask(077);
	int err = saved_file_write(folder, "name", "text");

	(void)state;
	umask(before);
	assert_int_equal(err, 0);
	assert_int_equal(stat_of(NAME).st_mode & 07777, 0644);
	assert_int_equal(stat_of("run/rules").st_mode & 07777, 0755);
}

static void a_folder_that_is_there_stays_as_it_is(void **state)
{
	(void)state;
	tree_folder(tree, "run/rules");
	assert_int_equal(chmod(folder, 0750), 0);
	assert_int_equal(saved_file_write(folder, "name", "text"), 0);
	assert_int_equal(stat_of("run/rules").st_mode & 07777, 0750);
}

static void a_disk_that_is_full_leaves_what_was_there(void **state)
{
	(void)state;
	assert_int_equal(saved_file_write(folder, "name", "before"), 0);
	for (size_t left = 0; left < 7; left++) {
		room = left;
		assert_int_equal(saved_file_write(folder, "name", "after it"),
				 -ENOSPC);
		assert_false(is_there(NEW));
		tree_assert_content(tree, NAME, "before");
	}
}

static void a_file_that_is_not_flushed_is_not_put_into_place(void **state)
{
	(void)state;
	assert_int_equal(saved_file_write(folder, "name", "before"), 0);
	fsync_failing = fsyncs + 1;
	assert_int_equal(saved_file_write(folder, "name", "after"), -EIO);
	assert_false(is_there(NEW));
	tree_assert_content(tree, NAME, "before");
}

static void a_folder_that_is_not_flushed_is_told_of(void **state)
{
	(void)state;
	fsync_failing = 2;
	assert_int_equal(saved_file_write(folder, "name", "text"), -EIO);
	assert_false(is_there(NEW));
	tree_assert_content(tree, NAME, "text");
	fsync_failing = 3;
	assert_int_equal(saved_file_remove(folder, "name"), -EIO);
	assert_false(is_there(NAME));
}

static void what_a_killed_one_has_left_is_in_nobodys_way(void **state)
{
	(void)state;
	tree_folder(tree, "run/rules");
	tree_file(tree, "run/other", "of others");
	tree_link(tree, NEW, "../other");
	assert_int_equal(saved_file_write(folder, "name", "text"), 0);
	tree_assert_content(tree, "run/other", "of others");
	assert_true(S_ISREG(stat_of(NAME).st_mode));
	tree_assert_content(tree, NAME, "text");
}

static void what_cannot_be_replaced_stays(void **state)
{
	(void)state;
	tree_folder(tree, NAME);
	assert_int_equal(saved_file_write(folder, "name", "text"), -EISDIR);
	assert_false(is_there(NEW));
	assert_true(S_ISDIR(stat_of(NAME).st_mode));
}

static void places_that_there_cannot_be_are_refused(void **state)
{
	char name[NAME_MAX + 1];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(saved_file_write(folder, name, "text"), -ENAMETOOLONG);
	assert_int_equal(saved_file_remove(folder, "name"), -ENOENT);
	tree_file(tree, "run/rules", "no folder");
	assert_int_equal(saved_file_write(folder, "name", "text"), -ENOTDIR);
	strcat(folder, "/below");
	assert_int_equal(saved_file_write(folder, "name", "text"), -ENOTDIR);
}

static void what_is_removed_is_gone(void **state)
{
	(void)state;
	assert_int_equal(saved_file_write(folder, "name", "text"), 0);
	fsyncs = 0;
	assert_int_equal(saved_file_remove(folder, "name"), 0);
	assert_int_equal(fsyncs, 1);
	assert_false(is_there(NAME));
	assert_int_equal(saved_file_remove(folder, "name"), -ENOENT);
}

#define file_test(function) \
	cmocka_unit_test_setup_teardown(function, file_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		file_test(what_is_written_in_pieces_is_whole),
		file_test(everybody_may_read_it_whatever_the_umask),
		file_test(a_folder_that_is_there_stays_as_it_is),
		file_test(a_disk_that_is_full_leaves_what_was_there),
		file_test(a_file_that_is_not_flushed_is_not_put_into_place),
		file_test(a_folder_that_is_not_flushed_is_told_of),
		file_test(what_a_killed_one_has_left_is_in_nobodys_way),
		file_test(what_cannot_be_replaced_stays),
		file_test(places_that_there_cannot_be_are_refused),
		file_test(what_is_removed_is_gone),
	};

	return cmocka_run_group_tests_name("saved_file", tests, NULL, NULL);
}
