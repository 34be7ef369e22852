// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attribute.h"
#include "binding.h"
#include "former.h"

static int former_path(const struct machine *machine, const char *bdf,
		       char *path)
{
	return path_print(path, "%s/barlease/%s", machine->run, bdf);
}

static int file_write(const char *path, const char *text)
{
	size_t length = strlen(text);
	ssize_t written;
	int err = 0;
	int fd;

	/* What a killed process left behind is worth nothing. */
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0644);
	if (fd < 0)
		return -errno;
	written = write(fd, text, length);
	if (written < 0)
		err = -errno;
	else if ((size_t)written != length)
		err = -EIO;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

int former_save(const struct machine *machine, const char *bdf,
		const struct former *former)
{
	char text[2 * DRIVER_NAME_MAX + 32];
	char path[PATH_MAX];
	char new[PATH_MAX];
	int err;

	err = path_print(path, "%s/barlease", machine->run);
	if (err)
		return err;
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;

	err = former_path(machine, bdf, path);
	if (err)
		return err;
	err = path_print(new, "%s/barlease/.%s.new", machine->run, bdf);
	if (err)
		return err;
	snprintf(text, sizeof(text), "driver=%s\noverride=%s\n", former->driver,
		 former->override);
	err = file_write(new, text);
	if (err)
		return err;
	if (rename(new, path) < 0) {
		err = -errno;
		unlink(new);
	}
	return err;
}

/* Take "KEY=NAME\n" off the front of the text. */
static int line_take(char **text, const char *key, char *name)
{
	size_t length = strlen(key);
	char *end;

	if (strncmp(*text, key, length))
		return -EINVAL;
	*text += length;
	end = strchrnul(*text, '\n');
	length = (size_t)(end - *text);
	if (length >= DRIVER_NAME_MAX)
		return -EINVAL;
	memcpy(name, *text, length);
	name[length] = '\0';
	*text = *end ? end + 1 : end;
	return *name && !driver_name_valid(name) ? -EINVAL : 0;
}

int former_load(const struct machine *machine, const char *bdf,
		struct former *former)
{
	char text[2 * DRIVER_NAME_MAX + 32];
	char path[PATH_MAX];
	char *rest = text;
	int err;

	err = former_path(machine, bdf, path);
	if (err)
		return err;
	err = attribute_read(path, text, sizeof(text));
	if (err)
		return err == -EFBIG ? -EINVAL : err;
	err = line_take(&rest, "driver=", former->driver);
	if (err)
		return err;
	err = line_take(&rest, "override=", former->override);
	if (err)
		return err;
	return *rest ? -EINVAL : 0;
}

void former_forget(const struct machine *machine, const char *bdf)
{
	char path[PATH_MAX];

	if (!former_path(machine, bdf, path))
		unlink(path);
}
