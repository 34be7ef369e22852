// SPDX-License-Identifier: MIT
#include "lessee.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn.h"

static void the_lessee_has_the_lease_and_the_standard_fds_only(void **state)
{
	int open_fds[20];

	/* None of these says close-on-exec. */
	for (int i = 0; i < 20; i++)
		open_fds[i] = open("/dev/null", O_RDWR);
	assert_four_fds(probe(state, NULL));
	for (int i = 0; i < 20; i++)
		close(open_fds[i]);
}

static void the_lease_may_have_any_number_before(void **state)
{
	struct fixture *fixture = *state;
	static const int numbers[] = { 3, 4, 5, 6, 200 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int kept = fcntl(numbers[i], F_DUPFD_CLOEXEC, 300);

		if (numbers[i] == fixture->lease)
			continue;
		assert_int_equal(dup3(fixture->lease, numbers[i], O_CLOEXEC),
				 numbers[i]);
		assert_four_fds(probe_run(fixture, numbers[i], NULL, NULL));
		close(numbers[i]);
		if (kept >= 0) {
			dup3(kept, numbers[i], O_CLOEXEC);
			close(kept);
		}
	}
}

static void the_callers_lease_stays_open(void **state)
{
	struct fixture *fixture = *state;

	probe(state, NULL);
	assert_int_equal(fcntl(fixture->lease, F_GETFD), FD_CLOEXEC);
}

static void the_environment_describes_the_lease(void **state)
{
	const char *report = probe(state, NULL);
	char line[64];
	int pid;

	assert_line(report,
		    "BARLEASE_0=3 0000:00:04.0:2[0x200000+0x200000],ro");
	assert_line(report, "LISTEN_FDS=1");
	assert_line(report, "LISTEN_FDNAMES=lease");
	assert_int_equal(sscanf(strstr(report, "\npid "), "\npid %d", &pid), 1);
	snprintf(line, sizeof(line), "LISTEN_PID=%d", pid);
	assert_line(report, line);
}

static void the_environment_of_a_lessor_is_replaced(void **state)
{
	const char *report;

	setenv("BARLEASE_0", "9 stale", 1);
	setenv("BARLEASE_1", "9 stale", 1);
	setenv("LISTEN_PID", "stale", 1);
	setenv("LISTEN_FDS", "stale", 1);
	setenv("LISTEN_FDNAMES", "stale", 1);
	setenv("KEPT", "as it was", 1);
	report = probe(state, NULL);
	unsetenv("BARLEASE_0");
	unsetenv("BARLEASE_1");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	assert_no_line_with(report, "stale");
	assert_line(report, "KEPT=as it was");
}

static void the_exit_status_is_passed_on(void **state)
{
	struct fixture *fixture = *state;

	probe_run(fixture, fixture->lease, NULL, "42");
}

static void the_lessee_can_gain_no_privileges(void **state)
{
	assert_line(probe(state, NULL), "NoNewPrivs:\t1");
}

static void the_lessee_dies_with_its_lessor_by_its_own_account(void **state)
{
	char line[32];

	snprintf(line, sizeof(line), "deathsig %d", SIGKILL);
	assert_line(probe(state, NULL), line);
}

static void assert_spawn_fails(void **state, const char *user,
			       const char *command, int err, const char *step)
{
	struct fixture *fixture = *state;
	char *argv[] = { (char *)(uintptr_t)command, NULL };
	const char *failed = NULL;
	struct spawn_options options = {
		.lease_fd = fixture->lease,
		.slice = &lessee_slice,
		.user = user,
		.argv = argv,
		.step = &failed,
	};
	unsigned int before = fd_count();
	pid_t pid = -2;

	assert_int_equal(spawn_lessee(&options, &pid), err);
	assert_string_equal(failed, step);
	assert_int_equal(pid, -2);
	assert_int_equal(fd_count(), before);
	/* No process is left to wait for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void a_command_that_is_not_there_is_enoent(void **state)
{
	assert_spawn_fails(state, NULL, "/nonexistent/command", -ENOENT,
			   "running the command");
	assert_spawn_fails(state, NULL, "no-such-command-in-path", -ENOENT,
			   "running the command");
}

static void a_command_that_cannot_be_run_is_eacces(void **state)
{
	assert_spawn_fails(state, NULL, "/etc/passwd", -EACCES,
			   "running the command");
}

static void a_user_that_is_not_there_is_enoent(void **state)
{
	assert_spawn_fails(state, "no-such-user", "true", -ENOENT,
			   "looking the user up");
	assert_spawn_fails(state, "", "true", -ENOENT, "looking the user up");
	assert_spawn_fails(state, "-1", "true", -ENOENT, "looking the user up");
	/* (uid_t)-1 would leave the user as it is: root. */
	assert_spawn_fails(state, "4294967295", "true", -ENOENT,
			   "looking the user up");
	assert_spawn_fails(state, "4294967296", "true", -ENOENT,
			   "looking the user up");
}

