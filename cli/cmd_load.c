// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "options.h"
#include "source.h"
#include "window.h"

static const struct option long_options[] = {
	{ "fd", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "offset", required_argument, NULL, 'o' },
	{ 0 },
};

static int window_fill(const struct window *window, struct source *source,
		       const char *name)
{
	const void *piece;
	size_t length;
	int status;
	int err;

	for (size_t done = 0; done < source->size; done += length) {
		err = source_next(source, &piece, &length);
		if (err) {
			message("cannot read %s after %zu"
				" bytes, which are in the lease now: %s",
				name, done,
				err == -ENODATA ? "it became shorter"
						: error_words(err));
			return STATUS_FAILED;
		}
		status = window_copy_to(window, done, piece, length);
		if (status)
			return status;
	}
	return STATUS_OK;
}

static int source_load(struct window *window, uint64_t offset, const char *name)
{
	uint64_t room = window->size > offset ? window->size - offset : 0;
	struct source source;
	int status;
	int err;

	err = source_open(&source, name, room);
	if (err == -EFBIG) {
		message("%s does not fit: it has %s%" PRIu64
			" bytes, and the lease has %" PRIu64
			" from offset 0x%" PRIx64 "; nothing was written",
			name, source.at_least ? "at least " : "", source.size,
			room, offset);
		return STATUS_FAILED;
	}
	if (err) {
		message("cannot read %s: %s; nothing was written", name,
			error_words(err));
		return STATUS_FAILED;
	}
	if (!source.size) {
		source_close(&source);
		return STATUS_OK;
	}

	status =
		window_map(window, offset, source.size, PROT_READ | PROT_WRITE);
	if (!status) {
		status = window_fill(window, &source, name);
		window_end(window);
	}
	source_close(&source);
	return status;
}

static int run(int argc, char **argv)
{
	int fd = WINDOW_FD_INHERITED;
	struct window window;
	uint64_t offset = 0;
	int status = STATUS_OK;
	int option;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'f')
			status = fd_argument(&command_load, optarg, &fd);
		else if (option == 'o')
			status = number_argument(&command_load, "offset",
						 optarg, &offset);
		else
			return option_default(&command_load, long_options,
					      option, argv);
		if (status)
			return status;
	}
	if (argc - optind != 1)
		return usage_error(&command_load, "exactly one file is needed");

	status = window_lease(&command_load, fd, &window);
	if (status)
		return status;
	return source_load(&window, offset, argv[optind]);
}

/* clang-format off */
const struct command command_load = {
	.name = "load",
	.summary = "write a file to the lease",
	.help =
	"usage: barlease load [--offset OFFSET] [--fd FD] FILE\n"
	"\n"
	"Writes the bytes of FILE ('-' is the standard input) to the lease\n"
	"that this process was started with (see barlease run --help), and\n"
	"not a byte more. What does not fit is refused before the first byte\n"
	"is written. Uses aligned 64 and 32 bit stores, and 8 bit ones at the\n"
	"ends.\n"
	"\n"
	"  --offset OFFSET  where in the lease to begin\n"
	"  --fd FD          the lease is this open file descriptor\n"
	"\n"
	"Fails when the lease is read-only, or gone: revoked, or its device\n"
	"away.\n"
	"\n"
	"Examples:\n"
	"  barlease run '0000:00:04.0:2[2M+2M]' -- barlease load firmware.bin\n"
	"  echo hello | barlease load --offset 4K -\n",
	.run = run,
};
