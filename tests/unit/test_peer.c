// SPDX-License-Identifier: MIT
/* Who has connected, of whom the kernel may say more than there is room for. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/peer.h"

/* PIDFD_GET_INFO and PIDFD_INFO_CGROUPID of <linux/pidfd.h>, Linux 6.13. */
#define GET_INFO _IOWR(0xff, 11, char[64])
#define INFO_CGROUP 4

static int cgroups = -1; /* a file to be read instead */
static const char *info; /* of the pidfd, instead of its own; NULL: that */
static int cgroup_errno, info_errno; /* that cannot be opened */
static char opened[64]; /* the file of a cgroup */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	const char *name = strrchr(path, '/');
	int fd;

	if (name && !strcmp(name, "/cgroup")) {
		snprintf(opened, sizeof(opened), "%s", path);
		errno = cgroup_errno;
		if (cgroup_errno)
			return -1;
		lseek(cgroups, 0, SEEK_SET);
		return fcntl(cgroups, F_DUPFD_CLOEXEC, 0);
	}
	if (!strstr(path, "/fdinfo/") || !(info || info_errno))
		return __real_open64(path, flags);
	errno = info_errno;
	if (info_errno)
		return -1;
	fd = memfd_create("info", MFD_CLOEXEC);
	assert_int_equal(write(fd, info, strlen(info)), strlen(info));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static uint64_t ids[2]; /* of the cgroup, at first and later; 0: not told */
static unsigned int id_next;

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	uint64_t *asked;
	va_list arguments;

	(void)fd;
	va_start(arguments, request);
	asked = va_arg(arguments, uint64_t *);
	va_end(arguments);
	assert_int_equal(request, GET_INFO);
	assert_true(asked[0] & INFO_CGROUP);
	assert_true(id_next < 2);
	errno = ENOTTY;
	if (!ids[id_next++])
		return -1;
	asked[0] = INFO_CGROUP;
	asked[1] = ids[id_next - 1];
	return 0;
}

/*
 * The path that is found where /proc says that, after lines of so many bytes; and
 * why there is none.
 */
static void assert_known(size_t before, const char *line, const char *path,
			 int error)
{
	static struct peer_proc proc;
	struct peer peer;
	char *lines = malloc(before + 1);
	int ends[2];

	opened[0] = '\0';
	id_next = 0;
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
	assert_int_equal(server_peer_look(&peer, &proc), 0);
	assert_string_equal(proc.cgroup, path);
	assert_int_equal(proc.cgroup_error, error);
	close(peer.process);
	close(ends[0]);
	close(ends[1]);
	close(cgroups);
}

static void assert_cgroup(size_t before, const char *line, const char *path)
{
	assert_known(before, line, path, 0);
}

static void assert_unknown(size_t before, const char *line, int error)
{
	assert_known(before, line, "", error);
}

static void the_cgroup_is_that_of_the_unified_hierarchy(void **state)
{
	(void)state;
	assert_cgroup(0, "0::/a/b\n", "/a/b");
	assert_cgroup(0, "9:name=x:/y\n0::/a\n", "/a");
	assert_cgroup(4000, "0::/a/b\n", "/a/b");
	assert_unknown(0, "9:cpu:/y\n", -ENODATA);
	assert_unknown(0, "", -ENODATA);
}

/* It could be the name of another one. */
static void part_of_a_cgroup_is_none(void **state)
{
	static char line[2 * PATH_MAX + 10];

	(void)state;
	for (size_t before = 2 * PATH_MAX - 20; before < 2 * PATH_MAX + 20;
	     before++)
		if (before < 2 * PATH_MAX - 8)
			assert_cgroup(before, "0::/a/b\n", "/a/b");
		else
			assert_unknown(before, "0::/a/b\n",
				       before < 2 * PATH_MAX - 3 ?
					       -ENAMETOOLONG :
					       -ENODATA);
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "0::/", 4);
	assert_unknown(0, line, -ENAMETOOLONG);
	line[PATH_MAX + 10] = '\n';
	assert_unknown(0, line, -ENAMETOOLONG);
}

