// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "doctor/doctor.h"
#include "persistent.h"

#define AGAIN "barlease bind --persist BDF writes it anew; " \
	      "barlease unbind --persist BDF removes it"

static const struct function *function_find(const struct function *functions,
					    size_t count, const char *bdf)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(functions[i].bdf, bdf))
			return &functions[i];
	return NULL;
}

static void rule_check(struct diagnosis *diagnosis, const char *bdf,
		       const struct function *function)
{
	struct persistent persistent;

	if (persistent_load(diagnosis->machine, bdf, &persistent))
		found(diagnosis, "persist", VERDICT_WRONG,
		      "remove it, and use barlease bind --persist BDF",
		      "the rule of udev for %s is not one of barlease", bdf);
	else if (!function)
		found(diagnosis, "persist", VERDICT_NOTE,
		      "barlease unbind --persist BDF, if it does not come back",
		      "%s is to be bound at each boot, and is not there", bdf);
	else if (!persistent_fits(diagnosis->machine, function, &persistent))
		found(diagnosis, "persist", VERDICT_WRONG, AGAIN,
		      "%s is not bound at a boot: its rule is for another "
		      "function or another command",
		      bdf);
	else if (strcmp(function->driver, persistent.driver) != 0)
		found(diagnosis, "persist", VERDICT_NOTE,
		      "if nobody has unbound it, udev tells why: journalctl "
		      "-u systemd-udevd",
		      "%s is to be bound to %s at each boot, and is bound to "
		      "%s now",
		      bdf, persistent.driver,
		      function->driver[0] ? function->driver : "no driver");
	else
		found(diagnosis, "persist", VERDICT_OK, NULL,
		      "%s is bound to %s at each boot", bdf,
		      persistent.driver);
}

void persistent_check(struct diagnosis *diagnosis,
		      const struct function *functions, size_t count)
{
	char bdf[BARLEASE_BDF_MAX];
	char path[PATH_MAX];
	struct dirent *entry;
	bool any = false;
	const char *obstacle;
	DIR *dir;

	if (persistent_folder(diagnosis->machine, path))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!persistent_bdf(entry->d_name, bdf) ||
		    (diagnosis->bdf && strcmp(bdf, diagnosis->bdf) != 0))
			continue;
		any = true;
		rule_check(diagnosis, bdf,
			   function_find(functions, count, bdf));
	}
	closedir(dir);
	obstacle = persistent_obstacle(diagnosis->machine);
	if (any && obstacle)
		found(diagnosis, "persist", VERDICT_WRONG,
		      "install it: sudo meson install -C build",
		      "%s binds nothing at a boot: %s",
		      diagnosis->machine->command, obstacle);
}
