// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attribute.h"
#include "binding.h"
#include "former.h"
#include "saved_file.h"

static int former_folder(const struct machine *machine, char *path)
{
	return path_print(path, "%s/barlease", machine->run);
}

int former_save(const struct machine *machine, const char *bdf,
		const struct former *former)
{
	char text[2 * DRIVER_NAME_MAX + 32];
	char folder[PATH_MAX];
	int err;

	err = former_folder(machine, folder);
	if (err)
		return err;
	snprintf(text, sizeof(text), "driver=%s\noverride=%s\n", former->driver,
		 former->override);
	return saved_file_write(folder, bdf, text);
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

	err = path_print(path, "%s/barlease/%s", machine->run, bdf);
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
	char folder[PATH_MAX];

	if (!former_folder(machine, folder))
		saved_file_remove(folder, bdf);
}
