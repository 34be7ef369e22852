// SPDX-License-Identifier: MIT
/*
 * "barlease run" from its command line to its exit status, on a device whose
 * ioctls are answered by the test. That the kernel really revokes is the
 * business of the tests in VMs.
 */
#include "vfio_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "function.h"
#include "lend.h"
#include "standard_fds.h"

#define EXPORT (VFIO_DEVICE_FEATURE_DMA_BUF | VFIO_DEVICE_FEATURE_GET)
#define REVOKE (BARLEASE_FEATURE_REVOKE | VFIO_DEVICE_FEATURE_SET)
#define SLICE "00:04.0:2[4K+8K]"
#define RUN(...) run((const char *const[]){ "run", __VA_ARGS__, NULL })

static void **tree_state;

int __wrap_barlease_device_open_by(const char *bdf, enum barlease_way way,
				   const char *vf_token,
				   struct barlease_device **dev,
				   const char **reason);
int __wrap_function_argument(const struct machine *machine, const char *bdf,
			     struct function *function);

/* The library's device, in the tree of the test. */
static enum barlease_way way_asked_for;

int __wrap_barlease_device_open_by(const char *bdf, enum barlease_way way,
				   const char *vf_token,
				   struct barlease_device **dev,
				   const char **reason)
{
	struct barlease_paths paths = vfio_fake_paths(tree_state);

	way_asked_for = way;
	return barlease_device_open_at(&paths, bdf, way, vf_token, dev, reason);
}

/* The status of a command that ends goes to somebody else. */
static bool status_lost;

pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	pid_t ended = __real_waitpid(pid, status, options);

	if (!status_lost || ended <= 0)
		return ended;
	errno = ECHILD;
	return -1;
}

/* What was wired when the last process was started. */
static int request_eventfd_at_fork;

pid_t __real_fork(void);
pid_t __wrap_fork(void);

pid_t __wrap_fork(void)
{
	request_eventfd_at_fork = vfio_fake.request_eventfd;
	return __real_fork();
}

static struct function fake_function(void)
{
	return (struct function){
		.bdf = "0000:00:04.0",
		.driver = "barlease-vfio-pci",
		.group = "7",
		.bars = {
			[0] = { BAR_MEM32, 256, false, true },
			[2] = { BAR_MEM64, 0x4000, true, true },
		},
	};
}

int __wrap_function_argument(const struct machine *machine, const char *bdf,
			     struct function *function)
{
	(void)machine;
	(void)bdf;
	*function = fake_function();
	return STATUS_OK;
}

static int run_setup(void **state)
{
	if (vfio_fake_setup(state))
		return -1;
	tree_state = state;
	status_lost = false;
	vfio_fake.features[0] = EXPORT;
	vfio_fake.features[1] = REVOKE;
	return 0;
}

/* Run the command line here, and lose no fd over it. */
static int run(const char *const *arguments)
{
	unsigned int before = fd_count();
	char *argv[16] = { NULL };
	sigset_t signals;
	int argc = 0;
	int status;

	/* main() has strings that it may write to, and so must this. */
	for (; arguments[argc]; argc++) {
		assert_true(argc < 15);
		argv[argc] = strdup(arguments[argc]);
	}
	sigprocmask(SIG_SETMASK, NULL, &signals);
	status = command_run.run(argc, argv);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	while (argc--)
		free(argv[argc]);
	assert_int_equal(fd_count(), before);
	return status;
}

static void the_commands_status_is_passed_on(void **state)
{
	(void)state;
	assert_int_equal(RUN(SLICE, "true"), 0);
	assert_int_equal(RUN(SLICE, "--", "sh", "-c", "exit 37"), 37);
}

static void a_vf_token_is_passed_on_and_its_lack_is_a_failure(void **state)
{
	const char *token = "14e46a3d-8d1c-4b23-9c61-2f3a5d7cba9e";

	(void)state;
	assert_int_equal(RUN("--vf-token", token, SLICE, "true"), 0);
	assert_string_equal(vfio_fake.device_name + strlen("0000:00:04.0"),
			    " vf_token=14e46a3d-8d1c-4b23-9c61-2f3a5d7cba9e");
	vfio_fake.get_device_errno = EACCES;
	assert_int_equal(RUN(SLICE, "true"), STATUS_FAILED);
}

static void the_signal_that_ended_it_is_added_to_128(void **state)
{
	(void)state;
	assert_int_equal(RUN(SLICE, "sh", "-c", "kill -9 $$"), 128 + SIGKILL);
}

