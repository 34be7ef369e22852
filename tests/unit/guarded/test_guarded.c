// SPDX-License-Identifier: MIT
/* Guarded accesses, on a file that is cut off in the place of a revoked lease. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "barlease/guarded.h"

#define PAGE 4096
#define SIZE (2 * PAGE)

struct lease {
	int fd;
	unsigned char *map;
};

static int lease_setup(void **state)
{
	static struct lease lease;

	lease.fd = memfd_create("lease", MFD_CLOEXEC);
	if (lease.fd < 0 || ftruncate(lease.fd, SIZE))
		return -1;
	lease.map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 lease.fd, 0);
	for (int i = 0; i < SIZE; i++)
		lease.map[i] = (unsigned char)(i * 7 + i / 256);
	*state = &lease;
	return 0;
}

static int lease_teardown(void **state)
{
	struct lease *lease = *state;

	munmap(lease->map, SIZE);
	return close(lease->fd);
}

/* cmocka handles SIGBUS while a test runs, and until it does. */
static struct lease *begin(void **state)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };

	assert_int_equal(sigaction(SIGBUS, &normal, NULL), 0);
	assert_int_equal(barlease_guard_install(), 0);
	return *state;
}

static void end(void)
{
	assert_int_equal(barlease_guard_uninstall(), 0);
}

static void lease_cut(struct lease *lease, off_t size)
{
	assert_int_equal(ftruncate(lease->fd, size), 0);
}

#define ASSERT_WIDTH(width)                                                  \
	do {                                                                 \
		uint##width##_t value_ = 0x5a, before_;                      \
		unsigned char *at_ = lease->map + 64;                        \
		memcpy(&before_, at_, sizeof(before_));                      \
		assert_int_equal(barlease_guarded_read##width(at_, &value_), \
				 0);                                         \
		assert_true(value_ == before_);                              \
		value_ = (uint##width##_t) ~before_;                         \
		memset(at_ - 8, 0x11, 8);                                    \
		memset(at_ + sizeof(value_), 0x22, 8);                       \
		assert_int_equal(barlease_guarded_write##width(at_, value_), \
				 0);                                         \
		assert_memory_equal(at_, &value_, sizeof(value_));           \
		assert_int_equal(at_[-1], 0x11);                             \
		assert_int_equal(at_[sizeof(value_)], 0x22);                 \
	} while (0)

static void guarded_accesses_reach_what_is_there(void **state)
{
	struct lease *lease = begin(state);

	ASSERT_WIDTH(8);
	ASSERT_WIDTH(16);
	ASSERT_WIDTH(32);
	ASSERT_WIDTH(64);
	end();
}

#define ASSERT_WIDTH_GONE(width)                                               \
	do {                                                                   \
		uint##width##_t value_ = 0x5a;                                 \
		assert_int_equal(barlease_guarded_read##width(lease->map,      \
							      &value_),        \
				 -ENXIO);                                      \
		assert_int_equal(barlease_guarded_read##width##_relaxed(       \
					 lease->map, &value_),                 \
				 -ENXIO);                                      \
		assert_true(value_ == 0x5a);                                   \
		assert_int_equal(barlease_guarded_write##width(lease->map, 1), \
				 -ENXIO);                                      \
		assert_int_equal(barlease_guarded_write##width##_relaxed(      \
					 lease->map, 1),                       \
				 -ENXIO);                                      \
	} while (0)

static void guarded_accesses_to_a_lease_that_is_gone_are_enxio(void **state)
{
	struct lease *lease = begin(state);

	lease_cut(lease, 0);
	ASSERT_WIDTH_GONE(8);
	ASSERT_WIDTH_GONE(16);
	ASSERT_WIDTH_GONE(32);
	ASSERT_WIDTH_GONE(64);
	end();
}

static void guarded_accesses_work_again_when_the_lease_is_back(void **state)
{
	struct lease *lease = begin(state);
	uint32_t value;

	for (int i = 0; i < 3; i++) {
		lease_cut(lease, 0);
		assert_int_equal(barlease_guarded_read32(lease->map, &value),
				 -ENXIO);
		lease_cut(lease, SIZE);
		assert_int_equal(barlease_guarded_write32(lease->map, 42), 0);
		assert_int_equal(barlease_guarded_read32(lease->map, &value),
				 0);
		assert_int_equal(value, 42);
	}
	end();
}

