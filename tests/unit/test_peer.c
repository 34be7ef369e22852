// SPDX-License-Identifier: MIT
/* Who has connected, of whom the kernel may say more than there is room for. */
#include "support.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/peer.h"

static int cgroups = -1; /* a file to be read instead */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	const char *name = strrchr(path, '/');

	if (name && !strcmp(name, "/cgroup")) {
		lseek(cgroups, 0, SEEK_SET);
		return fcntl(cgroups, F_DUPFD_CLOEXEC, 0);
	}
	return __real_open64(path, flags);
}

/* The path that is found where /proc says that, after lines of so many bytes. */
static void assert_cgroup(size_t before, const char *line, const char *path)
{
	static struct peer peer;
	char *lines = malloc(before + 1);
	int ends[2];

	assert_non_null(lines);
	memset(lines, 'x', before + 1);
	for (size_t i = 63; i < before; i += 64)
		lines[i] = '\n';
	lines[before ? before - 1 : 0] = '\n';
	cgroups = memfd_create("cgroup", MFD_CLOEXEC);
	assert_int_equal(write(cgroups, lines, before), before);
	assert_int_equal(write(cgroups, line, strlen(line)), strlen(line));
	free(lines);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(server_peer_get(ends[0], &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_string_equal(peer.cgroup, path);
	close(peer.process);
	close(ends[0]);
	close(ends[1]);
	close(cgroups);
}

static void the_cgroup_is_that_of_the_unified_hierarchy(void **state)
{
	(void)state;
	assert_cgroup(0, "0::/a/b\n", "/a/b");
	assert_cgroup(0, "9:name=x:/y\n0::/a\n", "/a");
	assert_cgroup(4000, "0::/a/b\n", "/a/b");
	assert_cgroup(0, "9:cpu:/y\n", "");
	assert_cgroup(0, "", "");
}

/* It could be the name of another one. */
static void part_of_a_cgroup_is_none(void **state)
{
	static char line[2 * PATH_MAX + 10];

	(void)state;
	for (size_t before = 2 * PATH_MAX - 20; before < 2 * PATH_MAX + 20;
	     before++)
		assert_cgroup(before, "0::/a/b\n",
			      before < 2 * PATH_MAX - 8 ? "/a/b" : "");
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "0::/", 4);
	assert_cgroup(0, line, "");
	line[PATH_MAX + 10] = '\n';
	assert_cgroup(0, line, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cgroup_is_that_of_the_unified_hierarchy),
		cmocka_unit_test(part_of_a_cgroup_is_none),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
