// SPDX-License-Identifier: MIT
#include "persistent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "binding.h"
#include "saved_file.h"

/* Before 80-drivers.rules, which has udev load the drivers of what comes. */
#define FILE_BEGIN "75-barlease-"
#define FILE_END ".rules"

/* Room for a rule: two names, two addresses and the command's path. */
#define RULE_SIZE (PATH_MAX + 1024)

#define HEAD                                                          \
	"# Written by \"barlease bind --persist\"; \"barlease unbind " \
	"--persist\" removes it.\n"
#define DRIVER "# driver="
#define FORMER_DRIVER "# former driver="
#define FORMER_OVERRIDE "# former override="

int persistent_folder(const struct machine *machine, char *path)
{
	return path_print(path, "%s/udev/rules.d", machine->etc);
}

/* An address has room in it. */
static void rule_name(const char *bdf, char *name)
{
	snprintf(name, NAME_MAX + 1, FILE_BEGIN "%s" FILE_END, bdf);
}

int persistent_path(const struct machine *machine, const char *bdf, char *path)
{
	char name[NAME_MAX + 1];

	rule_name(bdf, name);
	return path_print(path, "%s/udev/rules.d/%s", machine->etc, name);
}

bool persistent_bdf(const char *name, char *bdf)
{
	size_t begin = strlen(FILE_BEGIN), length = strlen(name);
	char text[BARLEASE_BDF_MAX];

	if (strncmp(name, FILE_BEGIN, begin) ||
	    length < begin + strlen(FILE_END) ||
	    strcmp(name + length - strlen(FILE_END), FILE_END))
		return false;
	length -= begin + strlen(FILE_END);
	if (length >= sizeof(text))
		return false;
	memcpy(text, name + begin, length);
	text[length] = '\0';
	return !barlease_bdf_parse(text, bdf) && !strcmp(bdf, text);
}

/* udev(7) has quotes, and substitutes what is behind "$" and "%". */
static bool is_plain(const char *path)
{
	return path[0] == '/' &&
	       strspn(path, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_-./+@:") == strlen(path);
}

const char *persistent_obstacle(const struct machine *machine)
{
	char path[PATH_MAX];

	if (!is_plain(machine->command))
		return "it is installed where no rule of udev can name it";
	if (access(machine->command, X_OK) < 0)
		return "it is not installed, so that udev could not run it";
	if (path_print(path, "%s/udev", machine->etc) || !path_exists(path))
		return "there is no /etc/udev here, so that nobody would do "
		       "it";
	return NULL;
}

static int rule_print(const struct machine *machine,
		      const struct function *function,
		      const struct persistent *persistent, char *rule)
{
	char former[2 * DRIVER_NAME_MAX + 64] = "";
	int length;

	if (persistent->former_known)
		snprintf(former, sizeof(former),
			 FORMER_DRIVER "%s\n" FORMER_OVERRIDE "%s\n",
			 persistent->former.driver,
			 persistent->former.override);
	/* Loading comes first: what udev runs has no PATH to find modprobe. */
	length = snprintf(
		rule, RULE_SIZE,
		HEAD DRIVER "%s\n%sACTION==\"add\", SUBSYSTEM==\"pci\", "
			    "KERNEL==\"%s\", ATTR{vendor}==\"0x%04x\", "
			    "ATTR{device}==\"0x%04x\", "
			    "ATTR{class}==\"0x%06x\", "
			    "RUN{builtin}+=\"kmod load %s\", "
			    "RUN+=\"%s bind --persist --driver %s %s\"\n",
		persistent->driver, former, function->bdf, function->vendor,
		function->device, function->class, persistent->driver,
		machine->command, persistent->driver, function->bdf);
	return length < RULE_SIZE ? 0 : -ENAMETOOLONG;
}

/* Take a line that begins so off the front of the text. */
static bool line_take(const char **text, const char *begin, char *name)
{
	size_t length;

	if (strncmp(*text, begin, strlen(begin)))
		return false;
	*text += strlen(begin);
	length = strcspn(*text, "\n");
	if (length >= DRIVER_NAME_MAX || !(*text)[length])
		return false;
	memcpy(name, *text, length);
	name[length] = '\0';
	*text += length + 1;
	return !*name || driver_name_valid(name);
}

static int rule_read(const struct machine *machine, const char *bdf, char *rule)
{
	char path[PATH_MAX];
	int err;

	err = persistent_path(machine, bdf, path);
	if (err)
		return err;
	err = attribute_read(path, rule, RULE_SIZE);
	return err == -EFBIG ? -EINVAL : err;
}

static int rule_parse(const char *rule, struct persistent *persistent)
{
	*persistent = (struct persistent){ 0 };
	if (strncmp(rule, HEAD, strlen(HEAD)))
		return -EINVAL;
	rule += strlen(HEAD);
	if (!line_take(&rule, DRIVER, persistent->driver) ||
	    !persistent->driver[0])
		return -EINVAL;
	if (rule[0] != '#')
		return 0;
	if (!line_take(&rule, FORMER_DRIVER, persistent->former.driver) ||
	    !line_take(&rule, FORMER_OVERRIDE, persistent->former.override))
		return -EINVAL;
	persistent->former_known = true;
	return 0;
}

int persistent_load(const struct machine *machine, const char *bdf,
		    struct persistent *persistent)
{
	char rule[RULE_SIZE];
	int err = rule_read(machine, bdf, rule);

	return err ? err : rule_parse(rule, persistent);
}

bool persistent_fits(const struct machine *machine,
		     const struct function *function,
		     const struct persistent *persistent)
{
	char rule[RULE_SIZE], wanted[RULE_SIZE];

	if (rule_read(machine, function->bdf, rule) ||
	    rule_print(machine, function, persistent, wanted))
		return false;
	/* It was read without its last newline. */
	wanted[strlen(wanted) - 1] = '\0';
	return !strcmp(rule, wanted);
}

static int rule_write(const struct machine *machine, const char *bdf,
		      const char *rule)
{
	char folder[PATH_MAX], name[NAME_MAX + 1];
	int err = persistent_folder(machine, folder);

	if (err)
		return err;
	rule_name(bdf, name);
	return saved_file_write(folder, name, rule);
}

int persistent_save(const struct machine *machine,
		    const struct function *function, const char *driver,
		    const struct former *former)
{
	struct persistent earlier, persistent = { .former_known = former };
	char rule[RULE_SIZE];
	int err;

	err = persistent_load(machine, function->bdf, &earlier);
	if (err && err != -ENOENT)
		return err == -EINVAL ? -EEXIST : err;
	if (!err)
		persistent = earlier;
	else if (former)
		persistent.former = *former;
	snprintf(persistent.driver, sizeof(persistent.driver), "%s", driver);
	/* At a boot the file system may not be writable yet. */
	if (!err && persistent_fits(machine, function, &persistent))
		return 0;
	err = rule_print(machine, function, &persistent, rule);
	return err ? err : rule_write(machine, function->bdf, rule);
}

int persistent_forget(const struct machine *machine, const char *bdf)
{
	char folder[PATH_MAX], name[NAME_MAX + 1];
	int err = persistent_folder(machine, folder);

	if (err)
		return err;
	rule_name(bdf, name);
	return saved_file_remove(folder, name);
}
