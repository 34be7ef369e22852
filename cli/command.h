/* SPDX-License-Identifier: MIT */
/* What a command is, and the ways in which all of them end. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1, /* the operation failed */
	STATUS_USAGE = 2, /* bad command line; nothing was changed */
};

struct command {
	const char *name;
	const char *summary; /* for the list of commands */
	const char *help; /* what it is, usage, examples */
	/*
	 * argv[0] is the command's name. Returns the exit status, which for
	 * "run" is that of the command that it ran.
	 */
	int (*run)(int argc, char **argv);
};

extern const struct command command_list;
extern const struct command command_bind;
extern const struct command command_unbind;
extern const struct command command_run;
extern const struct command command_peek;
extern const struct command command_poke;
extern const struct command command_fill;
extern const struct command command_load;
extern const struct command command_save;
extern const struct command command_reset;
extern const struct command command_request;
extern const struct command command_watch;
extern const struct command command_stat;
extern const struct command command_recall;
extern const struct command command_revoke;
extern const struct command command_doctor;
extern const struct command command_explain;

#endif /* CLI_COMMAND_H */
