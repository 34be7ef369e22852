/* SPDX-License-Identifier: MIT */
/* Reading a command line. Each of these says itself what is wrong with it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <getopt.h>
#include <stdint.h>

#include "barlease.h"
#include "command.h"

/**
 * usage_error() - complain about the command line
 * @command: whose
 * @format: what is wrong, with the wrong value
 *
 * Return: STATUS_USAGE.
 */
__attribute__((format(printf, 2, 3))) int
usage_error(const struct command *command, const char *format, ...);

/**
 * option_default() - what every command answers to the same way
 * @command: which
 * @options: those that it has
 * @option: what getopt_long() returned and the command does not know itself
 * @argv: the command line
 *
 * Prints the help for 'h', and complains about anything else.
 *
 * Return: the exit status.
 */
int option_default(const struct command *command, const struct option *options,
		   int option, char **argv);

/**
 * options_begin() - make getopt_long() ready for a command's own line
 */
void options_begin(void);

/**
 * number_argument() - read a number such as 4096, 0x1000, 4K or 2M
 * @command: whose
 * @what: what the number is, for the complaint
 * @text: its text
 * @value: where to put it
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int number_argument(const struct command *command, const char *what,
		    const char *text, uint64_t *value);

/**
 * time_argument() - read a time such as 500ms, 5s, 2m, 1h, 1d, or forever
 * @command: whose
 * @what: what it is, for the complaint
 * @text: its text
 * @value: where to put it, in ms; forever is UINT64_MAX
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int time_argument(const struct command *command, const char *what,
		  const char *text, uint64_t *value);

/**
 * bdf_argument() - read a PCI address
 * @command: whose
 * @text: its text
 * @bdf: where to put the canonical form, BARLEASE_BDF_MAX bytes
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int bdf_argument(const struct command *command, const char *text, char *bdf);

/**
 * vf_token_argument() - check a VF token
 * @command: whose
 * @text: its text
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int vf_token_argument(const struct command *command, const char *text);

/**
 * way_argument() - read a way to open a function
 * @command: whose
 * @text: its text
 * @way: where to put it
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int way_argument(const struct command *command, const char *text,
		 enum barlease_way *way);

/**
 * fd_argument() - read the number of an open fd
 * @command: whose
 * @text: its text
 * @fd: where to put it
 *
 * Return: STATUS_OK or STATUS_USAGE.
 */
int fd_argument(const struct command *command, const char *text, int *fd);

#endif /* CLI_OPTIONS_H */
