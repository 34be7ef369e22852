// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "access_options.h"
#include "command.h"
#include "options.h"
#include "window.h"

static const struct option long_options[] = {
	{ "count", required_argument, NULL, 'c' },
	{ "fd", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "width", required_argument, NULL, 'w' },
	{ 0 },
};

static int window_print(const struct window *window, unsigned int width,
			uint64_t count)
{
	uint64_t value;
	int status;

	for (uint64_t i = 0; i < count; i++) {
		status = window_read(window, i * width / 8, width, &value);
		if (status)
			return status;
		printf("0x%0*" PRIx64 "\n", (int)width / 4, value);
	}
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	struct access_options access = { .fd = WINDOW_FD_INHERITED,
					 .width = 32 };
	struct window window;
	uint64_t count = 1;
	uint64_t length;
	int status = STATUS_OK;
	int option;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'f')
			status = fd_argument(&command_peek, optarg, &access.fd);
		else if (option == 'w')
			status = width_argument(&command_peek, optarg,
						&access.width);
		else if (option == 'c')
			status = number_argument(&command_peek, "count", optarg,
						 &count);
		else
			return option_default(&command_peek, long_options,
					      option, argv);
		if (status)
			return status;
	}
	if (argc - optind != 1)
		return usage_error(&command_peek,
				   "exactly one offset is needed");
	status = offset_argument(&command_peek, argv[optind], &access);
	if (status)
		return status;
	if (!count || __builtin_mul_overflow(count, access.width / 8, &length))
		return usage_error(&command_peek,
				   "a count of %" PRIu64 " is not possible",
				   count);

	status = window_lease(&command_peek, access.fd, &window);
	if (!status)
		status = window_map(&window, access.offset, length, PROT_READ);
	if (status)
		return status;
	status = window_print(&window, access.width, count);
	window_end(&window);
	return status;
}

/* clang-format off */
const struct command command_peek = {
	.name = "peek",
	.summary = "read values from the lease",
	.help =
	"usage: barlease peek [--width 8|16|32|64] [--count N] [--fd FD]\n"
	"         OFFSET\n"
	"\n"
	"Reads from the lease that this process was started with (see\n"
	"barlease run --help) and prints each value on a line of its own, in\n"
	"hexadecimal. Every value is one little-endian load of exactly that\n"
	"width (32 bits where --width does not say), as device registers want\n"
	"it; so OFFSET must be a multiple of the width.\n"
	"\n"
	"  --width BITS  of each value\n"
	"  --count N     values to read, one after the other\n"
	"  --fd FD       the lease is this open file descriptor\n"
	"\n"
	"Fails when the lease is gone: revoked, or its device away.\n"
	"\n"
	"Examples:\n"
	"  barlease run '0000:00:04.0:2[0+4K]' -- barlease peek 0x10\n"
	"  barlease peek --width 8 --count 16 4K\n",
	.run = run,
};
