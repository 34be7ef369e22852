// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <sys/mman.h>

#include "access_options.h"
#include "command.h"
#include "options.h"
#include "window.h"

static const struct option long_options[] = {
	{ "fd", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "width", required_argument, NULL, 'w' },
	{ 0 },
};

static int poke_value(const struct access_options *access, uint64_t value)
{
	struct window window;
	int status;

	status = window_lease(&command_poke, access->fd, &window);
	if (!status)
		status = window_map(&window, access->offset, access->width / 8,
				    PROT_READ | PROT_WRITE);
	if (status)
		return status;
	status = window_write(&window, 0, access->width, value);
	window_end(&window);
	return status;
}

static int run(int argc, char **argv)
{
	struct access_options access = { .fd = WINDOW_FD_INHERITED,
					 .width = 32 };
	uint64_t value;
	int status = STATUS_OK;
	int option;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'f')
			status = fd_argument(&command_poke, optarg, &access.fd);
		else if (option == 'w')
			status = width_argument(&command_poke, optarg,
						&access.width);
		else
			return option_default(&command_poke, long_options,
					      option, argv);
		if (status)
			return status;
	}
	if (argc - optind != 2)
		return usage_error(&command_poke,
				   "exactly an offset and a value are needed");
	status = offset_argument(&command_poke, argv[optind], &access);
	if (status)
		return status;
	status = value_argument(&command_poke, argv[optind + 1], &access,
				&value);
	if (status)
		return status;

	return poke_value(&access, value);
}

/* clang-format off */
const struct command command_poke = {
	.name = "poke",
	.summary = "write a value to the lease",
	.help =
	"usage: barlease poke [--width 8|16|32|64] [--fd FD] OFFSET VALUE\n"
	"\n"
	"Writes VALUE to the lease that this process was started with (see\n"
	"barlease run --help): one little-endian store of exactly that width\n"
	"(32 bits where --width does not say), as device registers want it;\n"
	"so OFFSET must be a multiple of the width. Nothing is read back.\n"
	"\n"
	"  --width BITS  of the value\n"
	"  --fd FD       the lease is this open file descriptor\n"
	"\n"
	"Fails when the lease is read-only, or gone: revoked, or its device\n"
	"away.\n"
	"\n"
	"Examples:\n"
	"  barlease run '0000:00:04.0:2[0+4K]' -- barlease poke 0x10 0xcafe\n"
	"  barlease poke --width 64 4K 0x1122334455667788\n",
	.run = run,
};
