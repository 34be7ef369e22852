// SPDX-License-Identifier: MIT
#include "host_kind.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confined.h"
#include "operators.h"
#include "service_user.h"
#include "witness.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* How long it may take to be ready, 10 ms each. */
#define LOOKS 3000

/* What /proc shows must be the same twice, as it is not of one moment. */
#define SECOND_LOOKS 100

/* A grace that is told is shorter than the one before, each time. */
#define LONGEST_GRACE (1000ull * 3600 * 1000)
#define GRACE_STEP 1000

static const char *program;

void host_daemon_is(const char *path)
{
	program = path;
}

/* The same as host_own.c offers. */
static const char policy[] = "[Server]\n"
			     "max-connections = 8192\n"
			     "max-connections-per-user = 8192\n"
			     "max-requests-per-second = 1000000\n"
			     "[Device host]\n"
			     "backend = sim\n"
			     "size = 128K\n"
			     "[Slice one]\n"
			     "range = 0+4K\n"
			     "socket = %1$s\n"
			     "%3$s"
			     "[Pool pool]\n"
			     "range = 4K+%4$uK\n"
			     "slice = 4K\n"
			     "socket = %1$s\n"
			     "%3$s"
			     "[Slice other]\n"
			     "range = 80K+4K\n"
			     "socket = %2$s\n"
			     "%3$s"
			     "[Slice shared]\n"
			     "range = 84K+4K\n"
			     "exclusive = no\n"
			     "socket = %1$s\n"
			     "%3$s";
static const char common[] = "device = host\n"
			     "bar = 0\n"
			     "mode = 0600\n"
			     "allow = anyone\n";

struct paths {
	char policy[80], control[80];
};

static void paths_make(const struct host *host, struct paths *paths)
{
	snprintf(paths->policy, sizeof(paths->policy), "%s-policy", host->path);
	snprintf(paths->control, sizeof(paths->control), "%s-control",
		 host->path);
}

static void policy_write(const struct host *host, const struct paths *paths)
{
	FILE *file = fopen(paths->policy, "w");

	assert_non_null(file);
	fprintf(file, policy, host->path, host->other_path, common,
		4 * HOST_POOL);
	assert_int_equal(fchmod(fileno(file), 0644), 0);
	assert_int_equal(fclose(file), 0);
}

static void execute(const struct paths *paths, int log, unsigned int fds)
{
	const struct rlimit limit = { fds, fds };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if ((!fds || !setrlimit(RLIMIT_NOFILE, &limit)) &&
	    dup2(null, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2 &&
	    service_user_become() && !prctl(PR_SET_PDEATHSIG, SIGKILL))
		execl(program, program, "--control", paths->control,
		      paths->policy, NULL);
	perror(program);
	_exit(127);
}

static void wait_ready(const struct host *host)
{
	int status;

	for (int i = 0; !host->witness->watches; i++) {
		assert_int_equal(waitpid(host->pid, &status, WNOHANG), 0);
		assert_true(i < LOOKS);
		usleep(10000);
	}
}

static void daemon_start(struct host *host, unsigned int fds)
{
	struct paths paths;
	int log[2];

	paths_make(host, &paths);
	policy_write(host, &paths);
	host->grace = LONGEST_GRACE;
	assert_int_equal(pipe2(log, O_CLOEXEC), 0);
	fflush(NULL);
	host->pid = fork();
	assert_true(host->pid >= 0);
	if (!host->pid)
		execute(&paths, log[1], fds);
	close(log[1]);
	host->witness = witness_start(log[0], paths.control, "shared");
	close(log[0]);
	assert_non_null(host->witness);
	wait_ready(host);
	host->control = operators_connect(paths.control);
	assert_true(host->control >= 0);
	assert_confined(host->pid);
}

/* At the end it is told what there is room for, no more. */
static void wait_told(const struct host *host)
{
	const struct witness *witness = host->witness;

	for (int i = 0; i < LOOKS && witness->granted != witness->ended; i++)
		usleep(10000);
}

static void daemon_end(struct host *host)
{
	struct paths paths;
	int status;

	assert_confined(host->pid);
	wait_told(host);
	host->witness->ending = true;
	assert_int_equal(kill(host->pid, SIGTERM), 0);
	assert_int_equal(waitpid(host->pid, &status, 0), host->pid);
	close(host->control);
	/* With a sanitizer, memory that is left makes for another status. */
	assert_int_equal(status, 0);
	assert_true(witness_end(host->witness));
	paths_make(host, &paths);
	assert_int_equal(access(host->path, F_OK), -1);
	assert_int_equal(access(paths.control, F_OK), -1);
	unlink(paths.policy);
}

/* Of each lessee it has one that tells when its process ends. */
static void fds_look(const struct host *host, struct host_report *report)
{
	const struct dirent *entry;
	char path[32], target[64];
	ssize_t length;
	DIR *folder;

	report->fds = 0;
	report->lessees = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", host->pid);
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		report->fds++;
		length = readlinkat(dirfd(folder), entry->d_name, target,
				    sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		report->lessees += !!strstr(target, "pidfd");
	}
	closedir(folder);
}

static void list_look(const struct host *host, struct host_report *report)
{
	union control_packet packet;

	report->leases = 0;
	report->waiting = 0;
	assert_true(operators_ask(host->control, CONTROL_LIST));
	do {
		assert_true(operators_next(host->control, &packet));
		report->leases += packet.header.type == CONTROL_LEASE;
		report->waiting += packet.header.type == CONTROL_WAITING;
	} while (packet.header.type != CONTROL_DONE);
}

/* What it has for itself; what it lends is not part of it. */
static uint64_t memory_look(const struct host *host)
{
#ifdef __SANITIZE_ADDRESS__
	/* It keeps what is freed; at the end it tells what was not. */
	(void)host;
	return 0;
#else
	return status_number(host->pid, "RssAnon:", 10) << 10;
#endif
}

static void daemon_report(struct host *host, struct host_report *report)
{
	struct host_report before;

	fds_look(host, report);
	for (int i = 0; i < SECOND_LOOKS; i++) {
		before = *report;
		list_look(host, report);
		fds_look(host, report);
		if (report->fds == before.fds)
			break;
	}
	report->heap = memory_look(host);
	report->blocks = 0;
	report->ended = host->witness->ended;
	report->doubled = host->witness->doubled;
}

/* All leases of the moment. Return: how many, up to @room. */
static size_t leases_get(const struct host *host, uint64_t *leases, size_t room)
{
	union control_packet packet;
	size_t count = 0;

	assert_true(operators_ask(host->control, CONTROL_LIST));
	do {
		assert_true(operators_next(host->control, &packet));
		if (packet.header.type == CONTROL_LEASE && count < room)
			leases[count++] = packet.lease.lease.lease;
	} while (packet.header.type != CONTROL_DONE);
	return count;
}

/* They are asked back, with less and less time, but enough. */
static void daemon_tell(struct host *host, unsigned int times)
{
	union control_packet packet;
	uint64_t leases[256];
	size_t count = leases_get(host, leases, 256);

	for (unsigned int i = 0; i < 2 * times; i++) {
		host->grace -= GRACE_STEP;
		for (size_t j = 0; j < count; j++) {
			assert_true(operators_recall(host->control, leases[j],
						     host->grace));
			/* Who does not listen may have lost it meanwhile. */
			assert_true(operators_next(host->control, &packet));
		}
	}
}

const struct host_kind host_daemon = {
	.start = daemon_start,
	.end = daemon_end,
	.report = daemon_report,
	.tell = daemon_tell,
	.slack = 64 << 10,
	.rounds = 6,
};
