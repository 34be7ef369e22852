// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "message.h"
#include "standard_fds.h"

/* In the order of whom they are for, see heading_of(). */
static const struct command *const commands[] = {
	&command_list,	 &command_doctor, &command_explain, &command_request,
	&command_watch,	 &command_stat,	  &command_recall,  &command_revoke,
	&command_bind,	 &command_unbind, &command_run,	    &command_reset,
	&command_peek,	 &command_poke,	  &command_load,    &command_save,
	&command_fill,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* clang-format off */
static const char usage_begin[] =
	"usage: barlease COMMAND [ARGUMENT...]\n"
	"\n"
	"Lends a piece of a PCI BAR to another process, and takes it back.\n"
	"The process that borrows it holds one file descriptor, which it can\n"
	"map and do nothing else with; it needs no privilege and no access\n"
	"to the device.\n"
	"\n";
static const char usage_end[] =
	"\n"
	"'barlease COMMAND --help' explains each of them.\n"
	"\n"
	"Example, for the first 2 MiB of BAR 2:\n"
	"  barlease list\n"
	"  barlease bind 0000:00:04.0\n"
	"  barlease run '0000:00:04.0:2[0+2M]' --user nobody -- \\\n"
	"    barlease poke 0x10 0xcafe\n"
	"  barlease unbind 0000:00:04.0\n"
	"\n"
	"Exit status: 0 when it is done, 1 when it failed, 2 when the command\n"
	"line is wrong.\n";
/* clang-format on */

static const char *heading_of(const struct command *command)
{
	if (command == &command_list)
		return "For everybody:";
	if (command == &command_watch)
		return "\nFor the operator of barleased:";
	if (command == &command_bind)
		return "\nFor the owner of the device, as root:";
	if (command == &command_peek)
		return "\nFor the borrower, under barlease run or barlease "
		       "request:";
	return NULL;
}

static void usage(FILE *out)
{
	fputs(usage_begin, out);
	for (size_t i = 0; i < COMMANDS; i++) {
		const char *heading = heading_of(commands[i]);

		if (heading)
			fprintf(out, "%s\n", heading);
		fprintf(out, "  %-8s%s\n", commands[i]->name,
			commands[i]->summary);
	}
	fputs(usage_end, out);
}

static int command_dispatch(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		usage(stdout);
		return STATUS_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("barlease " BARLEASE_VERSION);
		return STATUS_OK;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(argc - 1, argv + 1);
	message("no such command: %s; see barlease --help", argv[1]);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	int status;
	int err;

	err = standard_fds_open();
	if (err) {
		message("cannot open /dev/null in the place of a closed "
			"standard stream: %s",
			error_words(err));
		return STATUS_FAILED;
	}
	status = command_dispatch(argc, argv);

	/* Data that could not be written are data that are not there. */
	if (fflush(stdout) || ferror(stdout)) {
		message("cannot write to the standard output: %s",
			error_words(-errno));
		if (status == STATUS_OK)
			status = STATUS_FAILED;
	}
	return status;
}
