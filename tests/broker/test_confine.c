// SPDX-License-Identifier: MIT
/* What barleased may no longer do. Each is tried in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/confine.h"

#define OTHER_USER 65534

/* How what was tried ended: 0, an errno, or minus the signal that ended it. */
static int confined(int (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		if (confine())
			_exit(255);
		errno = 0;
		_exit(attempt() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return -WTERMSIG(status);
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static void need_filter(void)
{
	if (!filter_exists())
		skip();
}

static int execute(void)
{
	return execl("/bin/true", "true", NULL);
}

static void it_executes_nothing(void **state)
{
	(void)state;
	need_filter();
	assert_int_equal(confined(execute), -SIGSYS);
}

static int make_process(void)
{
	/* As the library does not tell all of it, by vfork()'s number. */
	return (int)syscall(SYS_vfork);
}

static void it_has_no_child(void **state)
{
	(void)state;
	need_filter();
#ifdef SYS_vfork
	assert_int_equal(confined(make_process), EPERM);
#endif
}

static int network_open(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int netlink_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int local_open(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET, 0);
}

static void it_has_no_network(void **state)
{
	(void)state;
	need_filter();
	assert_int_equal(confined(network_open), EPERM);
	assert_int_equal(confined(netlink_open), EPERM);
	assert_int_equal(confined(local_open), 0);
}

static int map_as(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED ?
		       -1 :
		       0;
}

static int map_both(void)
{
	return map_as(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int map_data(void)
{
	return map_as(PROT_READ | PROT_WRITE);
}

static int make_both(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void it_has_no_memory_to_write_and_execute(void **state)
{
	(void)state;
	need_filter();
	assert_int_equal(confined(map_both), EPERM);
	assert_int_equal(confined(make_both), EPERM);
	assert_int_equal(confined(map_data), 0);
}

static int ask_terminal(void)
{
	int ready;

	return ioctl(STDIN_FILENO, FIONREAD, &ready);
}

static int ask_vfio(void)
{
	return ioctl(-1, VFIO_GET_API_VERSION);
}

static void it_asks_drivers_of_vfio_alone(void **state)
{
	(void)state;
	need_filter();
	assert_int_equal(confined(ask_terminal), EPERM);
	assert_int_equal(confined(ask_vfio), EBADF);
}

static int ask_cgroup(void)
{
	return ioctl(-1, _IOWR(0xff, 11, char[64])); /* PIDFD_GET_INFO */
}

static int ask_namespace(void)
{
	return ioctl(-1, _IO(0xff, 1)); /* PIDFD_GET_CGROUP_NAMESPACE */
}

static void it_asks_for_the_cgroup_of_a_process_alone(void **state)
{
	(void)state;
	need_filter();
	assert_int_equal(confined(ask_cgroup), EBADF);
	assert_int_equal(confined(ask_namespace), EPERM);
}

static int signal_parent(void)
{
	return kill(getppid(), 0);
}

static int trace_parent(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int read_itself_as_another(void)
{
	char byte, into;
	const struct iovec from = { &byte, 1 }, to = { &into, 1 };

	return (int)process_vm_readv(getpid(), &to, 1, &from, 1, 0);
}

static int set_limit(void)
{
	const struct rlimit limit = { 16, 16 };

	return setrlimit(RLIMIT_NOFILE, &limit);
}

static void it_touches_no_process(void **state)
{
	(void)state;
	need_filter();
#ifndef __SANITIZE_ADDRESS__
	/* What looks for leaks may. */
	assert_int_equal(confined(signal_parent), EPERM);
	assert_int_equal(confined(trace_parent), EPERM);
#else
	(void)signal_parent;
	(void)trace_parent;
#endif
	assert_int_equal(confined(read_itself_as_another), EPERM);
	assert_int_equal(confined(set_limit), EPERM);
}

static int look(const char *key, unsigned long long allowed)
{
	unsigned long long value = ~0ull;
	char text[4096];
	char *line;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = '\0';
	line = strstr(text, key);
	if (line)
		value = strtoull(line + strlen(key), NULL, 16);
	errno = ERANGE;
	return value & ~allowed ? -1 : 0;
}

#define CHOWN_ALONE 1ull

static int look_at_capabilities(void)
{
	return look("\nCapEff:", CHOWN_ALONE) ||
			       look("\nCapPrm:", CHOWN_ALONE) ||
			       look("\nCapInh:", 0) || look("\nCapAmb:", 0) ?
		       -1 :
		       0;
}

static int look_at_bounds(void)
{
	return look("\nCapBnd:", CHOWN_ALONE);
}

static int look_at_no_new_privileges(void)
{
	return look("\nNoNewPrivs:", 1) || !look("\nNoNewPrivs:", 0) ? -1 : 0;
}

static void its_capabilities_are_gone(void **state)
{
	(void)state;
	assert_int_equal(confined(look_at_capabilities), 0);
	assert_int_equal(confined(look_at_no_new_privileges), 0);
	if (!geteuid())
		assert_int_equal(confined(look_at_bounds), 0);
}

static char file[32];

static int open_of_another(void)
{
	return open(file, O_RDONLY);
}

static int give_away(void)
{
	return lchown(file, (uid_t)-1, OTHER_USER);
}

static void root_is_a_user_who_can_give_a_socket_away(void **state)
{
	int fd;

	(void)state;
	if (geteuid())
		skip();
	strcpy(file, "/tmp/barlease-confine-XXXXXX");
	fd = mkstemp(file);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(confined(give_away), 0);
	assert_int_equal(chown(file, OTHER_USER, OTHER_USER), 0);
	assert_int_equal(confined(open_of_another), EACCES);
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_executes_nothing),
		cmocka_unit_test(it_has_no_child),
		cmocka_unit_test(it_has_no_network),
		cmocka_unit_test(it_has_no_memory_to_write_and_execute),
		cmocka_unit_test(it_asks_drivers_of_vfio_alone),
		cmocka_unit_test(it_asks_for_the_cgroup_of_a_process_alone),
		cmocka_unit_test(it_touches_no_process),
		cmocka_unit_test(its_capabilities_are_gone),
		cmocka_unit_test(root_is_a_user_who_can_give_a_socket_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
