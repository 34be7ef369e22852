// SPDX-License-Identifier: MIT
/* peek, poke, load, save and fill, on a memfd in the place of the lease. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD "--fd", COMMAND_LEASE_FD
#define COMMAND(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define LEASE_SIZE 8192

struct fixture {
	void *tree;
	int lease;
};

static int lease_setup(void **state)
{
	static struct fixture fixture;
	unsigned char bytes[LEASE_SIZE];

	if (tree_setup(&fixture.tree))
		return -1;
	fixture.lease = memfd_create("lease", MFD_CLOEXEC);
	if (fixture.lease < 0)
		return -1;
	memset(bytes, 0xee, sizeof(bytes));
	for (unsigned int i = 0; i < 16; i++)
		bytes[i] = (unsigned char)i;
	*state = &fixture;
	return pwrite(fixture.lease, bytes, sizeof(bytes), 0) == LEASE_SIZE
		       ? 0
		       : -1;
}

static int lease_teardown(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->lease);
	return tree_teardown(&fixture->tree);
}

static int lease_fd(void **state)
{
	return ((struct fixture *)*state)->lease;
}

static const struct tree *lease_tree(void **state)
{
	return ((struct fixture *)*state)->tree;
}

/* The lease has these bytes at this offset, and otherwise what it began with */
static void assert_lease(void **state, size_t offset, const void *bytes,
			 size_t length)
{
	unsigned char expected[LEASE_SIZE], found[LEASE_SIZE];

	memset(expected, 0xee, sizeof(expected));
	for (unsigned int i = 0; i < 16; i++)
		expected[i] = (unsigned char)i;
	memcpy(expected + offset, bytes, length);
	assert_int_equal(pread(lease_fd(state), found, LEASE_SIZE, 0),
			 LEASE_SIZE);
	assert_memory_equal(found, expected, LEASE_SIZE);
}

static void assert_done(void **state, const char *const *argv,
			const char *input, const char *output)
{
	struct outcome outcome;

	barlease_run(&outcome, argv, lease_fd(state), input);
	assert_exit(&outcome, 0);
	assert_string_equal(outcome.out, output);
	assert_string_equal(outcome.err, "");
}

static void assert_ended(void **state, const char *const *argv,
			 const char *input, int status, const char *why)
{
	struct outcome outcome;

	barlease_run(&outcome, argv, lease_fd(state), input);
	assert_exit(&outcome, status);
	assert_string_equal(outcome.out, "");
	assert_int_equal(strncmp(outcome.err, "barlease: ", 10), 0);
	assert_contains(outcome.err, why);
}

static void assert_failed(void **state, const char *const *argv,
			  const char *input, const char *why)
{
	assert_ended(state, argv, input, 1, why);
}

/* What the command line asks for is not in the lease. */
static void assert_beyond(void **state, const char *const *argv,
			  const char *input, const char *why)
{
	assert_ended(state, argv, input, 2, why);
}

static void peek_reads_little_endian_values_of_each_width(void **state)
{
	assert_done(state, COMMAND("peek", FD, "--width", "8", "3"), NULL,
		    "0x03\n");
	assert_done(state, COMMAND("peek", FD, "--width", "16", "2"), NULL,
		    "0x0302\n");
	assert_done(state, COMMAND("peek", FD, "4"), NULL, "0x07060504\n");
	assert_done(state, COMMAND("peek", FD, "--width", "64", "8"), NULL,
		    "0x0f0e0d0c0b0a0908\n");
}

static void peek_reads_several_values(void **state)
{
	assert_done(state, COMMAND("peek", FD, "--count", "3", "8"), NULL,
		    "0x0b0a0908\n0x0f0e0d0c\n0xeeeeeeee\n");
}

static void peek_takes_options_after_the_offset(void **state)
{
	assert_done(state, COMMAND("peek", "0x8", FD, "--width", "16"), NULL,
		    "0x0908\n");
}

static void peek_reads_up_to_the_end(void **state)
{
	assert_done(state, COMMAND("peek", FD, "8188"), NULL, "0xeeeeeeee\n");
	assert_beyond(state, COMMAND("peek", FD, "8K"), NULL, "past the end");
	assert_beyond(state, COMMAND("peek", FD, "--count", "2", "8188"), NULL,
		      "8192 bytes");
	assert_beyond(state, COMMAND("peek", FD, "0xfffffffffffffffc"), NULL,
		      "past the end");
}

