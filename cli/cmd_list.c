// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "command.h"
#include "function.h"
#include "function_table.h"
#include "message.h"
#include "options.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

static int functions_read(const char *bdf, struct function **functions,
			  size_t *count)
{
	int status;
	int err;

	if (!bdf) {
		err = function_list(&this_machine, functions, count);
		if (!err)
			return STATUS_OK;
		message("cannot read %s/bus/pci/devices: %s",
			this_machine.sysfs, error_words(err));
		return STATUS_FAILED;
	}

	*functions = malloc(sizeof(**functions));
	if (!*functions) {
		message("out of memory");
		return STATUS_FAILED;
	}
	status = function_argument(&this_machine, bdf, *functions);
	if (status) {
		free(*functions);
		return status;
	}
	*count = 1;
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	char bdf[BARLEASE_BDF_MAX];
	struct function *functions;
	bool json = false;
	size_t count;
	int option;
	int status;
	int err;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j')
			json = true;
		else
			return option_default(&command_list, long_options,
					      option, argv);
	}
	if (argc - optind > 1)
		return usage_error(&command_list, "too many arguments: %s",
				   argv[optind + 1]);
	if (optind < argc) {
		status = bdf_argument(&command_list, argv[optind], bdf);
		if (status)
			return status;
	}

	status = functions_read(optind < argc ? bdf : NULL, &functions, &count);
	if (status)
		return status;
	err = function_table_print(functions, count, json);
	free(functions);
	if (err) {
		message("cannot make the table: %s", error_words(err));
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

/* clang-format off */
const struct command command_list = {
	.name = "list",
	.summary = "the PCI functions, their BARs and what can be lent",
	.help =
	"usage: barlease list [--json] [BDF]\n"
	"\n"
	"Shows the PCI functions of this machine (or the one at BDF): ids,\n"
	"class, driver, IOMMU group (/dev/vfio/GROUP), the file that it has in\n"
	"/dev/vfio/devices if the kernel makes those, and a line for each BAR\n"
	"with its size, its kind and whether it can be lent - and if it\n"
	"cannot, why not.\n"
	"Reads sysfs only, so anybody may, and no device is touched.\n"
	"\n"
	"  --json   print JSON: one element per BAR (or per function without\n"
	"           BARs), sizes in bytes\n"
	"\n"
	"Examples:\n"
	"  barlease list\n"
	"  barlease list 0000:00:04.0\n"
	"  barlease list --json\n",
	.run = run,
};