static void the_lease_is_revoked_when_it_ends(void **state)
{
	(void)state;
	RUN(SLICE, "true");
	assert_int_equal(vfio_fake.feature_flags, REVOKE);
}

static void a_failed_revocation_is_a_failure(void **state)
{
	(void)state;
	vfio_fake.revoke_errno = EIO;
	assert_int_equal(RUN(SLICE, "true"), 1);
}

static void a_command_that_is_not_there_leaves_no_lease(void **state)
{
	(void)state;
	assert_int_equal(RUN(SLICE, "/nonexistent"), 1);
	assert_int_equal(vfio_fake.feature_flags, REVOKE);
}

static void the_way_to_open_can_be_chosen(void **state)
{
	assert_int_equal(RUN(SLICE, "true"), 0);
	assert_int_equal(way_asked_for, BARLEASE_ANY_WAY);
	assert_int_equal(RUN("--open", "group", SLICE, "true"), 0);
	assert_int_equal(way_asked_for, BARLEASE_BY_GROUP);
	assert_int_equal(RUN("--open", "iommufd", SLICE, "true"),
			 STATUS_FAILED);
	assert_int_equal(way_asked_for, BARLEASE_BY_IOMMUFD);
	vfio_fake_add_iommufd(state);
	/* /dev/null, which plays the device file, has no memory decode. */
	assert_int_equal(RUN("--open", "iommufd", SLICE, "true"),
			 STATUS_FAILED);
	assert_int_equal(vfio_fake.binds, 1);
}

static void a_lease_is_lent_with_memory_switched_on(void **state)
{
	struct function function = fake_function();
	struct barlease_slice slice = { .range = { 0, 0x1000 }, .bar = 2 };
	struct open_options options = { 0 };
	unsigned char command;
	struct loan loan;

	(void)state;
	assert_int_equal(lend_begin(&function, &options, &slice, false,
				    &loan),
			 STATUS_OK);
	assert_int_equal(
		pread(vfio_fake.device_fd, &command, 1, 7 * 0x10000 + 4), 1);
	assert_int_equal(command, 2);
	assert_int_equal(lend_end(&loan), STATUS_OK);
}

static void a_driver_that_cannot_revoke_lends_nothing(void **state)
{
	(void)state;
	vfio_fake.features[1] = 0;
	assert_int_equal(RUN(SLICE, "true"), 1);
	assert_int_equal(vfio_fake.feature_flags, 0);
}

static void a_device_that_is_busy_is_a_failure(void **state)
{
	(void)state;
	vfio_fake.status_errno = EBUSY;
	assert_int_equal(RUN(SLICE, "true"), 1);
}

/* A bad slice is refused before the device is opened. */
static void assert_refused(const char *slice)
{
	vfio_fake.device_fd = -1;
	assert_int_equal(RUN(slice, "true"), 2);
	assert_int_equal(vfio_fake.device_fd, -1);
}

static void a_slice_that_is_not_whole_pages_is_refused(void **state)
{
	(void)state;
	assert_refused("00:04.0:2[1+4K]");
	assert_refused("00:04.0:2[0+1]");
}

static void a_slice_past_the_end_of_the_bar_is_refused(void **state)
{
	(void)state;
	assert_refused("00:04.0:2[0+20K]");
	assert_refused("00:04.0:2[16K+4K]");
	assert_refused("00:04.0:2[0+0xfffffffffffff000]");
}

static void a_bar_that_cannot_be_lent_is_refused(void **state)
{
	(void)state;
	assert_refused("00:04.0:0");
	assert_refused("00:04.0:1");
}

static void a_slice_without_a_range_is_the_whole_bar(void **state)
{
	struct function function = fake_function();
	struct barlease_slice slice = { .bar = 2 };

	(void)state;
	assert_int_equal(lend_check(&function, &slice), STATUS_OK);
	assert_int_equal(slice.range.offset, 0);
	assert_int_equal(slice.range.length, 0x4000);
}

