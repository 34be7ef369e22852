// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "access_options.h"
#include "command.h"
#include "options.h"
#include "window.h"

static const struct option long_options[] = {
	{ "fd", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "length", required_argument, NULL, 'l' },
	{ "offset", required_argument, NULL, 'o' },
	{ "width", required_argument, NULL, 'w' },
	{ 0 },
};

struct fill {
	struct access_options access;
	uint64_t length; /* bytes; 0: to the end of the lease */
	uint64_t value;
};

static int lease_fill(struct fill *fill)
{
	unsigned int bytes = fill->access.width / 8;
	struct window window;
	int status;

	status = window_lease(&command_fill, fill->access.fd, &window);
	if (!status && !fill->length)
		status = window_rest(&window, fill->access.offset,
				     &fill->length);
	if (status)
		return status;
	/* Before the first store: not a part of a value at the end. */
	if (fill->length % bytes)
		return usage_error(&command_fill,
				   "%" PRIu64 " bytes are no whole number of "
				   "values of %u bits",
				   fill->length, fill->access.width);
	status = window_map(&window, fill->access.offset, fill->length,
			    PROT_READ | PROT_WRITE);
	if (status)
		return status;
	for (uint64_t done = 0; !status && done < fill->length; done += bytes)
		status = window_write(&window, done, fill->access.width,
				      fill->value);
	window_end(&window);
	return status;
}

static int run(int argc, char **argv)
{
	struct fill fill = { .access = { .fd = WINDOW_FD_INHERITED,
					 .width = 32 } };
	const char *offset = "0";
	bool have_length = false;
	int status = STATUS_OK;
	int option;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'f') {
			status = fd_argument(&command_fill, optarg,
					     &fill.access.fd);
		} else if (option == 'w') {
			status = width_argument(&command_fill, optarg,
						&fill.access.width);
		} else if (option == 'o') {
			offset = optarg;
		} else if (option == 'l') {
			status = number_argument(&command_fill, "length",
						 optarg, &fill.length);
			have_length = true;
		} else {
			return option_default(&command_fill, long_options,
					      option, argv);
		}
		if (status)
			return status;
	}
	if (argc - optind != 1)
		return usage_error(&command_fill,
				   "exactly one value is needed");
	if (have_length && !fill.length)
		return usage_error(&command_fill,
				   "a length of 0 fills nothing");
	/* These want the width, which may come behind them. */
	status = offset_argument(&command_fill, offset, &fill.access);
	if (!status)
		status = value_argument(&command_fill, argv[optind],
					&fill.access, &fill.value);
	if (status)
		return status;
	return lease_fill(&fill);
}

/* clang-format off */
const struct command command_fill = {
	.name = "fill",
	.summary = "write one value all over the lease",
	.help =
	"usage: barlease fill [--width 8|16|32|64] [--offset OFFSET]\n"
	"         [--length LENGTH] [--fd FD] VALUE\n"
	"\n"
	"Writes VALUE again and again to the lease that this process was\n"
	"started with (see barlease run --help): to all of it, or to the\n"
	"piece that the options say. Every value is one little-endian store\n"
	"of exactly that width (32 bits where --width does not say), from the\n"
	"lowest address up; so OFFSET and LENGTH must be multiples of it.\n"
	"What does not fit is refused before the first store. Stores to a\n"
	"write-combining lease are on their way to the device when it ends.\n"
	"\n"
	"  --width BITS     of each value\n"
	"  --offset OFFSET  where in the lease to begin\n"
	"  --length LENGTH  how many bytes, not values\n"
	"  --fd FD          the lease is this open file descriptor\n"
	"\n"
	"Fails when the lease is read-only, or gone: revoked, or its device\n"
	"away.\n"
	"\n"
	"Examples:\n"
	"  barlease run '0000:00:04.0:2[2M+2M]' -- barlease fill 0\n"
	"  barlease fill --width 8 --offset 4K --length 64 0xff\n",
	.run = run,
};