typedef int copy_to(volatile void *to, const void *from, size_t length,
		    size_t *done);

static void assert_copies_to(struct lease *lease, copy_to *copy)
{
	unsigned char bytes[300], expected[512];
	size_t at, length, done;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i ^ 0x35);
	for (at = 0; at < 80; at++)
		for (length = 0; length < sizeof(bytes); length += 7) {
			memset(lease->map, 0xee, sizeof(expected));
			memset(expected, 0xee, sizeof(expected));
			memcpy(expected + at, bytes + at % 3,
			       length - length % 5);
			done = 12345;
			assert_int_equal(copy(lease->map + at, bytes + at % 3,
					      length - length % 5, &done),
					 0);
			assert_int_equal(done, length - length % 5);
			assert_memory_equal(lease->map, expected,
					    sizeof(expected));
		}
	assert_int_equal(copy(lease->map, bytes, 8, NULL), 0);
}

static void guarded_copies_move_exactly_the_bytes(void **state)
{
	struct lease *lease = begin(state);
	unsigned char bytes[100];
	size_t at, length, done;

	for (at = 0; at < 20; at++)
		for (length = 0; length < 70; length++) {
			memset(bytes, 0xee, sizeof(bytes));
			assert_int_equal(
				barlease_guarded_copy_from(bytes + at % 7,
							   lease->map + at,
							   length, &done),
				0);
			assert_int_equal(done, length);
			assert_memory_equal(bytes + at % 7, lease->map + at,
					    length);
			assert_int_equal(bytes[at % 7 + length], 0xee);
		}
	assert_copies_to(lease, barlease_guarded_copy_to);
	assert_copies_to(lease, barlease_guarded_copy_to_wc);
	end();
}

static void guarded_copies_tell_how_far_they_came(void **state)
{
	struct lease *lease = begin(state);
	unsigned char bytes[200] = { 0 };
	size_t done = 0;

	lease_cut(lease, PAGE);
	assert_int_equal(barlease_guarded_copy_from(
				 bytes, lease->map + PAGE - 99, 200, &done),
			 -ENXIO);
	assert_int_equal(done, 99);
	assert_memory_equal(bytes, lease->map + PAGE - 99, 99);
	assert_int_equal(barlease_guarded_copy_to(lease->map + PAGE - 98, bytes,
						  200, &done),
			 -ENXIO);
	assert_int_equal(done, 98);
	assert_int_equal(barlease_guarded_copy_to_wc(lease->map + PAGE - 97,
						     bytes, 200, &done),
			 -ENXIO);
	assert_int_equal(done, 97);
	assert_int_equal(barlease_guarded_copy_to_wc(lease->map + PAGE, bytes,
						     3, &done),
			 -ENXIO);
	assert_int_equal(done, 0);
	end();
}

/* What a process does to end, in a child. Return what waitpid() says. */
static int ends(struct lease *lease, void (*act)(struct lease *lease))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		act(lease);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void plain_access(struct lease *lease)
{
	barlease_read32(lease->map);
}

static void sent_signal(struct lease *lease)
{
	(void)lease;
	kill(getpid(), SIGBUS);
}

static void unguarded_access(struct lease *lease)
{
	uint32_t value;

	barlease_guard_uninstall();
	barlease_guarded_read32(lease->map, &value);
}

static void other_bus_errors_end_the_process(void **state)
{
	struct lease *lease = begin(state);
	int status;

	lease_cut(lease, 0);
	status = ends(lease, plain_access);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = ends(lease, sent_signal);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = ends(lease, unguarded_access);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	end();
}

static sigjmp_buf escape;
static siginfo_t seen_info;
static sigset_t seen_mask;
static volatile int calls;

static void former_with_info(int number, siginfo_t *info, void *context)
{
	assert_int_equal(number, SIGBUS);
	assert_non_null(context);
	seen_info = *info;
	pthread_sigmask(SIG_BLOCK, NULL, &seen_mask);
	calls++;
	if (info->si_code > 0)
		siglongjmp(escape, 1);
}

static void former_simple(int number)
{
	(void)number;
	calls++;
}