static void poke_writes_a_value_of_each_width(void **state)
{
	assert_done(state, COMMAND("poke", FD, "--width", "8", "17", "0xa1"),
		    NULL, "");
	assert_lease(state, 17, "\xa1", 1);
	assert_done(state, COMMAND("poke", FD, "--width", "16", "18", "0xb1b2"),
		    NULL, "");
	assert_lease(state, 17, "\xa1\xb2\xb1", 3);
	assert_done(state, COMMAND("poke", FD, "20", "0xc1c2c3c4"), NULL, "");
	assert_lease(state, 17, "\xa1\xb2\xb1\xc4\xc3\xc2\xc1", 7);
	assert_done(state,
		    COMMAND("poke", FD, "--width", "64", "24",
			    "0xd1d2d3d4d5d6d7d8"),
		    NULL, "");
	assert_lease(state, 17,
		     "\xa1\xb2\xb1\xc4\xc3\xc2\xc1"
		     "\xd8\xd7\xd6\xd5\xd4\xd3\xd2\xd1",
		     15);
}

static void poke_past_the_end_is_refused(void **state)
{
	assert_beyond(state, COMMAND("poke", FD, "8K", "1"), NULL,
		      "past the end");
	assert_lease(state, 0, "", 0);
}

static void load_writes_exactly_the_bytes(void **state)
{
	/* Lengths and offsets that take accesses of every width. */
	assert_done(state, COMMAND("load", FD, "-"), "hello, world\n", "");
	assert_lease(state, 0, "hello, world\n", 13);
}

static void load_begins_at_the_offset(void **state)
{
	assert_done(state, COMMAND("load", FD, "--offset", "4099", "-"),
		    "unaligned at both ends", "");
	assert_lease(state, 4099, "unaligned at both ends", 22);
}

static void load_fills_the_lease_to_its_end(void **state)
{
	assert_done(state, COMMAND("load", FD, "--offset", "8188", "-"), "last",
		    "");
	assert_lease(state, 8188, "last", 4);
}

static void load_of_nothing_writes_nothing(void **state)
{
	assert_done(state, COMMAND("load", FD, "/dev/null"), NULL, "");
	assert_lease(state, 0, "", 0);
}

static void load_that_does_not_fit_writes_nothing(void **state)
{
	assert_failed(state, COMMAND("load", FD, "--offset", "8188", "-"),
		      "12345", "has 5 bytes, and the lease has 4");
	assert_failed(state, COMMAND("load", FD, "--offset", "9000", "-"), "1",
		      "the lease has 0");
	assert_lease(state, 0, "", 0);
}

static void load_of_an_endless_file_writes_nothing(void **state)
{
	assert_failed(state, COMMAND("load", FD, "/dev/zero"), NULL,
		      "at least");
	assert_lease(state, 0, "", 0);
}

static void load_of_a_missing_file_says_so(void **state)
{
	assert_failed(state, COMMAND("load", FD, "/nonexistent"), NULL,
		      "/nonexistent: No such file");
}

static void load_reads_a_pipe_to_its_end(void **state)
{
	char path[PATH_MAX];
	pid_t writer;
	int fd;

	snprintf(path, sizeof(path), "%s/fifo", lease_tree(state)->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	writer = fork();
	if (!writer) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		for (int i = 0; i < 5000; i++)
			if (write(fd, "x", 1) != 1)
				_exit(1);
		_exit(0);
	}
	assert_done(state, COMMAND("load", FD, path), NULL, "");
	waitpid(writer, NULL, 0);
	{
		char expected[5000];

		memset(expected, 'x', sizeof(expected));
		assert_lease(state, 0, expected, sizeof(expected));
	}
}

static void save_writes_all_of_the_lease(void **state)
{
	unsigned char found[LEASE_SIZE + 1], lease[LEASE_SIZE];
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/copy", lease_tree(state)->root);
	assert_done(state, COMMAND("save", FD, path), NULL, "");
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fread(found, 1, sizeof(found), file), LEASE_SIZE);
	fclose(file);
	assert_int_equal(pread(lease_fd(state), lease, LEASE_SIZE, 0),
			 LEASE_SIZE);
	assert_memory_equal(found, lease, LEASE_SIZE);
}

static void save_writes_the_piece_that_is_asked_for(void **state)
{
	assert_done(state, COMMAND("load", FD, "--offset", "101", "-"),
		    "a piece of text", "");
	assert_done(state,
		    COMMAND("save", FD, "--offset", "103", "--length", "5",
			    "-"),
		    NULL, "piece");
}

