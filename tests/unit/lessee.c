// SPDX-License-Identifier: MIT
#include "lessee.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const struct barlease_slice lessee_slice = {
	.bdf = "0000:00:04.0",
	.bar = 2,
	.range = { 0x200000, 0x200000 },
	.access = BARLEASE_READ_ONLY,
};

/*
 * The probe is copied to where any user can run it: the build folder may be
 * in somebody's home.
 */
static void probe_copy(struct fixture *fixture)
{
	const struct tree *tree = fixture->tree;
	char buf[65536];
	ssize_t n;
	int from, to;

	assert_int_equal(chmod(tree->root, 0755), 0);
	snprintf(fixture->probe, sizeof(fixture->probe), "%s/probe",
		 tree->root);
	from = open(getenv("LESSEE_PROBE"), O_RDONLY | O_CLOEXEC);
	to = open(fixture->probe, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		assert_int_equal(write(to, buf, (size_t)n), n);
	fchmod(to, 0755);
	close(from);
	close(to);
}

int spawn_setup(void **state)
{
	static struct fixture fixture;

	/* One that every user may look through. */
	setenv("PATH", "/usr/bin:/bin", 1);
	if (tree_setup(&fixture.tree))
		return -1;
	fixture.lease = memfd_create("lease", MFD_CLOEXEC);
	probe_copy(&fixture);
	*state = &fixture;
	return fixture.lease < 0;
}

int spawn_teardown(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->lease);
	return tree_teardown(&fixture->tree);
}

/* Run the probe, which must end with this status, and read what it says. */
const char *probe_run(struct fixture *fixture, int lease, const char *user,
		      const char *status_text)
{
	char *argv[] = { fixture->probe, (char *)(uintptr_t)status_text, NULL };
	struct spawn_options options = {
		.lease_fd = lease,
		.slice = &lessee_slice,
		.user = user,
		.argv = argv,
	};
	unsigned int before = fd_count();
	ssize_t length;
	int status;
	pid_t pid;

	assert_int_equal(spawn_lessee(&options, &pid), 0);
	assert_int_equal(fd_count(), before);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status),
			 status_text ? atoi(status_text) : 0);
	length = pread(lease, fixture->report, sizeof(fixture->report) - 1, 0);
	assert_true(length > 0);
	fixture->report[length] = '\0';
	return fixture->report;
}

const char *probe(void **state, const char *user)
{
	struct fixture *fixture = *state;

	return probe_run(fixture, fixture->lease, user, NULL);
}

void assert_line(const char *report, const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	assert_contains(report, whole);
}

void assert_no_line_with(const char *report, const char *part)
{
	if (strstr(report, part))
		print_error("'%s' is in: %s\n", part, report);
	assert_null(strstr(report, part));
}

void assert_four_fds(const char *report)
{
	int count = 0;

	for (const char *line = report; (line = strstr(line, "fd ")); line++)
		if (line == report || line[-1] == '\n')
			count++;
	assert_int_equal(count, 4);
	assert_int_equal(strncmp(report, "fd 0\nfd 1\nfd 2\nfd 3\n", 20), 0);
}