static void set_former(const struct sigaction *action)
{
	barlease_guard_uninstall();
	assert_int_equal(sigaction(SIGBUS, action, NULL), 0);
	assert_int_equal(barlease_guard_install(), 0);
	calls = 0;
}

static void the_former_handler_gets_what_is_not_guarded(void **state)
{
	struct lease *lease = begin(state);
	struct sigaction action = { .sa_sigaction = former_with_info,
				    .sa_flags = SA_SIGINFO };
	uint32_t value;

	sigaddset(&action.sa_mask, SIGUSR2);
	set_former(&action);
	lease_cut(lease, 0);
	if (!sigsetjmp(escape, 1)) {
		barlease_read32(lease->map + 8);
		fail();
	}
	assert_int_equal(calls, 1);
	assert_ptr_equal(seen_info.si_addr, lease->map + 8);
	assert_true(sigismember(&seen_mask, SIGUSR2));
	assert_true(sigismember(&seen_mask, SIGBUS));
	assert_false(sigismember(&seen_mask, SIGUSR1));
	pthread_sigmask(SIG_BLOCK, NULL, &seen_mask);
	assert_false(sigismember(&seen_mask, SIGUSR2));

	raise(SIGBUS);
	assert_int_equal(calls, 2);
	pthread_sigmask(SIG_BLOCK, NULL, &seen_mask);
	assert_false(sigismember(&seen_mask, SIGUSR2));
	assert_int_equal(barlease_guarded_read32(lease->map, &value), -ENXIO);
	assert_int_equal(calls, 2);
	end();
}

static void a_simple_former_handler_is_called(void **state)
{
	struct sigaction action = { .sa_handler = former_simple };

	begin(state);
	set_former(&action);
	raise(SIGBUS);
	raise(SIGBUS);
	assert_int_equal(calls, 2);
	end();
}

static void raise_twice(struct lease *lease)
{
	(void)lease;
	raise(SIGBUS);
	if (calls != 1)
		_exit(98);
	raise(SIGBUS);
}

static void a_former_handler_for_one_time_is_called_once(void **state)
{
	struct sigaction action = { .sa_handler = former_simple,
				    .sa_flags = (int)SA_RESETHAND };
	struct lease *lease = begin(state);
	int status;

	set_former(&action);
	status = ends(lease, raise_twice);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	end();
}

static void a_signal_that_was_ignored_still_is_but_no_fault(void **state)
{
	struct sigaction action = { .sa_handler = SIG_IGN };
	struct lease *lease = begin(state);
	int status;

	set_former(&action);
	raise(SIGBUS);
	lease_cut(lease, 0);
	status = ends(lease, plain_access);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	end();
}

static void installing_twice_is_installing_once(void **state)
{
	struct sigaction action = { .sa_handler = former_simple };
	struct sigaction now;

	begin(state);
	set_former(&action);
	assert_int_equal(barlease_guard_install(), 0);
	assert_int_equal(barlease_guard_uninstall(), 0);
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, former_simple);
	assert_int_equal(barlease_guard_uninstall(), -ENOENT);
}

static void a_handler_that_was_set_since_is_left_alone(void **state)
{
	struct sigaction action = { .sa_handler = former_simple };
	struct sigaction ours;

	begin(state);
	assert_int_equal(sigaction(SIGBUS, &action, &ours), 0);
	assert_int_equal(barlease_guard_install(), -EBUSY);
	assert_int_equal(barlease_guard_uninstall(), -EBUSY);
	raise(SIGBUS);
	assert_int_equal(sigaction(SIGBUS, &ours, &action), 0);
	assert_ptr_equal(action.sa_handler, former_simple);
	assert_int_equal(barlease_guard_uninstall(), 0);
}

static atomic_bool stop;
static atomic_ulong good, gone;

static void *read_on(void *arg)
{
	const struct lease *lease = arg;
	uint64_t value;

	while (!stop) {
		if (!barlease_guarded_read64(lease->map + PAGE, &value))
			good++;
		else
			gone++;
	}
	return NULL;
}

static void threads_fault_side_by_side(void **state)
{
	struct lease *lease = begin(state);
	pthread_t threads[4];
	int i;

	stop = false;
	good = 0;
	gone = 0;
	for (i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, read_on, lease), 0);
	for (i = 0; i < 200 || !good || !gone; i++) {
		lease_cut(lease, PAGE);
		usleep(200);
		lease_cut(lease, SIZE);
		usleep(200);
	}
	stop = true;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(good && gone);
	end();
}