/* With the shell's own words; the lease is its fd 7, too. */
static void assert_shell_fails(void **state, const char *script)
{
	struct outcome outcome;

	program_run(&outcome, COMMAND("/bin/sh", "-c", script), lease_fd(state),
		    NULL);
	assert_exit(&outcome, 1);
	assert_contains(outcome.err, "Bad file descriptor");
}

static void a_closed_standard_stream_is_no_end_of_data(void **state)
{
	assert_shell_fails(state, "\"$BARLEASE_COMMAND\" peek --fd 7 0 >&-");
	assert_shell_fails(state, "\"$BARLEASE_COMMAND\" save --fd 7 - >&-");
	assert_shell_fails(state, "\"$BARLEASE_COMMAND\" load --fd 7 - <&-");
	assert_lease(state, 0, "", 0);
}

static void save_past_the_end_is_refused(void **state)
{
	assert_beyond(state, COMMAND("save", FD, "--offset", "8K", "-"), NULL,
		      "past the end");
	assert_beyond(state,
		      COMMAND("save", FD, "--offset", "4K", "--length", "4097",
			      "-"),
		      NULL, "past the end");
}

static void save_to_a_full_disk_says_so(void **state)
{
	assert_failed(state, COMMAND("save", FD, "/dev/full"), NULL,
		      "No space left");
}

static void fill_writes_values_of_each_width_and_nothing_else(void **state)
{
	assert_done(state,
		    COMMAND("fill", FD, "--width", "8", "--offset", "17",
			    "--length", "3", "0xa1"),
		    NULL, "");
	assert_lease(state, 17, "\xa1\xa1\xa1", 3);
	assert_done(state,
		    COMMAND("fill", FD, "--width", "16", "--offset", "18",
			    "--length", "4", "0xb1b2"),
		    NULL, "");
	assert_lease(state, 17, "\xa1\xb2\xb1\xb2\xb1", 5);
	assert_done(state,
		    COMMAND("fill", FD, "--offset", "20", "--length", "4",
			    "0xc1c2c3c4"),
		    NULL, "");
	assert_lease(state, 17, "\xa1\xb2\xb1\xc4\xc3\xc2\xc1", 7);
	assert_done(state,
		    COMMAND("fill", FD, "--width", "64", "--offset", "24",
			    "--length", "8", "0xd1d2d3d4d5d6d7d8"),
		    NULL, "");
	assert_lease(state, 17,
		     "\xa1\xb2\xb1\xc4\xc3\xc2\xc1"
		     "\xd8\xd7\xd6\xd5\xd4\xd3\xd2\xd1",
		     15);
}

static void fill_goes_to_the_end_where_no_length_says_otherwise(void **state)
{
	static unsigned char bytes[LEASE_SIZE];

	assert_done(state, COMMAND("fill", FD, "--offset", "8188", "0"), NULL,
		    "");
	assert_lease(state, 8188, "\0\0\0", 4);
	memset(bytes, 0x5a, sizeof(bytes));
	assert_done(state, COMMAND("fill", FD, "0x5a5a5a5a"), NULL, "");
	assert_lease(state, 0, bytes, LEASE_SIZE);
}

static void fill_that_does_not_fit_writes_nothing(void **state)
{
	assert_beyond(state,
		      COMMAND("fill", FD, "--offset", "8188", "--length", "8",
			      "1"),
		      NULL, "past the end");
	assert_beyond(state, COMMAND("fill", FD, "--offset", "8K", "1"), NULL,
		      "past the end of the lease, which has 8192 bytes");
	assert_beyond(state, COMMAND("fill", FD, "--length", "6", "1"), NULL,
		      "6 bytes are no whole number of values of 32 bits");
	assert_beyond(state,
		      COMMAND("fill", FD, "--offset", "4", "--length",
			      "0xfffffffffffffffc", "1"),
		      NULL, "past the end");
	assert_lease(state, 0, "", 0);
}

static void a_read_only_lease_is_said_to_be_so(void **state)
{
	char path[64];
	struct outcome outcome;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", lease_fd(state));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	barlease_run(&outcome, COMMAND("poke", FD, "0", "1"), fd, NULL);
	assert_exit(&outcome, 1);
	assert_contains(outcome.err, "read-only");
	barlease_run(&outcome, COMMAND("fill", FD, "1"), fd, NULL);
	assert_exit(&outcome, 1);
	assert_contains(outcome.err, "read-only");
	barlease_run(&outcome, COMMAND("peek", FD, "0"), fd, NULL);
	assert_exit(&outcome, 0);
	close(fd);
}

