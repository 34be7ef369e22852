/* SPDX-License-Identifier: MIT */
/*
 * The kernel tests: how a test is written and how it fails.
 *
 * Each TEST() runs in a process (and process group) of its own. When it is
 * over, whatever is left of the group is killed, and then the runner checks
 * what a test must not leave behind: see aftermath.h.
 */
#ifndef KERNEL_TESTS_HARNESS_H
#define KERNEL_TESTS_HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEST_SECONDS 30		/* how long a test may run, see TEST_LONG() */
#define STRESS_SECONDS 20	/* what stress_seconds is, if nobody says */

/*
 * How long something that takes @ms on a usual kernel at most may take on this
 * one: a kernel full of checks is slower, says $BARLEASE_PATIENCE.
 */
long long patience_ms(long long ms);

/*
 * How long a test goes on that goes on for as long as one wants: --seconds, or
 * $BARLEASE_STRESS_SECONDS.
 */
extern unsigned int stress_seconds;

struct test {
	const char *name;
	void (*run)(void);
	unsigned int seconds;
	bool stress;		/* that much, after stress_seconds */
};

/* Named after the behaviour: TEST(revoke_ends_mappings_in_every_process) */
#define TEST(name_) TEST_LONG(name_, TEST_SECONDS)

/* The tests run in the order of the sources in meson.build. */
#define TEST_LONG(name_, seconds_) TEST_OF(name_, seconds_, false)
#define TEST_STRESS(name_, seconds_) TEST_OF(name_, seconds_, true)

#define TEST_OF(name_, seconds_, stress_)                                      \
	static void name_(void);                                               \
	static const struct test test_##name_ = {                              \
		.name = #name_,                                                \
		.run = name_,                                                  \
		.seconds = seconds_,                                           \
		.stress = stress_,                                             \
	};                                                                     \
	__attribute__((section("kernel_tests"), used))                         \
	static const struct test *const entry_##name_ = &test_##name_;         \
	static void name_(void)

/*
 * How a test ends early, from any process of it. The first reason given is
 * the one that is reported. Whoever calls this exits; where that is a child
 * of the test, the test has failed whatever its own process does.
 */
_Noreturn __attribute__((format(printf, 3, 4))) void
test_fail(const char *file, int line, const char *format, ...);
_Noreturn __attribute__((format(printf, 1, 2))) void
test_skip(const char *format, ...);

/* A line of the output that starts with "# ". */
__attribute__((format(printf, 1, 2))) void test_note(const char *format, ...);

/* "EINVAL" for 22 or -22, "0" for 0. */
const char *errno_name(long error);

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define ASSERT(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			FAIL("not so: %s", #condition);                        \
	} while (0)

#define ASSERT_COMPARE(left, operator, right)                                  \
	do {                                                                   \
		long long left_ = (long long)(left);                           \
		long long right_ = (long long)(right);                         \
		if (!(left_ operator right_))                                  \
			FAIL("%s is %lld (%#llx), not %s %s, which is "        \
			     "%lld (%#llx)", #left, left_,                     \
			     (unsigned long long)left_, #operator, #right,     \
			     right_, (unsigned long long)right_);              \
	} while (0)

#define ASSERT_EQ(left, right) ASSERT_COMPARE(left, ==, right)
#define ASSERT_NE(left, right) ASSERT_COMPARE(left, !=, right)

/* A system call that must succeed; gives its value. */
#define ASSERT_SYS(call)                                                       \
	({                                                                     \
		errno = 0;                                                     \
		long value_ = (long)(call);                                    \
		if (value_ == -1)                                              \
			FAIL("%s: %s", #call, errno_name(errno));              \
		value_;                                                        \
	})

/* A function that gives -errno and must succeed; gives its value. */
#define ASSERT_OK(call)                                                        \
	({                                                                     \
		long value_ = (long)(call);                                    \
		if (value_ < 0)                                                \
			FAIL("%s: %s", #call, errno_name(value_));             \
		value_;                                                        \
	})

/* A system call that must fail in one way. */
#define ASSERT_ERRNO(call, error)                                              \
	do {                                                                   \
		errno = 0;                                                     \
		long value_ = (long)(call);                                    \
		int error_ = errno;                                            \
		if (value_ != -1)                                              \
			FAIL("%s gives %ld, not %s", #call, value_,            \
			     errno_name(error));                               \
		if (error_ != (error))                                         \
			FAIL("%s: %s, not %s", #call, errno_name(error_),      \
			     errno_name(error));                               \
	} while (0)

/* A function that gives -errno and must give this one (positive). */
#define ASSERT_ERROR(call, error)                                              \
	do {                                                                   \
		long value_ = (long)(call);                                    \
		if (value_ != -(error))                                        \
			FAIL("%s gives %ld (%s), not %s", #call, value_,       \
			     value_ < 0 ? errno_name(value_) : "success",      \
			     errno_name(error));                               \
	} while (0)

/* Monotonic time in milliseconds. */
long long now_ms(void);
void sleep_ms(unsigned int ms);

#endif /* KERNEL_TESTS_HARNESS_H */
