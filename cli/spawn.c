// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn.h"
#include "spawn_internal.h"

/* The lessee reports here what goes wrong before its command runs. */
#define REPORT_FD (SPAWN_LEASE_FD + 1)
#define FIRST_CLOSED_FD (REPORT_FD + 1)

enum spawn_step {
	STEP_FDS,
	STEP_GROUPS,
	STEP_USER,
	STEP_PRIVILEGES,
	STEP_PARENT,
	STEP_COMMAND,
};

static const char *const step_names[] = {
	[STEP_FDS] = "arranging the file descriptors",
	[STEP_GROUPS] = "setting the groups",
	[STEP_USER] = "becoming the user",
	[STEP_PRIVILEGES] = "giving up privileges",
	[STEP_PARENT] = "tying the process to its parent",
	[STEP_COMMAND] = "running the command",
};

struct report {
	int step;
	int err;
};

/* What the child needs. Nothing in it allocates between fork and exec. */
struct child {
	const struct spawn_options *options;
	const struct spawn_user *user; /* NULL: stay who we are */
	struct spawn_environment *environment;
	int report_fd;
	pid_t parent;
};

/* snprintf() is not safe after fork() when the caller has threads. */
static void pid_print(char *buf, pid_t pid)
{
	char digits[SPAWN_PID_ROOM];
	int count = 0;

	do {
		digits[count++] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid);
	while (count)
		*buf++ = digits[--count];
	*buf = '\0';
}

/*
 * Put the lease at its number and the report beside it, and close the rest.
 * Both may be at each other's place, so they move out of the way first.
 */
static int child_fds(struct child *child)
{
	const int *streams = child->options->streams;
	int lease, report;

	if (streams && (dup2(streams[0], STDIN_FILENO) < 0 ||
			dup2(streams[1], STDOUT_FILENO) < 0))
		return -errno;
	lease = fcntl(child->options->lease_fd, F_DUPFD_CLOEXEC,
		      FIRST_CLOSED_FD);
	if (lease < 0)
		return -errno;
	report = fcntl(child->report_fd, F_DUPFD_CLOEXEC, FIRST_CLOSED_FD);
	if (report < 0)
		return -errno;
	if (dup3(report, REPORT_FD, O_CLOEXEC) < 0)
		return -errno;
	child->report_fd = REPORT_FD;
	if (dup2(lease, SPAWN_LEASE_FD) < 0)
		return -errno;
	if (syscall(SYS_close_range, FIRST_CLOSED_FD, ~0U, 0) < 0)
		return -errno;
	return 0;
}

static int child_groups(const struct spawn_user *user)
{
	if (setgroups((size_t)user->groups_count, user->groups) < 0)
		return -errno;
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return -errno;
	return 0;
}

static int child_privileges(const struct spawn_user *user)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/*
	 * Becoming another user has cleared all but the inheritable ones, and
	 * none at all where the caller had asked to keep them.
	 */
	if (user && user->uid && syscall(SYS_capset, &header, none) < 0)
		return -errno;
	return 0;
}

static int child_parent(const struct child *child)
{
	/* After the change of user, which clears this. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	/* It may be gone already, and no signal comes then. */
	if (getppid() != child->parent)
		return -ESRCH;
	return 0;
}

static int child_steps(struct child *child, enum spawn_step *step)
{
	int err;

	*step = STEP_FDS;
	err = child_fds(child);
	if (err)
		return err;
	if (child->user) {
		*step = STEP_GROUPS;
		err = child_groups(child->user);
		if (err)
			return err;
		*step = STEP_USER;
		if (setresuid(child->user->uid, child->user->uid,
			      child->user->uid) < 0)
			return -errno;
	}
	*step = STEP_PRIVILEGES;
	err = child_privileges(child->user);
	if (err)
		return err;
	*step = STEP_PARENT;
	err = child_parent(child);
	if (err)
		return err;
	if (child->options->mask)
		sigprocmask(SIG_SETMASK, child->options->mask, NULL);

	*step = STEP_COMMAND;
	pid_print(child->environment->pid, getpid());
	execvpe(child->options->argv[0], child->options->argv,
		child->environment->variables);
	return -errno;
}

static void __attribute__((noreturn)) child_run(struct child *child)
{
	struct report report = { 0 };
	enum spawn_step step;

	report.err = child_steps(child, &step);
	report.step = (int)step;
	/* A pipe takes a few bytes in one piece; else the parent sees 127. */
	if (write(child->report_fd, &report, sizeof(report)) < 0)
		_exit(126);
	_exit(127);
}

/* Wait until the command runs, or for what went wrong. */
static int child_wait(int report_fd, pid_t pid, const char **step)
{
	struct report report;
	ssize_t length;

	do {
		length = read(report_fd, &report, sizeof(report));
	} while (length < 0 && errno == EINTR);

	/* The pipe closes without a word when the command runs. */
	if (!length)
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (length != sizeof(report))
		return -EIO;
	*step = step_names[report.step];
	return report.err;
}

static int child_start(struct child *child, pid_t *pid, const char **step)
{
	int report_fds[2];
	pid_t new;
	int err;

	*step = "starting a process";
	if (pipe2(report_fds, O_CLOEXEC) < 0)
		return -errno;
	child->report_fd = report_fds[1];
	child->parent = getpid();

	new = fork();
	if (new < 0) {
		err = -errno;
		close(report_fds[1]);
		goto out;
	}
	if (!new)
		child_run(child);

	close(report_fds[1]);
	err = child_wait(report_fds[0], new, step);
	if (!err)
		*pid = new;
out:
	close(report_fds[0]);
	return err;
}

int spawn_lessee(const struct spawn_options *options, pid_t *pid)
{
	struct spawn_environment environment = { 0 };
	struct spawn_user user = { 0 };
	struct child child = {
		.options = options,
		.environment = &environment,
	};
	const char *unused;
	const char **step = options->step ? options->step : &unused;
	int err;

	*step = "looking the user up";
	if (options->user) {
		err = spawn_user_find(options->user, &user);
		if (err)
			return err;
		child.user = &user;
	}
	*step = "making the environment";
	err = spawn_environment_make(options->slice, child.user, &environment);
	if (!err)
		err = child_start(&child, pid, step);
	spawn_environment_free(&environment);
	spawn_user_free(&user);
	return err;
}
