// SPDX-License-Identifier: MIT
/*
 * kernel-tests: the tests of the kernel module, run as root where the module
 * and devices for it are (a VM: tests/vm).
 *
 *   ok NAME, not ok NAME: reason, skip NAME: reason, # diagnostics
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aftermath.h"
#include "device.h"
#include "runner.h"

static const char usage[] =
	"usage: kernel-tests [--list] [--only GLOB]... [--open WAY]\n"
	"                    [--seconds N]\n"
	"\n"
	"  --list        print the names of the tests, run none\n"
	"  --only GLOB   run the tests that match; without *, ? or [ those\n"
	"                whose name contains GLOB\n"
	"  --open WAY    open devices by iommufd or by group; without it by\n"
	"                iommufd where the kernel has it\n"
	"  --seconds N   how long the stress goes on (20; or what\n"
	"                $BARLEASE_STRESS_SECONDS says)\n"
	"\n"
	"Devices are taken from the environment (BARLEASE_IVSHMEM and so on,\n"
	"see device.h) and are bound to barlease-vfio-pci.\n"
	"Exit status: 0 no test failed, 1 one did, 2 wrong usage.\n";

struct options {
	bool list;
	int patterns;
	const char **pattern;
};

static int way_read(const char *text)
{
	if (!strcmp(text, "iommufd"))
		device_way = BARLEASE_BY_IOMMUFD;
	else if (!strcmp(text, "group"))
		device_way = BARLEASE_BY_GROUP;
	else
		return -1;
	return 0;
}

static int seconds_read(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !value || value > 24 * 3600)
		return -1;
	stress_seconds = (unsigned int)value;
	return 0;
}

static int options_read(int argc, char **argv, struct options *options)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			options->list = true;
		} else if (!strcmp(argv[i], "--only") && i + 1 < argc) {
			options->pattern[options->patterns++] = argv[++i];
		} else if (!strcmp(argv[i], "--open") && i + 1 < argc) {
			if (way_read(argv[++i]))
				return -1;
		} else if (!strcmp(argv[i], "--seconds") && i + 1 < argc) {
			if (seconds_read(argv[++i]))
				return -1;
		} else if (!strcmp(argv[i], "--help")) {
			fputs(usage, stdout);
			exit(0);
		} else {
			return -1;
		}
	}
	return 0;
}

static bool selected(const struct test *test, const struct options *options)
{
	int i;

	for (i = 0; i < options->patterns; i++) {
		const char *pattern = options->pattern[i];

		if (strpbrk(pattern, "*?[")) {
			if (!fnmatch(pattern, test->name, 0))
				return true;
		} else if (strstr(test->name, pattern)) {
			return true;
		}
	}
	return !options->patterns;
}

static int run_all(const struct options *options)
{
	const struct test *const *test;
	unsigned int counts[3] = { 0 };
	int err;

	err = aftermath_start();
	if (err) {
		fprintf(stderr, "/dev/kmsg: %s\n", errno_name(err));
		return 1;
	}
	runner_fds = count_fds();
	for (test = __start_kernel_tests; test < __stop_kernel_tests; test++)
		if (selected(*test, options))
			counts[test_run(*test)]++;

	printf("# %u passed, %u failed, %u skipped\n", counts[TEST_PASSED],
	       counts[TEST_FAILED], counts[TEST_SKIPPED]);
	if (!counts[TEST_PASSED] && !counts[TEST_FAILED] &&
	    !counts[TEST_SKIPPED]) {
		fputs("kernel-tests: no test has such a name\n", stderr);
		return 2;
	}
	return counts[TEST_FAILED] ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	const struct test *const *test;
	const char *seconds;
	int ret = 0;

	seconds = getenv("BARLEASE_STRESS_SECONDS");
	options.pattern = calloc((size_t)argc, sizeof(*options.pattern));
	if (!options.pattern)
		return 1;
	if ((seconds && seconds_read(seconds)) ||
	    options_read(argc, argv, &options)) {
		fputs(usage, stderr);
		ret = 2;
	} else if (options.list) {
		for (test = __start_kernel_tests; test < __stop_kernel_tests;
		     test++)
			if (selected(*test, &options))
				puts((*test)->name);
	} else {
		ret = run_all(&options);
	}
	free(options.pattern);
	return ret;
}
