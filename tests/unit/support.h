/* SPDX-License-Identifier: MIT */
/* What the unit tests have in common: trees of files, and running a command. */
#ifndef UNIT_SUPPORT_H
#define UNIT_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdbool.h>

/* A folder of its own that looks like a machine. */
struct tree {
	char root[64];
	char sysfs[80];
	char proc[80];
	char dev[80];
	char run[80];
};

/* Fixtures for cmocka: *state is the struct tree. */
int tree_setup(void **state);
int tree_teardown(void **state);

/* Make a file, a link or a folder; folders on the way are made, too. */
void tree_file(const struct tree *tree, const char *path, const char *content);
void tree_link(const struct tree *tree, const char *path, const char *target);
void tree_folder(const struct tree *tree, const char *path);
void tree_remove(const struct tree *tree, const char *path);

/* Whether the file has exactly this content. */
void tree_assert_content(const struct tree *tree, const char *path,
			 const char *content);

/* How many fds this process has. */
unsigned int fd_count(void);

/* It keeps a limit of fds of its own, which the kernel does not know of. */
bool valgrind_runs_this(void);

/*
 * Have no room for more fds, and have it again. Skips the test in valgrind, which
 * keeps a limit of its own that the kernel does not know of.
 */
void fds_exhaust(bool exhausted);

struct outcome {
	int status; /* as waitpid() puts it */
	char out[16384];
	char err[16384];
};

/*
 * Run a program to its end. Fd @lease, unless it is -1, is its fd 7; @input
 * is what it reads from its standard input.
 */
void program_run(struct outcome *outcome, const char *const *argv, int lease,
		 const char *input);

/* The same for the barlease command: @argv is without its name. */
void barlease_run(struct outcome *outcome, const char *const *argv, int lease,
		  const char *input);

#define COMMAND_LEASE_FD "7"

/* The command ended by itself with this status. */
void assert_exit(const struct outcome *outcome, int status);
void assert_contains(const char *text, const char *part);

#endif /* UNIT_SUPPORT_H */
