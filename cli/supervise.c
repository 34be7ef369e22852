// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "supervise.h"

int supervise_begin(struct supervision *supervision)
{
	sigset_t held;

	/* Where it is ignored, the end of a child comes without it. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&held);
	sigaddset(&held, SIGCHLD);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGQUIT);
	sigaddset(&held, SIGTERM);
	supervision->fd = -1;
	supervision->signals =
		signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervision->signals < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &held, &supervision->former);
	return 0;
}

void supervise_end(struct supervision *supervision)
{
	close(supervision->signals);
}

int supervise_signal(struct supervision *supervision, bool *sent)
{
	struct signalfd_siginfo info;

	if (read(supervision->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	/* The terminal's own (SI_KERNEL) reach the command, too. */
	if (sent)
		*sent = info.ssi_code <= 0;
	return (int)info.ssi_signo;
}

/* Return: whether it has ended. */
static bool status_get(pid_t pid, int *result)
{
	int status;
	pid_t ended = waitpid(pid, &status, WNOHANG);

	/* Somebody else took its status: it is gone all the same. */
	if (ended < 0 && errno == ECHILD) {
		message("the command has ended, but how is not known");
		*result = STATUS_FAILED;
		return true;
	}
	if (ended != pid)
		return false;
	if (WIFEXITED(status))
		*result = WEXITSTATUS(status);
	else if (WIFSIGNALED(status))
		*result = STATUS_SIGNAL + WTERMSIG(status);
	else
		return false;
	return true;
}

int supervise_wait(struct supervision *supervision, pid_t pid)
{
	int signal, result;
	bool sent;

	supervision->pid = pid;
	for (;;) {
		struct pollfd ready[2] = {
			{ .fd = supervision->signals, .events = POLLIN },
			{ .fd = supervision->fd, .events = POLLIN },
		};

		if (poll(ready, 2, -1) < 0)
			continue;
		if (ready[1].revents)
			supervision->ready(supervision);
		signal = supervise_signal(supervision, &sent);
		if (!signal)
			continue;
		if (status_get(pid, &result))
			return result;
		if (signal != SIGCHLD && sent)
			kill(pid, signal);
	}
}
