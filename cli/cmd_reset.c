// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>

#include "command.h"
#include "function.h"
#include "message.h"
#include "open_device.h"
#include "options.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "open", required_argument, NULL, 'o' },
	{ "vf-token", required_argument, NULL, 't' },
	{ 0 },
};

static int run(int argc, char **argv)
{
	struct open_options options = { 0 };
	char bdf[BARLEASE_BDF_MAX];
	struct barlease_device *dev;
	struct function function;
	int option;
	int status;
	int err;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 't') {
			options.vf_token = optarg;
			status = vf_token_argument(&command_reset, optarg);
		} else if (option == 'o') {
			status = way_argument(&command_reset, optarg,
					      &options.way);
		} else {
			return option_default(&command_reset, long_options,
					      option, argv);
		}
		if (status)
			return status;
	}
	if (argc - optind != 1)
		return usage_error(&command_reset,
				   "exactly one PCI address is needed");
	status = bdf_argument(&command_reset, argv[optind], bdf);
	if (status)
		return status;
	status = function_argument(&this_machine, bdf, &function);
	if (status)
		return status;

	status = open_device(&function, &options, &dev);
	if (status)
		return status;
	err = barlease_device_reset(dev);
	barlease_device_close(dev);
	if (err == -ENOTTY) {
		message("%s has no way to be reset by itself; the kernel's "
			"log says more (dmesg)",
			bdf);
		return STATUS_FAILED;
	}
	if (err) {
		message("resetting %s failed: %s; the kernel's log says more "
			"(dmesg), and unbinding and binding it may help",
			bdf, error_words(err));
		return STATUS_FAILED;
	}
	message("%s is reset", bdf);
	return STATUS_OK;
}

/* clang-format off */
const struct command command_reset = {
	.name = "reset",
	.summary = "reset a function that no other process owns",
	.help =
	"usage: barlease reset [--open WAY] [--vf-token UUID] BDF\n"
	"\n"
	"Opens the PCI function at BDF through VFIO and resets it (by FLR,\n"
	"power management or the bus, as the kernel finds). The function must\n"
	"be bound to a VFIO driver, and no other process may own it: one that\n"
	"does resets it itself.\n"
	"\n"
	"  --open WAY       iommufd or group, see barlease run\n"
	"  --vf-token UUID  the token of an SR-IOV device, see barlease run\n"
	"\n"
	"Example:\n"
	"  barlease reset 0000:00:04.0\n",
	.run = run,
};