static void a_lease_that_is_not_open_is_ebadf(void **state)
{
	struct fixture *fixture = *state;
	int lease = fixture->lease;

	fixture->lease = 999;
	assert_spawn_fails(state, NULL, "true", -EBADF,
			   "arranging the file descriptors");
	fixture->lease = lease;
}

static void the_lessee_can_have_streams_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	char *argv[] = { (char[]){ "cat" }, NULL };
	int input = memfd_create("input", MFD_CLOEXEC);
	int output = memfd_create("output", MFD_CLOEXEC);
	int streams[] = { input, output };
	struct spawn_options options = {
		.lease_fd = fixture->lease,
		.slice = &lessee_slice,
		.argv = argv,
		.streams = streams,
	};
	char text[8];
	pid_t pid;

	assert_int_equal(pwrite(input, "through", 7, 0), 7);
	assert_int_equal(spawn_lessee(&options, &pid), 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(pread(output, text, sizeof(text), 0), 7);
	assert_memory_equal(text, "through", 7);
	close(input);
	close(output);
}

static void the_signal_mask_is_the_one_that_is_asked_for(void **state)
{
	struct fixture *fixture = *state;
	char *argv[] = { fixture->probe, NULL };
	sigset_t none, held, former;
	struct spawn_options options = {
		.lease_fd = fixture->lease,
		.slice = &lessee_slice,
		.argv = argv,
		.mask = &none,
	};
	ssize_t length;
	pid_t pid;

	sigemptyset(&none);
	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, &former);
	assert_int_equal(spawn_lessee(&options, &pid), 0);
	sigprocmask(SIG_SETMASK, &former, NULL);
	waitpid(pid, NULL, 0);
	length = pread(fixture->lease, fixture->report,
		       sizeof(fixture->report) - 1, 0);
	fixture->report[length] = '\0';
	assert_line(fixture->report, "SigBlk:\t0000000000000000");
}

static void a_lessor_that_is_killed_takes_the_lessee_along(void **state)
{
	struct fixture *fixture = *state;
	char *argv[] = { (char[]){ "sleep" }, (char[]){ "1000" }, NULL };
	struct spawn_options options = {
		.lease_fd = fixture->lease,
		.slice = &lessee_slice,
		.argv = argv,
	};
	pid_t lessor, lessee;
	int fds[2];
	int status;

	/* So that the lessee becomes ours to wait for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	lessor = fork();
	if (!lessor) {
		if (spawn_lessee(&options, &lessee) ||
		    write(fds[1], &lessee, sizeof(lessee)) < 0)
			_exit(1);
		pause();
	}
	assert_int_equal(read(fds[0], &lessee, sizeof(lessee)), sizeof(lessee));
	kill(lessor, SIGKILL);
	assert_int_equal(waitpid(lessor, &status, 0), lessor);
	assert_int_equal(waitpid(lessee, &status, 0), lessee);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		spawn_test(the_lessee_has_the_lease_and_the_standard_fds_only),
		spawn_test(the_lease_may_have_any_number_before),
		spawn_test(the_callers_lease_stays_open),
		spawn_test(the_environment_describes_the_lease),
		spawn_test(the_environment_of_a_lessor_is_replaced),
		spawn_test(the_exit_status_is_passed_on),
		spawn_test(the_lessee_can_gain_no_privileges),
		spawn_test(the_lessee_dies_with_its_lessor_by_its_own_account),
		spawn_test(a_command_that_is_not_there_is_enoent),
		spawn_test(a_command_that_cannot_be_run_is_eacces),
		spawn_test(a_user_that_is_not_there_is_enoent),
		spawn_test(a_lease_that_is_not_open_is_ebadf),
		spawn_test(the_lessee_can_have_streams_of_its_own),
		spawn_test(the_signal_mask_is_the_one_that_is_asked_for),
		spawn_test(a_lessor_that_is_killed_takes_the_lessee_along),
	};

	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
