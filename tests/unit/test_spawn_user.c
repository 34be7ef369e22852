// SPDX-License-Identifier: MIT
/* A lessee that runs as another user, which takes root to arrange. */
#include "lessee.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void assert_unprivileged(const char *report, const char *ids)
{
	char line[64];

	snprintf(line, sizeof(line), "uid %s", ids);
	assert_line(report, line);
	snprintf(line, sizeof(line), "gid %s", ids);
	assert_line(report, line);
	assert_no_line_with(report, "\ngroup 0\n");
	assert_line(report, "CapInh:\t0000000000000000");
	assert_line(report, "CapPrm:\t0000000000000000");
	assert_line(report, "CapEff:\t0000000000000000");
	assert_line(report, "CapAmb:\t0000000000000000");
	assert_line(report, "NoNewPrivs:\t1");
	snprintf(line, sizeof(line), "deathsig %d", SIGKILL);
	assert_line(report, line);
}

static void a_user_by_name_has_no_privilege(void **state)
{
	const char *report;

	report = probe(state, "nobody");
	assert_unprivileged(report, "65534 65534");
	assert_line(report, "USER=nobody");
	assert_line(report, "LOGNAME=nobody");
	assert_line(report, "HOME=/nonexistent");
	assert_four_fds(report);
}

static void a_users_groups_take_the_place_of_the_callers(void **state)
{
	const gid_t groups[] = { 0, 4321 };
	gid_t former[64];
	const char *report;
	int count;

	count = getgroups(64, former);
	assert_true(count >= 0);
	assert_int_equal(setgroups(2, groups), 0);
	report = probe(state, "nobody");
	assert_int_equal(setgroups((size_t)count, former), 0);
	assert_no_line_with(report, "\ngroup 0\n");
	assert_no_line_with(report, "\ngroup 4321\n");
}

static void an_inheritable_capability_is_given_up(void **state)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct former[2], data[2];
	const char *report;

	assert_int_equal(syscall(SYS_capget, &header, former), 0);
	memcpy(data, former, sizeof(data));
	data[0].inheritable = data[0].permitted & 1u << CAP_DAC_OVERRIDE;
	assert_int_not_equal(data[0].inheritable, 0);
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	report = probe(state, "nobody");
	assert_int_equal(syscall(SYS_capset, &header, former), 0);
	assert_line(report, "CapInh:\t0000000000000000");
}

static void a_user_by_number_has_no_privilege(void **state)
{
	assert_unprivileged(probe(state, "65534"), "65534 65534");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		spawn_test(a_user_by_name_has_no_privilege),
		spawn_test(a_users_groups_take_the_place_of_the_callers),
		spawn_test(an_inheritable_capability_is_given_up),
		spawn_test(a_user_by_number_has_no_privilege),
	};

	if (geteuid()) {
		puts("1..0 # SKIP only root can become another user");
		return 0;
	}
	return cmocka_run_group_tests_name("spawn user", tests, NULL, NULL);
}