/* What is above the root of the cgroup namespace begins so, whatever it is. */
static void a_cgroup_outside_of_the_namespace_is_none(void **state)
{
	(void)state;
	assert_unknown(0, "0::/../a.service\n", -EXDEV);
	assert_unknown(0, "0::/../../a\n", -EXDEV);
	assert_unknown(0, "0::/..\n", -EXDEV);
	assert_cgroup(0, "0::/..a\n", "/..a");
	assert_cgroup(0, "0::/\n", "/");
}

static void what_proc_does_not_show_is_not_known(void **state)
{
	static const int errors[] = { ENOENT, EPERM, EACCES };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		cgroup_errno = errors[i];
		assert_unknown(0, "0::/a\n", -errors[i]);
	}
	cgroup_errno = 0;
	info_errno = ENOENT;
	assert_unknown(0, "0::/a\n", -ENOENT);
	info_errno = 0;
}

/* Its own number may be that of another process in such a /proc. */
static void the_process_is_looked_up_by_its_number_in_proc(void **state)
{
	static const char *const none[] = {
		"pos:\t0\nPid:\t0\nNSpid:\t0\n",
		"pos:\t0\nPid:\t-1\n",
		"pos:\t0\n",
		"",
	};

	(void)state;
	info = "pos:\t0\nPid:\t4711\nNSpid:\t4711\t2\n";
	assert_cgroup(0, "0::/a\n", "/a");
	assert_string_equal(opened, "/proc/4711/cgroup");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		info = none[i];
		assert_unknown(0, "0::/a\n", -ESRCH);
		assert_string_equal(opened, "");
	}
	info = NULL;
}

static void a_cgroup_that_it_was_moved_to_is_not_known(void **state)
{
	(void)state;
	ids[0] = 4711;
	ids[1] = 4712;
	assert_unknown(0, "0::/a\n", -ESTALE);
	/* Not a word is as good as another one. */
	ids[1] = 0;
	assert_unknown(0, "0::/a\n", -ESTALE);
	ids[1] = 4711;
	assert_cgroup(0, "0::/a\n", "/a");
	/* Where nothing was said of it at first. */
	ids[0] = 0;
	assert_cgroup(0, "0::/a\n", "/a");
	/* Before Linux 6.13. */
	ids[1] = 0;
	assert_cgroup(0, "0::/a\n", "/a");
}

/* What was read may be of who has its number now. */
static void nothing_is_told_of_a_process_that_has_ended(void **state)
{
	static struct peer_proc proc;
	struct peer peer = { .pid = fork() };
	siginfo_t ended;

	(void)state;
	if (!peer.pid) {
		pause();
		_exit(1);
	}
	cgroups = memfd_create("cgroup", MFD_CLOEXEC);
	id_next = 0;
	peer.process = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	assert_true(peer.process >= 0);
	assert_int_equal(server_peer_look(&peer, &proc), 0);
	assert_string_equal(proc.command, "test_peer");
	assert_int_equal(kill(peer.pid, SIGKILL), 0);
	/* It has its number still. */
	assert_int_equal(waitid(P_PID, (id_t)peer.pid, &ended,
				WEXITED | WNOWAIT),
			 0);
	assert_int_equal(server_peer_look(&peer, &proc), -ESRCH);
	assert_int_equal(waitpid(peer.pid, NULL, 0), peer.pid);
	close(peer.process);
	close(cgroups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cgroup_is_that_of_the_unified_hierarchy),
		cmocka_unit_test(part_of_a_cgroup_is_none),
		cmocka_unit_test(a_cgroup_outside_of_the_namespace_is_none),
		cmocka_unit_test(what_proc_does_not_show_is_not_known),
		cmocka_unit_test(
			the_process_is_looked_up_by_its_number_in_proc),
		cmocka_unit_test(a_cgroup_that_it_was_moved_to_is_not_known),
		cmocka_unit_test(nothing_is_told_of_a_process_that_has_ended),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
