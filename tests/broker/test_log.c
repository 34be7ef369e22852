// SPDX-License-Identifier: MIT
/* Lines of a log, to the journal and to the standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

/* The last datagram that was sent to the journal, a 0 in it as a 0. */
static char sent[4096];
static int answer; /* an errno, or 0 */
static int flags_missing;

ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags,
		      const struct sockaddr *address, socklen_t length);
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags,
		      const struct sockaddr *address, socklen_t length)
{
	const struct sockaddr_un *to = (const struct sockaddr_un *)address;

	(void)fd;
	(void)length;
	assert_string_equal(to->sun_path, "/run/systemd/journal/socket");
	flags_missing |= (MSG_DONTWAIT | MSG_NOSIGNAL) & ~flags;
	if (answer) {
		errno = answer;
		return -1;
	}
	assert_true(size < sizeof(sent));
	memcpy(sent, data, size);
	sent[size] = '\0';
	return (ssize_t)size;
}

/* The standard error is a file of the test's own, in between. */
struct fixture {
	FILE *file;
	int before;
	char text[4096];
};

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.file = tmpfile();
	assert_non_null(fixture.file);
	fixture.before = dup(STDERR_FILENO);
	dup2(fileno(fixture.file), STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	sent[0] = '\0';
	answer = 0;
	flags_missing = 0;
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	dup2(fixture->before, STDERR_FILENO);
	close(fixture->before);
	fclose(fixture->file);
	return 0;
}

static const char *written(struct fixture *fixture)
{
	ssize_t length = pread(fileno(fixture->file), fixture->text,
			       sizeof(fixture->text) - 1, 0);

	assert_true(length >= 0);
	fixture->text[length] = '\0';
	return fixture->text;
}

static void stream_set(unsigned long long inode_more)
{
	struct stat status;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
		 (unsigned long long)status.st_dev,
		 (unsigned long long)status.st_ino + inode_more);
	setenv("JOURNAL_STREAM", stream, 1);
}

static void one_log(const char *name)
{
	struct log_line line;

	log_begin(&line, LOG_NOTICE, "test");
	log_text(&line, "name", name);
	log_format(&line, "time-left-ms", "%d", 7);
	log_end(&line);
}

static void a_line_has_its_fields(void **state)
{
	one_log("plain");
	assert_string_equal(written(*state),
			    "event=test name=plain time-left-ms=7\n");
	assert_string_equal(sent, "");
}

static void a_value_cannot_leave_its_quotes(void **state)
{
	one_log("a \"b\\\n\x1b=\xc3");
	assert_string_equal(written(*state),
			    "event=test name=\"a \\\"b\\\\\\x0a\\x1b=\\xc3\" "
			    "time-left-ms=7\n");
}

static void an_empty_value_is_told(void **state)
{
	one_log("");
	assert_string_equal(written(*state),
			    "event=test name=\"\" time-left-ms=7\n");
}

static void the_journal_gets_fields_where_it_listens(void **state)
{
	stream_set(0);
	one_log("a b");
	assert_string_equal(sent,
			    "MESSAGE=event=test name=\"a b\" time-left-ms=7\n"
			    "PRIORITY=5\n"
			    "SYSLOG_IDENTIFIER=barleased\n"
			    "BARLEASE_EVENT=test\n"
			    "BARLEASE_NAME=a b\n"
			    "BARLEASE_TIME_LEFT_MS=7\n");
	assert_string_equal(written(*state), "");
}

static void a_field_of_several_lines_is_one_field(void **state)
{
	static const char field[] = "BARLEASE_NAME\n"
				    "\6\0\0\0\0\0\0\0"
				    "a\nX=b\n"
				    "\nBARLEASE_TIME_LEFT_MS=7\n";

	(void)state;
	stream_set(0);
	one_log("a\nX=b\n");
	assert_non_null(memmem(sent, sizeof(sent), field, sizeof(field)));
	/* The message has it in one line. */
	assert_non_null(strstr(sent, "name=\"a\\x0aX=b\\x0a\" time-left-ms=7\n"));
}

static void the_journal_is_not_waited_for(void **state)
{
	(void)state;
	stream_set(0);
	one_log("x");
	assert_int_equal(flags_missing, 0);
}

