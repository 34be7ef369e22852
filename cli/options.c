// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "device/uuid.h"
#include "message.h"
#include "slice/number.h"

int usage_error(const struct command *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "barlease: %s: ", command->name);
	message_list(format, args);
	fprintf(stderr, "; see barlease %s --help\n", command->name);
	va_end(args);
	return STATUS_USAGE;
}

void options_begin(void)
{
	/* 0 rather than 1 makes glibc forget what it knew of another line. */
	optind = 0;
	opterr = 0;
}

/* Whether getopt_long() means one that has "=VALUE" behind it, and no use. */
static bool has_useless_value(const struct option *options, const char *word)
{
	if (strncmp(word, "--", 2) || !strchr(word, '='))
		return false;
	for (; options->name; options++)
		if (options->has_arg == no_argument && options->val == optopt)
			return true;
	return false;
}

int option_default(const struct command *command, const struct option *options,
		   int option, char **argv)
{
	const char *word = argv[optind - 1];

	if (option == 'h') {
		fputs(command->help, stdout);
		return STATUS_OK;
	}
	if (option == ':')
		return usage_error(command, "%s needs a value", word);
	if (has_useless_value(options, word))
		return usage_error(command, "%.*s takes no value",
				   (int)strcspn(word, "="), word);
	/* A short option may stand in the middle of a word of several. */
	if (optopt > 0 && optopt < 0x80)
		return usage_error(command, "no such option: -%c", optopt);
	return usage_error(command, "no such option: %s", word);
}

int number_argument(const struct command *command, const char *what,
		    const char *text, uint64_t *value)
{
	int err = barlease_number_parse(text, value);

	if (err == -ERANGE)
		return usage_error(command, "the %s %s does not fit in 64 bits",
				   what, text);
	if (err)
		return usage_error(command,
				   "the %s '%s' is not a number such as 4096, "
				   "0x1000, 4K or 2M",
				   what, text);
	return STATUS_OK;
}

/* The largest time that is not one of the protocol's own words for it. */
#define TIME_MAX (UINT64_MAX - 2)

int time_argument(const struct command *command, const char *what,
		  const char *text, uint64_t *value)
{
	static const struct {
		const char *name;
		uint64_t factor;
	} units[] = {
		{ "ms", 1 },	   { "s", 1000 },      { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 },
	};
	size_t digits = strspn(text, "0123456789");
	uint64_t number;

	if (!strcmp(text, "forever")) {
		*value = UINT64_MAX;
		return STATUS_OK;
	}
	errno = 0;
	number = strtoull(text, NULL, 10);
	for (size_t i = 0; digits && i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (errno ||
		    __builtin_mul_overflow(number, units[i].factor, value) ||
		    *value > TIME_MAX)
			return usage_error(command,
					   "the %s %s is longer than 64 bits "
					   "can tell in ms",
					   what, text);
		return STATUS_OK;
	}
	return usage_error(command,
			   "the %s '%s' is not a time such as 500ms, 5s, 2m, "
			   "1h, 1d or forever",
			   what, text);
}

int bdf_argument(const struct command *command, const char *text, char *bdf)
{
	if (barlease_bdf_parse(text, bdf))
		return usage_error(command,
				   "'%s' is not a PCI address such as "
				   "0000:00:04.0",
				   text);
	return STATUS_OK;
}

int vf_token_argument(const struct command *command, const char *text)
{
	if (barlease_uuid_valid(text))
		return STATUS_OK;
	return usage_error(command,
			   "'%s' is not a VF token (a UUID, as uuidgen prints "
			   "one)",
			   text);
}

int way_argument(const struct command *command, const char *text,
		 enum barlease_way *way)
{
	if (!strcmp(text, "iommufd"))
		*way = BARLEASE_BY_IOMMUFD;
	else if (!strcmp(text, "group"))
		*way = BARLEASE_BY_GROUP;
	else
		return usage_error(command,
				   "'%s' is no way to open a function; there "
				   "are iommufd and group",
				   text);
	return STATUS_OK;
}

int fd_argument(const struct command *command, const char *text, int *fd)
{
	uint64_t value;

	if (barlease_number_parse(text, &value) || value > INT_MAX)
		return usage_error(command, "'%s' is not a file descriptor",
				   text);
	if (fcntl((int)value, F_GETFD) < 0)
		return usage_error(command, "file descriptor %s is not open",
				   text);
	*fd = (int)value;
	return STATUS_OK;
}
