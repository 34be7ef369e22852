// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aftermath.h"
#include "bind.h"
#include "runner.h"
#include "standstill.h"

#define ALIVE_MS 10000

int runner_fds;
unsigned int stress_seconds = STRESS_SECONDS;

/* What is known about a test that ran. */
struct outcome_of_test {
	int status;		/* as waitpid() has it */
	bool timed_out;
	bool clean;		/* no process of the test was left */
	char reason[REASON_MAX];
};

_Noreturn static void child_run(const struct test *test, int reason_fd)
{
	setpgid(0, 0);
	harness_report_to(reason_fd);
	test->run();
	_exit(0);
}

/* Wait for @pid, no longer than @ms. Return whether it ended. */
static bool wait_for(pid_t pid, int *status, long long ms)
{
	long long end = now_ms() + ms;

	while (waitpid(pid, status, WNOHANG) != pid) {
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
	return true;
}

/*
 * Processes of a test whose parent is gone are ours, as the runner is a
 * subreaper. Return whether all of them could be killed: a process that is
 * stuck in the kernel cannot.
 */
static bool kill_group(pid_t group)
{
	long long end = now_ms() + patience_ms(5000);

	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		if (now_ms() >= end)
			return false;
		kill(-group, SIGKILL);
		sleep_ms(2);
	}
	return true;
}

static long long limit_ms(const struct test *test)
{
	return patience_ms(test->seconds * 1000LL) +
	       (test->stress ? stress_seconds * 1000LL : 0);
}

/*
 * Now and then there is a sign of life, so that whoever watches the guest can
 * tell a long test from a guest that hangs.
 */
static bool wait_for_test(const struct test *test, pid_t pid, int *status)
{
	long long start = now_ms();
	long long left = limit_ms(test);

	while (left > 0) {
		if (wait_for(pid, status, left < ALIVE_MS ? left : ALIVE_MS))
			return true;
		left -= ALIVE_MS;
		printf("# %s: %lld s so far\n", test->name,
		       (now_ms() - start) / 1000);
		fflush(stdout);
	}
	return false;
}

static void child_watch(const struct test *test, pid_t pid,
			struct outcome_of_test *outcome)
{
	int status = 0;

	if (!wait_for_test(test, pid, &status)) {
		outcome->timed_out = true;
		standstill_tell(pid);
		kill(-pid, SIGKILL);
		wait_for(pid, &status, patience_ms(5000));
	}
	outcome->status = status;
	outcome->clean = kill_group(pid);
}

static void child_start_and_watch(const struct test *test,
				  struct outcome_of_test *outcome)
{
	int reasons[2];
	ssize_t length;
	pid_t pid;

	memset(outcome, 0, sizeof(*outcome));
	fflush(stdout);
	if (pipe2(reasons, O_CLOEXEC | O_NONBLOCK) < 0) {
		perror("pipe2");
		exit(STATUS_FAILED);
	}
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(STATUS_FAILED);
	}
	if (!pid) {
		close(reasons[0]);
		child_run(test, reasons[1]);
	}
	setpgid(pid, pid);
	close(reasons[1]);

	child_watch(test, pid, outcome);

	/* The first reason; the text of each ends with a 0. */
	length = read(reasons[0], outcome->reason, sizeof(outcome->reason) - 1);
	outcome->reason[length > 0 ? length : 0] = '\0';
	close(reasons[0]);
}

/* Return whether the test's own processes were content. */
static enum verdict judge(const struct test *test,
			  struct outcome_of_test *outcome)
{
	size_t size = sizeof(outcome->reason);

	if (outcome->timed_out)
		snprintf(outcome->reason, size, "not done after %lld s",
			 limit_ms(test) / 1000);
	else if (!outcome->clean)
		snprintf(outcome->reason, size,
			 "a process of the test cannot be killed");
	else if (WIFSIGNALED(outcome->status))
		snprintf(outcome->reason, size, "killed by SIG%s",
			 sigabbrev_np(WTERMSIG(outcome->status)));
	else if (WEXITSTATUS(outcome->status) == STATUS_SKIPPED)
		return TEST_SKIPPED;
	else if (!outcome->reason[0] && !WEXITSTATUS(outcome->status))
		return TEST_PASSED;
	else if (!outcome->reason[0])
		snprintf(outcome->reason, size, "exit status %d",
			 WEXITSTATUS(outcome->status));
	return TEST_FAILED;
}

/* scripts/lib/runs.py knows these words: they must not be cut off. */
#define AFTERWARDS "; afterwards: "

static void add_trouble(char *reason, bool failed, const char *trouble)
{
	size_t length = failed ? strnlen(reason, REASON_MAX / 2) : 0;

	if (failed) {
		strcpy(reason + length, AFTERWARDS);
		length += strlen(AFTERWARDS);
	}
	reason[length] = '\0';
	strncat(reason, trouble, REASON_MAX - 1 - length);
}

enum verdict test_run(const struct test *test)
{
	struct outcome_of_test outcome;
	struct aftermath before;
	enum verdict verdict;
	char trouble[REASON_MAX];
	long long start;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (devices_bind_all(trouble, sizeof(trouble))) {
		printf("not ok %s: before it: %s\n", test->name, trouble);
		return TEST_FAILED;
	}

	aftermath_before(&before);
	start = now_ms();
	child_start_and_watch(test, &outcome);
	verdict = judge(test, &outcome);
	if (aftermath_check(&before, trouble, sizeof(trouble))) {
		add_trouble(outcome.reason, verdict == TEST_FAILED, trouble);
		verdict = TEST_FAILED;
	}

	if (verdict == TEST_PASSED)
		printf("ok %s\n", test->name);
	else
		printf("%s %s: %s\n",
		       verdict == TEST_SKIPPED ? "skip" : "not ok", test->name,
		       outcome.reason);
	if (now_ms() - start > 2000)
		printf("# %s took %lld ms\n", test->name, now_ms() - start);
	fflush(stdout);
	return verdict;
}
