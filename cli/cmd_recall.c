// SPDX-License-Identifier: MIT
#include <getopt.h>

#include "command.h"
#include "control/protocol.h"
#include "options.h"
#include "take_back.h"

static const struct option long_options[] = {
	{ "control", required_argument, NULL, 'c' },
	{ "grace", required_argument, NULL, 'g' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

static int run(int argc, char **argv)
{
	struct take_back how = {
		.command = &command_recall,
		.done = "recalled",
		.grace = CONTROL_GRACE_OF_OFFER,
	};
	int option;
	int status;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j') {
			how.json = true;
		} else if (option == 'c') {
			how.control = optarg;
		} else if (option == 'g') {
			status = time_argument(&command_recall, "grace", optarg,
					       &how.grace);
			if (status)
				return status;
		} else {
			return option_default(&command_recall, long_options,
					      option, argv);
		}
	}
	if (optind >= argc)
		return usage_error(&command_recall,
				   "which leases? See barlease list");
	return take_back(&how, argc - optind, argv + optind);
}

/* clang-format off */
const struct command command_recall = {
	.name = "recall",
	.summary = "ask for leases back, and revoke them if they do not come",
	.help =
	"usage: barlease recall [--grace TIME] [--json] [--control SOCKET]\n"
	"         LEASE...\n"
	"\n"
	"Asks for leases of barleased back. Each LEASE is the number of one,\n"
	"or SLICE or SLICE/INDEX for all that are of it, as barlease list\n"
	"shows them. Their lessees are told, and what they have not given\n"
	"back in time is revoked. For the operator: root, and the user that\n"
	"barleased runs as.\n"
	"\n"
	"  --control SOCKET\n"
	"           where barleased listens to operators; otherwise\n"
	"           /run/barlease/control.sock\n"
	"  --grace TIME\n"
	"           how long they have, such as 500ms, 5s, 2m, 1h or 1d;\n"
	"           forever: it is asked for, and that is all. Otherwise what\n"
	"           the policy says.\n"
	"  --json   print the numbers of the leases as JSON\n"
	"\n"
	"Examples:\n"
	"  barlease recall 17\n"
	"  barlease recall --grace 10s queues queues/3\n",
	.run = run,
};
