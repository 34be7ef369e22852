// SPDX-License-Identifier: MIT
/* Lines of a log, to the journal and to the standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log.h"

/* What was sent to the journal, a field each line. */
static char sent[4096];
static int answer;

int __wrap_sd_journal_sendv(const struct iovec *parts, int count);
int __wrap_sd_journal_sendv(const struct iovec *parts, int count)
{
	size_t length = 0;

	for (int i = 0; i < count; i++)
		length += (size_t)snprintf(sent + length, sizeof(sent) - length,
					   "%.*s\n", (int)parts[i].iov_len,
					   (const char *)parts[i].iov_base);
	return answer;
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
			    "BARLEASE_EVENT=test\n"
			    "BARLEASE_NAME=a b\n"
			    "BARLEASE_TIME_LEFT_MS=7\n");
	assert_string_equal(written(*state), "");
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
	answer = -1;
	one_log("x");
	assert_string_equal(written(*state),
			    "event=test name=x time-left-ms=7\n");
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
		log_test(what_the_journal_does_not_take_is_written),
		log_test(more_fields_than_there_is_room_for_are_left_out),
	};

	return cmocka_run_group_tests_name("broker_log", tests, NULL, NULL);
}
