/* SPDX-License-Identifier: MIT */
/* Waiting for a command that holds a lease, and for what concerns it. */
#ifndef CLI_SUPERVISE_H
#define CLI_SUPERVISE_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* How shells tell that a signal ended a command. */
#define STATUS_SIGNAL 128

struct supervision {
	int signals; /* an fd that tells of the signals that are held */
	sigset_t former; /* the mask before, for the command */
	/* Something else to look at; -1: nothing. */
	int fd;
	void (*ready)(struct supervision *supervision);
	pid_t pid; /* the command, for ready() */
};

/**
 * supervise_begin() - take signals when we wait for them, so that none ends us
 *	with a lease out
 * @supervision: to be filled, for supervise_end()
 *
 * Return: 0 or -errno.
 */
int supervise_begin(struct supervision *supervision);
void supervise_end(struct supervision *supervision);

/**
 * supervise_signal() - the next signal that has come
 * @supervision: supervision
 * @sent: where to put whether a process has sent it, or NULL
 *
 * Return: its number, or 0.
 */
int supervise_signal(struct supervision *supervision, bool *sent);

/**
 * supervise_wait() - wait for a command to end, and pass signals on to it
 * @supervision: supervision
 * @pid: of the command
 *
 * Return: its exit status, or STATUS_SIGNAL and the signal that ended it.
 */
int supervise_wait(struct supervision *supervision, pid_t pid);

#endif /* CLI_SUPERVISE_H */
