/* SPDX-License-Identifier: MIT */
/* The standard streams of a process that was started without some of them. */
#ifndef CLI_STANDARD_FDS_H
#define CLI_STANDARD_FDS_H

/**
 * standard_fds_open() - put something in the place of fds 0 to 2 that are closed
 *
 * A file that is opened while one of them is closed would get its number, and
 * with it everything that is meant for a terminal. What is put there cannot be
 * read (0) or written (1 and 2): data that go nowhere are an error.
 *
 * Return: 0 or -errno.
 */
int standard_fds_open(void);

/**
 * standard_fds_lend() - make an ordinary /dev/null of what that has opened
 *
 * For a command that is started, to which these are not ours to refuse.
 *
 * Return: 0 or -errno.
 */
int standard_fds_lend(void);

#endif /* CLI_STANDARD_FDS_H */