/* As when it was started from a service, with an output of its own. */
static void the_journal_of_somebody_else_gets_nothing(void **state)
{
	stream_set(1);
	one_log("x");
	assert_string_equal(sent, "");
	assert_string_equal(written(*state),
			    "event=test name=x time-left-ms=7\n");
}

static void what_the_journal_does_not_take_is_written(void **state)
{
	stream_set(0);
	answer = EAGAIN;
	one_log("x");
	assert_string_equal(written(*state),
			    "event=test name=x time-left-ms=7\n");
}

/* A disk that is full, and then is not. */
static void what_nobody_takes_is_counted_and_told_later(void **state)
{
	uint64_t before = log_lost();
	int full = open("/dev/full", O_WRONLY);
	struct fixture *fixture = *state;

	assert_true(full >= 0);
	dup2(full, STDERR_FILENO);
	close(full);
	one_log("x");
	one_log("y");
	assert_int_equal(log_lost() - before, 2);
	dup2(fileno(fixture->file), STDERR_FILENO);
	one_log("z");
	one_log("last");
	assert_int_equal(log_lost() - before, 2);
	assert_string_equal(written(fixture),
			    "event=log-lost lines=2\n"
			    "event=test name=z time-left-ms=7\n"
			    "event=test name=last time-left-ms=7\n");
}

static void fill(int fd)
{
	char page[4096] = { 0 };

	while (write(fd, page, sizeof(page)) > 0)
		;
	assert_int_equal(errno, EAGAIN);
}

/* To have room for one packet is to have room for one line. */
static void a_pipe_that_is_full_is_not_waited_for(void **state)
{
	uint64_t before = log_lost();
	char page[4096];
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	fill(fds[1]);
	/* As the standard error of others is. */
	assert_int_equal(fcntl(fds[1], F_SETFL, 0), 0);
	dup2(fds[1], STDERR_FILENO);
	one_log("x");
	assert_int_equal(log_lost() - before, 1);
	while (read(fds[0], page, sizeof(page)) > 0)
		;
	one_log("y");
	memset(page, 0, sizeof(page));
	assert_true(read(fds[0], page, sizeof(page) - 1) > 0);
	assert_string_equal(page, "event=log-lost lines=1\n"
				  "event=test name=y time-left-ms=7\n");
	assert_int_equal(log_lost() - before, 1);
	close(fds[0]);
	close(fds[1]);
}

/* A line that was cut off must not become the beginning of the next one. */
static void a_line_that_is_cut_off_has_the_next_one_begin_anew(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit before, small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	one_log("x");
	one_log("y");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	one_log("z");
	assert_string_equal(written(fixture),
			    "event=test\n"
			    "event=log-lost lines=2\n"
			    "event=test name=z time-left-ms=7\n");
}

static void more_fields_than_there_is_room_for_are_left_out(void **state)
{
	struct log_line line;

	log_begin(&line, LOG_NOTICE, "test");
	for (unsigned int i = 0; i < LOG_FIELDS_MAX; i++)
		log_format(&line, "n", "%u", i);
	assert_int_equal(line.count, LOG_FIELDS_MAX);
	log_end(&line);
	assert_null(strstr(written(*state), "n=19"));
	assert_non_null(strstr(written(*state), "n=18\n"));
}

#define log_test(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(a_line_has_its_fields),
		log_test(a_value_cannot_leave_its_quotes),
		log_test(an_empty_value_is_told),
		log_test(the_journal_gets_fields_where_it_listens),
		log_test(the_journal_of_somebody_else_gets_nothing),
		log_test(a_field_of_several_lines_is_one_field),
		log_test(the_journal_is_not_waited_for),
		log_test(what_the_journal_does_not_take_is_written),
		log_test(what_nobody_takes_is_counted_and_told_later),
		log_test(a_pipe_that_is_full_is_not_waited_for),
		log_test(a_line_that_is_cut_off_has_the_next_one_begin_anew),
		log_test(more_fields_than_there_is_room_for_are_left_out),
	};

	return cmocka_run_group_tests_name("broker_log", tests, NULL, NULL);
}