static void what_is_no_lease_is_refused(void **state)
{
	struct outcome outcome;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	barlease_run(&outcome, COMMAND("peek", FD, "0"), fds[0], NULL);
	assert_exit(&outcome, 1);
	assert_contains(outcome.err, "no lease");
	close(fds[0]);
	close(fds[1]);
}

static void the_inherited_lease_is_used_without_fd(void **state)
{
	setenv("BARLEASE_0", "7 0000:00:04.0:2[0x3000+0x2000],rw", 1);
	assert_done(state, COMMAND("peek", "0"), NULL, "0x03020100\n");
	setenv("BARLEASE_0", "7 nonsense", 1);
	assert_failed(state, COMMAND("peek", "0"), NULL, "BARLEASE_0");
	unsetenv("BARLEASE_0");
}

/*
 * Take the lease away from a command that is in the middle of it: it waits
 * for us to read its output, which is more than a pipe holds.
 */
static void assert_reports_loss(const char *const *arguments)
{
	const char *argv[8] = { getenv("BARLEASE_COMMAND") };
	int lease = memfd_create("lease", 0);
	int err = memfd_create("err", MFD_CLOEXEC);
	char fd_text[16], buf[65536];
	int out[2];
	int status;
	pid_t pid;

	for (size_t i = 0; i < 6 && arguments[i]; i++)
		argv[i + 1] = strcmp(arguments[i], COMMAND_LEASE_FD)
				      ? arguments[i]
				      : fd_text;
	snprintf(fd_text, sizeof(fd_text), "%d", lease);
	assert_int_equal(ftruncate(lease, 1 << 20), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		dup2(err, 2);
		execv(argv[0], (char **)(uintptr_t)argv);
		_exit(126);
	}
	close(out[1]);
	assert_true(read(out[0], buf, 1) == 1);
	assert_int_equal(ftruncate(lease, 0), 0);
	while (read(out[0], buf, sizeof(buf)) > 0)
		continue;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	buf[pread(err, buf, sizeof(buf) - 1, 0)] = '\0';
	assert_contains(buf, "the lease is gone: revoked, or the device is "
			     "away (SIGBUS at offset 0x");
	close(lease);
	close(err);
	close(out[0]);
}

static void save_reports_a_lease_that_goes_away(void **state)
{
	(void)state;
	assert_reports_loss(COMMAND("save", FD, "-"));
}

static void peek_reports_a_lease_that_goes_away(void **state)
{
	(void)state;
	assert_reports_loss(COMMAND("peek", FD, "--count", "200K", "0"));
}

#define access_test(function) \
	cmocka_unit_test_setup_teardown(function, lease_setup, lease_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		access_test(peek_reads_little_endian_values_of_each_width),
		access_test(peek_reads_several_values),
		access_test(peek_takes_options_after_the_offset),
		access_test(peek_reads_up_to_the_end),
		access_test(poke_writes_a_value_of_each_width),
		access_test(poke_past_the_end_is_refused),
		access_test(load_writes_exactly_the_bytes),
		access_test(load_begins_at_the_offset),
		access_test(load_fills_the_lease_to_its_end),
		access_test(load_of_nothing_writes_nothing),
		access_test(load_that_does_not_fit_writes_nothing),
		access_test(load_of_an_endless_file_writes_nothing),
		access_test(load_of_a_missing_file_says_so),
		access_test(load_reads_a_pipe_to_its_end),
		access_test(save_writes_all_of_the_lease),
		access_test(save_writes_the_piece_that_is_asked_for),
		access_test(a_closed_standard_stream_is_no_end_of_data),
		access_test(save_past_the_end_is_refused),
		access_test(save_to_a_full_disk_says_so),
		access_test(
			fill_writes_values_of_each_width_and_nothing_else),
		access_test(
			fill_goes_to_the_end_where_no_length_says_otherwise),
		access_test(fill_that_does_not_fit_writes_nothing),
		access_test(a_read_only_lease_is_said_to_be_so),
		access_test(what_is_no_lease_is_refused),
		access_test(the_inherited_lease_is_used_without_fd),
		access_test(save_reports_a_lease_that_goes_away),
		access_test(peek_reports_a_lease_that_goes_away),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
