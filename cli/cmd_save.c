// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "options.h"
#include "window.h"

#define CHUNK 65536

static const struct option long_options[] = {
	{ "fd", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "length", required_argument, NULL, 'l' },
	{ "offset", required_argument, NULL, 'o' },
	{ 0 },
};

static int write_all(int fd, const unsigned char *buf, size_t length)
{
	ssize_t n;

	while (length) {
		n = write(fd, buf, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		length -= (size_t)n;
	}
	return 0;
}

static int window_write_to(const struct window *window, size_t length, int fd,
			   const char *name)
{
	/* Static: too large for a stack, and there is one at a time. */
	static unsigned char buf[CHUNK];
	int status;
	int err;

	for (size_t done = 0, piece; done < length; done += piece) {
		piece = length - done < CHUNK ? length - done : CHUNK;
		status = window_copy_from(window, done, buf, piece);
		if (status)
			return status;
		err = write_all(fd, buf, piece);
		if (err) {
			message("cannot write to %s: %s", name,
				error_words(err));
			return STATUS_FAILED;
		}
	}
	return STATUS_OK;
}

static int window_save(const struct window *window, uint64_t length,
		       const char *name)
{
	int status;
	int fd;

	if (!strcmp(name, "-"))
		return window_write_to(window, length, STDOUT_FILENO,
				       "the standard output");

	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		message("cannot write to %s: %s", name, error_words(-errno));
		return STATUS_FAILED;
	}
	status = window_write_to(window, length, fd, name);
	if (close(fd) < 0 && !status) {
		message("cannot write to %s: %s", name, error_words(-errno));
		status = STATUS_FAILED;
	}
	return status;
}

static int run(int argc, char **argv)
{
	int fd = WINDOW_FD_INHERITED;
	uint64_t offset = 0, length = 0;
	bool have_length = false;
	struct window window;
	int status = STATUS_OK;
	int option;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'f') {
			status = fd_argument(&command_save, optarg, &fd);
		} else if (option == 'o') {
			status = number_argument(&command_save, "offset",
						 optarg, &offset);
		} else if (option == 'l') {
			status = number_argument(&command_save, "length",
						 optarg, &length);
			have_length = true;
		} else {
			return option_default(&command_save, long_options,
					      option, argv);
		}
		if (status)
			return status;
	}
	if (argc - optind != 1)
		return usage_error(&command_save, "exactly one file is needed");
	if (have_length && !length)
		return usage_error(&command_save,
				   "a length of 0 saves nothing");

	status = window_lease(&command_save, fd, &window);
	if (!status && !have_length)
		status = window_rest(&window, offset, &length);
	if (status)
		return status;
	status = window_map(&window, offset, length, PROT_READ);
	if (status)
		return status;
	status = window_save(&window, length, argv[optind]);
	window_end(&window);
	return status;
}

/* clang-format off */
const struct command command_save = {
	.name = "save",
	.summary = "write the lease's bytes to a file",
	.help =
	"usage: barlease save [--offset OFFSET] [--length LENGTH] [--fd FD]\n"
	"         FILE\n"
	"\n"
	"Writes the bytes of the lease that this process was started with\n"
	"(see barlease run --help) to FILE ('-' is the standard output): all\n"
	"of them, or those that the options say. Uses aligned 64 and 32 bit\n"
	"loads, and 8 bit ones at the ends.\n"
	"\n"
	"  --offset OFFSET  where in the lease to begin\n"
	"  --length LENGTH  how many bytes\n"
	"  --fd FD          the lease is this open file descriptor\n"
	"\n"
	"Fails when the lease is gone: revoked, or its device away; FILE has\n"
	"then what was read before.\n"
	"\n"
	"Examples:\n"
	"  barlease run '0000:00:04.0:2[2M+2M],ro' -- barlease save copy.bin\n"
	"  barlease save --offset 4K --length 64 - | hexdump -C\n",
	.run = run,
};
