// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "command.h"
#include "group.h"
#include "in_use.h"
#include "message.h"
#include "options.h"
#include "persistent.h"

static const struct option long_options[] = {
	{ "driver", required_argument, NULL, 'd' },
	{ "force", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "persist", no_argument, NULL, 'p' },
	{ 0 },
};

/* Whether the function may be taken from those who use it. */
static int use_check(const struct function *function, bool force)
{
	struct in_use use = { 0 };
	int err;

	err = in_use_find_vfio(&this_machine, function, &use);
	if (err) {
		message("cannot tell whether %s is in use through VFIO: %s",
			function->bdf, error_words(err));
		return STATUS_FAILED;
	}
	if (use.count) {
		in_use_report(function->bdf, &use);
		message("taking it away would wait until they are gone; end "
			"them first (--force does not help here)");
		return STATUS_FAILED;
	}
	if (force)
		return STATUS_OK;

	err = in_use_find(&this_machine, function, &use);
	if (err) {
		message("cannot tell whether %s is in use: %s; --force takes "
			"it all the same",
			function->bdf, error_words(err));
		return STATUS_FAILED;
	}
	if (use.count) {
		in_use_report(function->bdf, &use);
		message("nothing was changed; unmount or shut it down first, "
			"or use --force");
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

static int driver_check(const char *driver)
{
	if (driver_find(&this_machine, driver))
		return STATUS_OK;

	message("there is no PCI driver %s in this kernel, and modprobe could "
		"not load it",
		driver);
	if (!strcmp(driver, BINDING_DRIVER_DEFAULT))
		message("install it in the project's folder: sudo make -C kmod "
			"modules_install && sudo depmod; then bind again");
	return STATUS_FAILED;
}

static int function_check(const struct function *function)
{
	if (function_is_bridge(function)) {
		message("%s is a bridge; only the functions behind it can be "
			"bound",
			function->bdf);
		return STATUS_FAILED;
	}
	if (!function->group[0]) {
		message("%s is in no IOMMU group: turn the IOMMU on in the "
			"firmware and on the kernel's command line "
			"(intel_iommu=on)",
			function->bdf);
		return STATUS_FAILED;
	}
	if (geteuid()) {
		message("changing the driver of %s needs root; nothing was "
			"changed",
			function->bdf);
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

/* Say what a failed bind has left; what is not put back can be, later. */
static void failure_explain(const struct function *function,
			    const struct former *former, bool keep)
{
	struct function now;

	if (function_read(&this_machine, function->bdf, &now) ||
	    strcmp(now.driver, former->driver)) {
		message("%s could not be put back to %s; to try that again: "
			"barlease unbind %s",
			function->bdf,
			former->driver[0] ? former->driver : "no driver",
			function->bdf);
		return;
	}
	message("%s was put back to %s", function->bdf,
		former->driver[0] ? former->driver : "no driver");
	if (!keep)
		former_forget(&this_machine, function->bdf);
}

/*
 * What is to be put back one day. At a boot nothing has taken the function yet,
 * and the rule says what did before.
 */
static bool former_wanted(const struct function *function,
			  const struct former *now, struct former *former)
{
	struct persistent persistent;

	*former = *now;
	if (now->driver[0] ||
	    persistent_load(&this_machine, function->bdf, &persistent))
		return true;
	*former = persistent.former;
	return persistent.former_known;
}

static int function_bind(const struct function *function, const char *driver,
			 bool persist)
{
	struct former former, wanted, earlier;
	const char *step;
	bool keep;
	int err;

	err = binding_former(&this_machine, function, &former);
	if (err) {
		message("cannot read driver_override of %s: %s", function->bdf,
			error_words(err));
		return STATUS_FAILED;
	}
	/* From one VFIO driver to another: what was before both counts. */
	keep = function->vfio &&
	       !former_load(&this_machine, function->bdf, &earlier);
	wanted = former;
	if (!keep && persist && !former_wanted(function, &former, &wanted)) {
		/* The kernel chooses then, when it is unbound. */
		former_forget(&this_machine, function->bdf);
	} else if (!keep) {
		err = former_save(&this_machine, function->bdf, &wanted);
		if (err) {
			message("cannot remember the driver of %s in "
				"%s/barlease: %s; nothing was changed",
				function->bdf, this_machine.run,
				error_words(err));
			return STATUS_FAILED;
		}
	}

	err = binding_change(&this_machine, function->bdf, driver, &former,
			     &step);
	if (err) {
		if (err == -EPROTONOSUPPORT)
			message("%s is not a VFIO driver: it offers no VFIO "
				"device for %s",
				driver, function->bdf);
		else
			message("%s of %s failed: %s; the kernel's log says "
				"more (dmesg)",
				step, function->bdf, error_words(err));
		failure_explain(function, &former, keep);
		return STATUS_FAILED;
	}
	message("%s is bound to %s now (before: %s)", function->bdf, driver,
		former.driver[0] ? former.driver : "no driver");
	group_explain_rest(&this_machine, function);
	return STATUS_OK;
}

/* Before the function is taken from anybody. */
static int persist_check(const struct function *function)
{
	const char *obstacle = persistent_obstacle(&this_machine);
	struct persistent persistent;
	char path[PATH_MAX];
	int err;

	if (obstacle) {
		message("%s cannot bind %s at each boot: %s; nothing was "
			"changed",
			this_machine.command, function->bdf, obstacle);
		return STATUS_FAILED;
	}
	err = persistent_load(&this_machine, function->bdf, &persistent);
	if (!err || err == -ENOENT ||
	    persistent_path(&this_machine, function->bdf, path))
		return STATUS_OK;
	if (err == -EINVAL)
		message("%s is in the place of the rule that would bind %s at "
			"each boot, and barlease has not written it; nothing "
			"was changed",
			path, function->bdf);
	else
		message("cannot read %s: %s; nothing was changed", path,
			error_words(err));
	return STATUS_FAILED;
}

static int persist(const struct function *function, const char *driver)
{
	struct former former;
	char path[PATH_MAX];
	bool known;
	int err;

	known = !former_load(&this_machine, function->bdf, &former);
	err = persistent_path(&this_machine, function->bdf, path);
	if (!err)
		err = persistent_save(&this_machine, function, driver,
				      known ? &former : NULL);
	if (err) {
		message("%s will not be bound to %s after the next boot: "
			"cannot write %s: %s",
			function->bdf, driver, path, error_words(err));
		return STATUS_FAILED;
	}
	message("%s will be bound to %s at each boot, by %s", function->bdf,
		driver, path);
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	const char *driver = BINDING_DRIVER_DEFAULT;
	char bdf[BARLEASE_BDF_MAX];
	struct function function;
	bool force = false, persists = false;
	int option;
	int status;

	options_begin();
	while ((option = getopt_long(argc, argv, ":hf", long_options, NULL)) !=
	       -1) {
		if (option == 'd')
			driver = optarg;
		else if (option == 'f')
			force = true;
		else if (option == 'p')
			persists = true;
		else
			return option_default(&command_bind, long_options,
					      option, argv);
	}
	if (argc - optind != 1)
		return usage_error(&command_bind,
				   "exactly one PCI address is needed");
	if (!driver_name_valid(driver))
		return usage_error(&command_bind,
				   "'%s' is not the name of a driver", driver);
	status = bdf_argument(&command_bind, argv[optind], bdf);
	if (status)
		return status;
	status = function_argument(&this_machine, bdf, &function);
	if (status)
		return status;

	if (!strcmp(function.driver, driver) && !function.vfio) {
		message("%s is bound to %s already, and that is not a VFIO "
			"driver",
			bdf, driver);
		return STATUS_FAILED;
	}
	if (persists) {
		status = persist_check(&function);
		if (status)
			return status;
	}
	if (!strcmp(function.driver, driver)) {
		message("%s is bound to %s already", bdf, driver);
		return persists ? persist(&function, driver) : STATUS_OK;
	}
	status = function_check(&function);
	if (status)
		return status;
	status = use_check(&function, force);
	if (status)
		return status;
	status = driver_check(driver);
	if (status)
		return status;
	status = function_bind(&function, driver, persists);
	if (status || !persists)
		return status;
	return persist(&function, driver);
}

/* clang-format off */
const struct command command_bind = {
	.name = "bind",
	.summary = "give a function to the driver that lends its BARs",
	.help =
	"usage: barlease bind [--driver NAME] [--force] [--persist] BDF\n"
	"\n"
	"Takes the PCI function at BDF from its present driver and gives it\n"
	"to barlease-vfio-pci, a VFIO driver that can lend pieces of its\n"
	"BARs. What the former driver offered (a disk, a network interface)\n"
	"is gone until 'barlease unbind'.\n"
	"\n"
	"Refuses, and says what it is, when something uses the function: a\n"
	"mounted disk or swap (also with LVM or RAID in between), a network\n"
	"interface that is up in this network namespace or may be in another\n"
	"one, or a process that owns it through VFIO. When a step fails, the function gets its\n"
	"former driver back.\n"
	"\n"
	"  --driver NAME  another VFIO driver, such as vfio-pci\n"
	"  --force        take it although a disk or a network interface is\n"
	"                 in use; data that are not on the disk yet are lost\n"
	"  --persist      do the same at each boot, until 'barlease unbind\n"
	"                 --persist': by a rule of udev in\n"
	"                 /etc/udev/rules.d, for a function with the same\n"
	"                 vendor, device and class at this address. One that\n"
	"                 is in use by then is left alone. That is early in\n"
	"                 the boot: this command must be on the root file\n"
	"                 system, or on a /usr that the initramfs mounts\n"
	"\n"
	"Examples:\n"
	"  barlease bind 0000:00:04.0\n"
	"  barlease bind --driver vfio-pci 00:04.0\n"
	"  barlease bind --persist 0000:00:04.0\n",
	.run = run,
};
