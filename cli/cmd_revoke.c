// SPDX-License-Identifier: MIT
#include <getopt.h>

#include "command.h"
#include "options.h"
#include "take_back.h"

static const struct option long_options[] = {
	{ "control", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

static int run(int argc, char **argv)
{
	struct take_back how = {
		.command = &command_revoke,
		.done = "revoked",
		.revoke = true,
	};
	int option;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j')
			how.json = true;
		else if (option == 'c')
			how.control = optarg;
		else
			return option_default(&command_revoke, long_options,
					      option, argv);
	}
	if (optind >= argc)
		return usage_error(&command_revoke,
				   "which leases? See barlease list");
	return take_back(&how, argc - optind, argv + optind);
}

/* clang-format off */
const struct command command_revoke = {
	.name = "revoke",
	.summary = "take leases back at once",
	.help =
	"usage: barlease revoke [--json] [--control SOCKET] LEASE...\n"
	"\n"
	"Takes leases of barleased back, whatever their lessees are at: when\n"
	"it returns, their accesses fail (SIGBUS). Each LEASE is the number\n"
	"of one, or SLICE or SLICE/INDEX for all that are of it, as barlease\n"
	"list shows them. A stuck lease, which the kernel has not taken back,\n"
	"is tried again. For the operator: root, and the user that barleased\n"
	"runs as.\n"
	"\n"
	"  --control SOCKET\n"
	"           where barleased listens to operators; otherwise\n"
	"           /run/barlease/control.sock\n"
	"  --json   print the numbers of the leases as JSON\n"
	"\n"
	"Examples:\n"
	"  barlease revoke 17\n"
	"  barlease revoke queues/3\n",
	.run = run,
};