/* Nothing but accesses, so that a signal finds the thread at one. */
static void *read_often(void *arg)
{
	const struct lease *lease = arg;
	uint32_t value;
	int i, err;

	while (!stop) {
		err = 0;
		for (i = 0; i < 1000; i++)
			err |= barlease_guarded_read32(lease->map, &value);
		if (err)
			gone++;
		else
			good++;
	}
	return NULL;
}

/* However often one comes just before an access, that is no fault of it. */
static void a_signal_that_is_sent_is_no_answer_to_an_access(void **state)
{
	struct sigaction action = { .sa_handler = former_simple,
				    .sa_flags = SA_RESTART };
	struct lease *lease = begin(state);
	pthread_t thread;

	set_former(&action);
	stop = false;
	good = 0;
	gone = 0;
	assert_int_equal(pthread_create(&thread, NULL, read_often, lease), 0);
	while (calls < 2000 || !good)
		assert_int_equal(pthread_kill(thread, SIGBUS), 0);
	stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(gone, 0);
	end();
}

/* Whether a child comes to its end by exit(), which takes the tables out. */
static void assert_ends(pid_t pid)
{
	int status;

	for (int i = 0; i < 2000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
			return;
		}
		usleep(5000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	fail_msg("it does not end");
}

#define TEN(access) \
	access access access access access access access access access access

/* A table that takes its time to look through: nobody calls this. */
int accesses(const volatile void *address);
int accesses(const volatile void *address)
{
	int err = 0;
	uint8_t value;

	TEN(TEN(TEN(err |= barlease_guarded_read8(address, &value);)))
	return err;
}

static void a_child_of_a_process_that_faults_comes_to_its_end(void **state)
{
	struct lease *lease = begin(state);
	pthread_t threads[3];
	pid_t pid;
	int i;

	lease_cut(lease, 0);
	stop = false;
	gone = 0;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_often,
						lease),
				 0);
	for (i = 0; i < 100 || !gone; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			/* As exit() does it, without cmocka's own. */
			barlease_guard_leave_();
			_exit(0);
		}
		assert_ends(pid);
	}
	stop = true;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	end();
}

static void jump(int number)
{
	(void)number;
	siglongjmp(escape, 1);
}

/* Faults, and jumps out of whatever it is at when a timer's signal comes. */
static void jump_about(struct lease *lease)
{
	const struct itimerval soon = { .it_value.tv_usec = 50 };
	volatile int jumps = 0;
	uint32_t value;

	signal(SIGALRM, jump);
	if (sigsetjmp(escape, 1))
		jumps++;
	while (jumps < 500) {
		setitimer(ITIMER_REAL, &soon, NULL);
		for (int i = 0; i < 100; i++)
			barlease_guarded_read32(lease->map, &value);
	}
	signal(SIGALRM, SIG_IGN);
	barlease_guard_leave_();
	_exit(0);
}

static void a_jump_out_of_another_handler_leaves_nothing_behind(void **state)
{
	struct lease *lease = begin(state);
	pid_t pid;

	lease_cut(lease, 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		jump_about(lease);
	assert_ends(pid);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, lease_setup, lease_teardown)
		TEST(guarded_accesses_reach_what_is_there),
		TEST(guarded_accesses_to_a_lease_that_is_gone_are_enxio),
		TEST(guarded_accesses_work_again_when_the_lease_is_back),
		TEST(guarded_copies_move_exactly_the_bytes),
		TEST(guarded_copies_tell_how_far_they_came),
		TEST(other_bus_errors_end_the_process),
		TEST(the_former_handler_gets_what_is_not_guarded),
		TEST(a_simple_former_handler_is_called),
		TEST(a_former_handler_for_one_time_is_called_once),
		TEST(a_signal_that_was_ignored_still_is_but_no_fault),
		TEST(installing_twice_is_installing_once),
		TEST(a_handler_that_was_set_since_is_left_alone),
		TEST(threads_fault_side_by_side),
		TEST(a_signal_that_is_sent_is_no_answer_to_an_access),
		TEST(a_child_of_a_process_that_faults_comes_to_its_end),
		TEST(a_jump_out_of_another_handler_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
