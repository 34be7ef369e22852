// SPDX-License-Identifier: MIT
#include "confined.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#define CHOWN_ALONE (1ull << CAP_CHOWN)
#define FILTERS 2 /* what a process with a filter has as "Seccomp" */

uint64_t status_number(pid_t pid, const char *key, int base)
{
	char path[32], line[256];
	uint64_t number = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file)) {
		found = !strncmp(line, key, strlen(key));
		number = strtoull(line + strlen(key), NULL, base);
	}
	fclose(file);
	if (!found)
		fail_msg("%s has no %s", path, key);
	return number;
}

static void assert_none_but(pid_t pid, const char *key, uint64_t allowed)
{
	uint64_t has = status_number(pid, key, 16);

	if (has & ~allowed)
		fail_msg("%s is 0x%llx", key, (unsigned long long)has);
}

void assert_confined(pid_t pid)
{
	assert_int_equal(status_number(pid, "NoNewPrivs:", 10), 1);
	assert_none_but(pid, "CapEff:", CHOWN_ALONE);
	assert_none_but(pid, "CapPrm:", CHOWN_ALONE);
	assert_none_but(pid, "CapInh:", 0);
	assert_none_but(pid, "CapAmb:", 0);
	/* Who had no capability cannot give up its bounds either. */
	if (!geteuid())
		assert_none_but(pid, "CapBnd:", CHOWN_ALONE);
#ifdef BARLEASED_HAS_FILTER
	assert_int_equal(status_number(pid, "Seccomp:", 10), FILTERS);
#endif
}