/* Send a signal to a run whose command has begun; return how it ends. */
static int signal_run(void **state, int signal, const char *script)
{
	const struct tree *tree = *state;
	char fifo[PATH_MAX];
	int status, fd;
	char byte;
	pid_t pid;

	snprintf(fifo, sizeof(fifo), "%s/fifo", tree->root);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(RUN(SLICE, "sh", "-c", script, "sh", fifo));
	fd = open(fifo, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
	kill(pid, signal);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void signals_are_passed_on_to_the_command(void **state)
{
	assert_int_equal(signal_run(state, SIGTERM,
				    "echo >$1; exec sleep 1000"),
			 128 + SIGTERM);
}

static void the_command_may_make_its_own_of_a_signal(void **state)
{
	assert_int_equal(signal_run(state, SIGINT,
				    "trap 'exit 9' INT; echo >$1; "
				    "while :; do sleep 0.01; done"),
			 9);
}

/* What is closed here is not to be the command's failure. */
static void a_command_gets_an_ordinary_null_for_a_closed_stream(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		if (standard_fds_open() || write(STDOUT_FILENO, "x", 1) >= 0)
			_exit(99);
		_exit(RUN(SLICE, "sh", "-c", "cat && echo x"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Whoever starts us may have had no use for its own children. */
static void an_ignored_sigchld_does_not_hide_the_end(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	alarm(10);
	assert_int_equal(RUN(SLICE, "sh", "-c", "exit 37"), 37);
	alarm(0);
}

static void a_lost_status_is_a_failure_and_not_a_wait(void **state)
{
	(void)state;
	status_lost = true;
	alarm(10);
	assert_int_equal(RUN(SLICE, "sh", "-c", "exit 37"), 1);
	alarm(0);
	assert_int_equal(vfio_fake.feature_flags, REVOKE);
}

/* The command goes on, and ends only when it has read what is said. */
static void a_function_that_is_wanted_back_is_given_up_at_once(void **state)
{
	const struct tree *tree = *state;
	char said[PATH_MAX];
	int status, fd;
	pid_t pid;

	snprintf(said, sizeof(said), "%s/said", tree->root);
	fd = open(said, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	vfio_fake.is_wanted = true;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		alarm(20);
		dup2(fd, STDERR_FILENO);
		status = RUN(SLICE, "sh", "-c",
			     "until grep -q 'wants 0000:00:04.0 back' $1; do "
			     "sleep 0.01; done; exit 37",
			     "sh", said);
		if (vfio_fake.feature_flags != REVOKE)
			status = 99;
		_exit(status);
	}
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 37);
}

/* The kernel asks once when it begins to want it, and again only after 10 s. */
static void the_kernel_can_ask_before_the_command_is_started(void **state)
{
	(void)state;
	assert_int_equal(RUN(SLICE, "true"), 0);
	assert_true(request_eventfd_at_fork > 0);
	assert_int_equal(vfio_fake.wirings, 1);
}

static void a_driver_that_does_not_ask_lends_all_the_same(void **state)
{
	(void)state;
	vfio_fake.set_irqs_errno = EINVAL;
	assert_int_equal(RUN(SLICE, "sh", "-c", "exit 37"), 37);
	assert_int_equal(vfio_fake.feature_flags, REVOKE);
}

static void a_revocation_that_fails_is_told_though_it_was_early(void **state)
{
	(void)state;
	vfio_fake.is_wanted = true;
	vfio_fake.revoke_errno = EIO;
	assert_int_equal(RUN(SLICE, "sleep", "0.2"), 1);
}

#define lend_test(function) \
	cmocka_unit_test_setup_teardown(function, run_setup, vfio_fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lend_test(the_commands_status_is_passed_on),
		lend_test(a_vf_token_is_passed_on_and_its_lack_is_a_failure),
		lend_test(the_signal_that_ended_it_is_added_to_128),
		lend_test(the_lease_is_revoked_when_it_ends),
		lend_test(a_failed_revocation_is_a_failure),
		lend_test(a_command_that_is_not_there_leaves_no_lease),
		lend_test(the_way_to_open_can_be_chosen),
		lend_test(a_lease_is_lent_with_memory_switched_on),
		lend_test(a_driver_that_cannot_revoke_lends_nothing),
		lend_test(a_device_that_is_busy_is_a_failure),
		lend_test(a_slice_that_is_not_whole_pages_is_refused),
		lend_test(a_slice_past_the_end_of_the_bar_is_refused),
		lend_test(a_bar_that_cannot_be_lent_is_refused),
		lend_test(a_slice_without_a_range_is_the_whole_bar),
		lend_test(signals_are_passed_on_to_the_command),
		lend_test(the_command_may_make_its_own_of_a_signal),
		lend_test(a_command_gets_an_ordinary_null_for_a_closed_stream),
		lend_test(an_ignored_sigchld_does_not_hide_the_end),
		lend_test(a_lost_status_is_a_failure_and_not_a_wait),
		lend_test(a_function_that_is_wanted_back_is_given_up_at_once),
		lend_test(the_kernel_can_ask_before_the_command_is_started),
		lend_test(a_driver_that_does_not_ask_lends_all_the_same),
		lend_test(
			a_revocation_that_fails_is_told_though_it_was_early),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
