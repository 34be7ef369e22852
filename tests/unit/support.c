// SPDX-License-Identifier: MIT
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int tree_setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -1;
	strcpy(tree->root, "/tmp/barlease-test-XXXXXX");
	if (!mkdtemp(tree->root)) {
		free(tree);
		return -1;
	}
	snprintf(tree->sysfs, sizeof(tree->sysfs), "%s/sys", tree->root);
	snprintf(tree->proc, sizeof(tree->proc), "%s/proc", tree->root);
	snprintf(tree->dev, sizeof(tree->dev), "%s/dev", tree->root);
	snprintf(tree->run, sizeof(tree->run), "%s/run", tree->root);
	tree_folder(tree, "run");
	*state = tree;
	return 0;
}

static int entry_remove(const char *path, const struct stat *status, int type,
			struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

int tree_teardown(void **state)
{
	struct tree *tree = *state;

	nftw(tree->root, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(tree);
	return 0;
}

static void tree_path(const struct tree *tree, const char *path, char *full)
{
	assert_true(snprintf(full, PATH_MAX, "%s/%s", tree->root, path) <
		    PATH_MAX);
}

/* Make the folders that lead to a path. */
static void parents_make(const struct tree *tree, char *path)
{
	char *slash = path + strlen(tree->root);

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

void tree_file(const struct tree *tree, const char *path, const char *content)
{
	char full[PATH_MAX];
	FILE *file;

	tree_path(tree, path, full);
	parents_make(tree, full);
	file = fopen(full, "we");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

void tree_link(const struct tree *tree, const char *path, const char *target)
{
	char full[PATH_MAX];

	tree_path(tree, path, full);
	parents_make(tree, full);
	assert_int_equal(symlink(target, full), 0);
}

void tree_folder(const struct tree *tree, const char *path)
{
	char full[PATH_MAX];

	tree_path(tree, path, full);
	parents_make(tree, full);
	assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
}

void tree_remove(const struct tree *tree, const char *path)
{
	char full[PATH_MAX];

	tree_path(tree, path, full);
	assert_int_equal(remove(full), 0);
}

void tree_assert_content(const struct tree *tree, const char *path,
			 const char *content)
{
	char full[PATH_MAX];
	char found[4096];
	size_t length;
	FILE *file;

	tree_path(tree, path, full);
	file = fopen(full, "re");
	assert_non_null(file);
	length = fread(found, 1, sizeof(found) - 1, file);
	found[length] = '\0';
	fclose(file);
	assert_string_equal(found, content);
}

unsigned int fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

bool valgrind_runs_this(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	return preloaded && strstr(preloaded, "/vgpreload");
}

void fds_exhaust(bool exhausted)
{
	static struct rlimit before;
	struct rlimit none = { 0 };

	if (valgrind_runs_this())
		skip();
	if (exhausted)
		assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, exhausted ? &none : &before),
			 0);
}

static void output_read(int fd, char *buf, size_t size)
{
	ssize_t length = pread(fd, buf, size - 1, 0);

	assert_true(length >= 0);
	buf[length] = '\0';
}

void program_run(struct outcome *outcome, const char *const *argv, int lease,
		 const char *input)
{
	int in = memfd_create("in", MFD_CLOEXEC);
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	pid_t pid;

	assert_true(in >= 0 && out >= 0 && err >= 0);
	if (input)
		assert_int_equal(pwrite(in, input, strlen(input), 0),
				 strlen(input));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
		    (lease >= 0 && dup2(lease, atoi(COMMAND_LEASE_FD)) < 0))
			_exit(125);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(126);
	}
	assert_int_equal(waitpid(pid, &outcome->status, 0), pid);
	output_read(out, outcome->out, sizeof(outcome->out));
	output_read(err, outcome->err, sizeof(outcome->err));
	close(in);
	close(out);
	close(err);
}

void barlease_run(struct outcome *outcome, const char *const *argv, int lease,
		  const char *input)
{
	const char *full[32] = { getenv("BARLEASE_COMMAND") };

	assert_non_null(full[0]);
	for (size_t i = 0; argv[i]; i++) {
		assert_true(i + 2 < sizeof(full) / sizeof(full[0]));
		full[i + 1] = argv[i];
	}
	program_run(outcome, full, lease, input);
}

void assert_exit(const struct outcome *outcome, int status)
{
	if (!WIFEXITED(outcome->status) ||
	    WEXITSTATUS(outcome->status) != status)
		print_error("stdout: %s\nstderr: %s\n", outcome->out,
			    outcome->err);
	assert_true(WIFEXITED(outcome->status));
	assert_int_equal(WEXITSTATUS(outcome->status), status);
}

void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_error("'%s' is not in: %s\n", part, text);
	assert_non_null(strstr(text, part));
}
