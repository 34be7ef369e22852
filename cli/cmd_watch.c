// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "operators.h"
#include "options.h"
#include "screen.h"
#include "watch_line.h"
#include "watch_screen.h"

static const struct option long_options[] = {
	{ "control", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "lines", no_argument, NULL, 'l' },
	{ 0 },
};

/* Return: whether somebody reads it. */
static bool line_print(const struct watch_line *line, bool json)
{
	watch_line_print(stdout, line, json);
	return !fflush(stdout);
}

static int watch_begin(int fd, bool json)
{
	struct holdings holdings = { 0 };
	int err = holdings_ask(fd, CONTROL_WATCH, &holdings);

	for (size_t i = 0; i < holdings.lease_count && !err; i++) {
		const struct watch_line line = {
			.event = EVENT_HELD,
			.lease = &holdings.leases[i],
		};

		if (!line_print(&line, json))
			break;
	}
	holdings_free(&holdings);
	return err;
}

static int watch(int fd, bool json)
{
	union control_packet packet;
	int err = watch_begin(fd, json);

	while (!err && !ferror(stdout)) {
		err = operators_receive(fd, &packet, true);
		if (!err && packet.header.type == CONTROL_EVENT) {
			const struct watch_line line =
				watch_line_of(&packet.event);

			line_print(&line, json);
		} else if (!err) {
			err = -EPROTO;
		}
	}
	return err;
}

static int run(int argc, char **argv)
{
	const char *control = NULL;
	char path[PATH_MAX];
	bool json = false, lines = false;
	int option;
	int status;
	int err;
	int fd;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j')
			json = true;
		else if (option == 'c')
			control = optarg;
		else if (option == 'l')
			lines = true;
		else
			return option_default(&command_watch, long_options,
					      option, argv);
	}
	if (optind < argc)
		return usage_error(&command_watch, "too many arguments: %s",
				   argv[optind]);
	status = operators_open(control, path, &fd);
	if (status)
		return status;
	err = json || lines || !screen_there() ? watch(fd, json) :
						 watch_screen(path, fd);
	close(fd);
	/* main() tells of a reader that has gone. */
	if (err == -ECONNRESET)
		message("barleased has ended");
	else if (err)
		message("cannot watch: %s", error_words(err));
	return STATUS_FAILED;
}

/* clang-format off */
const struct command command_watch = {
	.name = "watch",
	.summary = "show what happens to leases, as it happens",
	.help =
	"usage: barlease watch [--json|--lines] [--control SOCKET]\n"
	"\n"
	"On a terminal: shows the slices, who holds what and who waits, as\n"
	"'barlease list' does, and below it what happened last, as it\n"
	"changes.\n"
	"\n"
	"Otherwise, or with --lines: shows a line for each lease that\n"
	"barleased has lent now (held), and then one for each that is\n"
	"granted, recalled, ended or stuck, and for each request that is\n"
	"denied, with who and why.\n"
	"\n"
	"It goes on until it is ended or barleased ends. For the operator:\n"
	"root, and the user that barleased runs as.\n"
	"\n"
	"  --control SOCKET\n"
	"           where barleased listens to operators; otherwise\n"
	"           /run/barlease/control.sock\n"
	"  --json   print an object of JSON on each line, sizes in bytes and\n"
	"           times in milliseconds\n"
	"  --lines  print lines on a terminal, too\n"
	"\n"
	"Examples:\n"
	"  barlease watch\n"
	"  barlease watch --json | jq 'select(.event == \"denied\")'\n",
	.run = run,
};
