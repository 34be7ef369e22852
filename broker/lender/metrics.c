// SPDX-License-Identifier: MIT
#include "lender/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lender/figures.h"
#include "lender/lender.h"

/* Those of docs/protocol.md, "Refusals", that a request can be given. */
static const int denial_errors[METRICS_DENIALS] = {
	EACCES, EBUSY,	ECANCELED, EDQUOT, EEXIST,     EMFILE, ENFILE,
	ENODEV, ENOENT, ENOMEM,	   ERANGE, EOPNOTSUPP, ETIMEDOUT,
};

int metrics_denial_error(unsigned int place)
{
	return denial_errors[place];
}

void metrics_deny(struct metrics *metrics, int error)
{
	unsigned int place = 0;

	/* The last one has none, and takes what is not listed. */
	while (denial_errors[place] && denial_errors[place] != error)
		place++;
	metrics->denials[place]++;
}

struct printing {
	FILE *out;
	const char *name; /* of the last one */
};

static void figure_print(void *context, const struct figure *figure)
{
	struct printing *printing = context;

	if (!printing->name || strcmp(figure->name, printing->name) != 0)
		fprintf(printing->out, "# HELP %s %s\n# TYPE %s %s\n",
			figure->name, figure->help, figure->name,
			figure->counter ? "counter" : "gauge");
	printing->name = figure->name;
	fputs(figure->name, printing->out);
	if (figure->label)
		fprintf(printing->out, "{%s=\"%s\"", figure->label,
			figure->of);
	if (figure->device)
		fprintf(printing->out, ",device=\"%s\"", figure->device);
	fprintf(printing->out, "%s %llu\n", figure->label ? "}" : "",
		(unsigned long long)figure->value);
}

static char *text_make(struct lender *lender, size_t *length)
{
	struct printing printing = { 0 };
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (!out)
		return NULL;
	printing.out = out;
	figures_each(lender, figure_print, &printing);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/*
 * It tells of all that is offered, also of what not everybody may know of. So
 * nobody else may read it, unless somebody has let others read the one before.
 */
static int readers_set(int fd, const char *before)
{
	struct stat old, new;

	if (fstat(fd, &new) < 0)
		return -errno;
	if (lstat(before, &old) < 0 || !S_ISREG(old.st_mode))
		return fchmod(fd, 0600) < 0 ? -errno : 0;
	if (old.st_gid != new.st_gid && fchown(fd, (uid_t)-1, old.st_gid) < 0)
		return -errno;
	return fchmod(fd, 0600 | (old.st_mode & 0044)) < 0 ? -errno : 0;
}

static int file_write(const char *path, const char *before, const char *text,
		      size_t length)
{
	ssize_t written;
	int fd, err;

	/* What is there may be a pipe that waits for who reads, or of others. */
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = readers_set(fd, before);
	while (!err && length) {
		written = write(fd, text, length);
		if (written < 0) {
			err = -errno;
		} else {
			text += written;
			length -= (size_t)written;
		}
	}
	/* Some file systems tell of a full disk here. */
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

int metrics_write(struct lender *lender, const char *path)
{
	char other[PATH_MAX];
	size_t length;
	char *text;
	int err;

	if (snprintf(other, sizeof(other), "%s.new", path) >=
	    (int)sizeof(other))
		return -ENAMETOOLONG;
	text = text_make(lender, &length);
	if (!text)
		return -ENOMEM;
	err = file_write(other, path, text, length);
	free(text);
	if (!err && rename(other, path) < 0)
		err = -errno;
	if (err)
		unlink(other);
	return err;
}
