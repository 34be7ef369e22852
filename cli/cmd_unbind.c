// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "binding.h"
#include "command.h"
#include "in_use.h"
#include "message.h"
#include "options.h"
#include "persistent.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "persist", no_argument, NULL, 'p' },
	{ 0 },
};

/* An earlier unbind that failed leaves no driver, and a note. */
static bool is_bound(const struct function *function)
{
	struct former former;

	return function->vfio ||
	       (!function->driver[0] &&
		former_load(&this_machine, function->bdf, &former) != -ENOENT);
}

static int function_check(const struct function *function)
{
	struct in_use use = { 0 };
	int err;

	if (!is_bound(function)) {
		message("%s is bound to %s, not to a VFIO driver: there is "
			"nothing to undo",
			function->bdf,
			function->driver[0] ? function->driver : "no driver");
		return STATUS_FAILED;
	}
	if (geteuid()) {
		message("changing the driver of %s needs root; nothing was "
			"changed",
			function->bdf);
		return STATUS_FAILED;
	}
	err = in_use_find_vfio(&this_machine, function, &use);
	if (err) {
		message("cannot tell whether %s is in use: %s; nothing was "
			"changed",
			function->bdf, error_words(err));
		return STATUS_FAILED;
	}
	if (use.count) {
		in_use_report(function->bdf, &use);
		message("unbinding it would wait until they are gone; end "
			"them first");
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

/* Without the former driver, the function would have none in the end. */
static int former_check(const struct function *function,
			const struct former *former)
{
	if (!former->driver[0] || driver_find(&this_machine, former->driver))
		return STATUS_OK;
	message("the driver that %s had, %s, is not there, and modprobe could "
		"not load it; nothing was changed. Load it, and run: barlease "
		"unbind %s",
		function->bdf, former->driver, function->bdf);
	return STATUS_FAILED;
}

static int function_unbind(const struct function *function)
{
	struct function now;
	struct former former;
	const char *step;
	bool known;
	int status;
	int err;

	err = former_load(&this_machine, function->bdf, &former);
	known = !err;
	if (err && err != -ENOENT)
		message("cannot read what the driver of %s was: %s; the kernel "
			"chooses one",
			function->bdf, error_words(err));
	if (known) {
		status = former_check(function, &former);
		if (status)
			return status;
	}

	err = binding_restore(&this_machine, function, known ? &former : NULL,
			      &step);
	if (function_read(&this_machine, function->bdf, &now))
		now = *function;
	if (err) {
		message("%s of %s failed: %s; it has %s now, and the kernel's "
			"log says more (dmesg). To try again: barlease unbind "
			"%s",
			step, function->bdf, error_words(err),
			now.driver[0] ? now.driver : "no driver",
			function->bdf);
		return STATUS_FAILED;
	}
	former_forget(&this_machine, function->bdf);
	message("%s is bound to %s now (before: %s)", function->bdf,
		now.driver[0] ? now.driver : "no driver",
		function->driver[0] ? function->driver : "no driver");
	return STATUS_OK;
}

/* What is at this address matters as little as whether anything is. */
static int rule_remove(const char *bdf)
{
	char path[PATH_MAX];
	int err;

	err = persistent_path(&this_machine, bdf, path);
	if (!err)
		err = persistent_forget(&this_machine, bdf);
	if (err) {
		message("cannot remove %s, which binds %s at each boot: %s",
			path, bdf, error_words(err));
		return STATUS_FAILED;
	}
	message("%s is not bound at a boot any more", bdf);
	return STATUS_OK;
}

/*
 * Undo "bind --persist". Where the function is gone, or was unbound before, the
 * rule is all there is to undo; and where that is gone, too, nothing.
 */
static int persistent_unbind(const char *bdf)
{
	struct persistent persistent;
	struct function function;
	char path[PATH_MAX];
	bool rule;
	int status;
	int err;

	err = persistent_load(&this_machine, bdf, &persistent);
	if (err == -EINVAL && !persistent_path(&this_machine, bdf, path)) {
		message("barlease has not written %s; nothing was changed",
			path);
		return STATUS_FAILED;
	}
	rule = err != -ENOENT;
	err = function_read(&this_machine, bdf, &function);
	if (rule && (err == -ENODEV || (!err && !is_bound(&function))))
		return rule_remove(bdf);
	status = function_argument(&this_machine, bdf, &function);
	if (status)
		return status;
	if (!rule)
		message("%s is not bound at a boot", bdf);
	if (!rule && !is_bound(&function))
		return STATUS_OK;
	status = function_check(&function);
	if (!status)
		status = function_unbind(&function);
	return status || !rule ? status : rule_remove(bdf);
}

/* It is not over: say so. */
static void rule_mention(const char *bdf)
{
	struct persistent persistent;
	char path[PATH_MAX];

	if (!persistent_load(&this_machine, bdf, &persistent) &&
	    !persistent_path(&this_machine, bdf, path))
		message("%s will be bound to %s again at the next boot, by %s; "
			"to end that: barlease unbind --persist %s",
			bdf, persistent.driver, path, bdf);
}

static int run(int argc, char **argv)
{
	bool persists = false;
	char bdf[BARLEASE_BDF_MAX];
	struct function function;
	int option;
	int status;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option != 'p')
			return option_default(&command_unbind, long_options,
					      option, argv);
		persists = true;
	}
	if (argc - optind != 1)
		return usage_error(&command_unbind,
				   "exactly one PCI address is needed");
	status = bdf_argument(&command_unbind, argv[optind], bdf);
	if (status)
		return status;
	if (persists)
		return persistent_unbind(bdf);
	status = function_argument(&this_machine, bdf, &function);
	if (status)
		return status;
	status = function_check(&function);
	if (status)
		return status;
	status = function_unbind(&function);
	if (!status)
		rule_mention(bdf);
	return status;
}

/* clang-format off */
const struct command command_unbind = {
	.name = "unbind",
	.summary = "give a function back to the driver that it had",
	.help =
	"usage: barlease unbind [--persist] BDF\n"
	"\n"
	"Undoes 'barlease bind': takes the PCI function at BDF from its VFIO\n"
	"driver, puts driver_override back and binds the former driver again.\n"
	"Where it is not known what was before, the kernel chooses the\n"
	"driver. Leases that are still mapped somewhere end: an access to\n"
	"them is SIGBUS.\n"
	"\n"
	"Refuses, and says who it is, while a process owns the function\n"
	"through VFIO. Loads the former driver when it is not there; when\n"
	"that fails nothing is changed, and when a later step fails the same\n"
	"command tries again.\n"
	"\n"
	"  --persist  do not bind it at each boot any more either: undo\n"
	"             'barlease bind --persist', also of a function that is\n"
	"             gone\n"
	"\n"
	"Examples:\n"
	"  barlease unbind 0000:00:04.0\n"
	"  barlease unbind --persist 0000:00:04.0\n",
	.run = run,
};
