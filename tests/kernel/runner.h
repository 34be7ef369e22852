/* SPDX-License-Identifier: MIT */
/* One test from its start to its verdict. */
#ifndef KERNEL_TESTS_RUNNER_H
#define KERNEL_TESTS_RUNNER_H

#include "harness.h"

#define REASON_MAX 400
#define STATUS_FAILED 1
#define STATUS_SKIPPED 77

enum verdict { TEST_PASSED, TEST_FAILED, TEST_SKIPPED };

/* The tests, in order; see TEST() in harness.h. */
extern const struct test *const __start_kernel_tests[];
extern const struct test *const __stop_kernel_tests[];

/* In the process of a test: where test_fail() puts its reason. */
void harness_report_to(int fd);

/* How many fds the runner had before the first test. */
extern int runner_fds;

/**
 * test_run() - run a test and print its line of the output
 */
enum verdict test_run(const struct test *test);

#endif /* KERNEL_TESTS_RUNNER_H */
