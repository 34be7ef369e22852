// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "barlease.h"
#include "command.h"
#include "holding_tables.h"
#include "message.h"
#include "options.h"
#include "request.h"
#include "spawn.h"
#include "standard_fds.h"
#include "words.h"

static const struct option long_options[] = {
	{ "access", required_argument, NULL, 'a' },
	{ "cache", required_argument, NULL, 'c' },
	{ "control", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "min-size", required_argument, NULL, 'm' },
	{ "socket", required_argument, NULL, 's' },
	{ "terminate", no_argument, NULL, 't' },
	{ "wait", required_argument, NULL, 'w' },
	{ 0 },
};

struct request_options {
	struct barlease_wanted wanted;
	const char *socket; /* or NULL */
	const char *control;
	bool terminate; /* when it is recalled */
	char **argv;
};

/* What the command runs under. */
struct held {
	struct supervision supervision;
	struct barlease_lessee *lessee;
	uint64_t lease;
	bool terminate;
};

static void event_say(struct held *held, const struct barlease_event *event)
{
	char left[WORDS_SIZE];

	switch (event->type) {
	case BARLEASE_EVENT_RECALLED:
		time_words(event->left, left, sizeof(left));
		message("the lessor wants the lease back%s%s",
			event->left == UINT64_MAX ? "" : " within ",
			event->left == UINT64_MAX ? "" : left);
		if (held->terminate)
			kill(held->supervision.pid, SIGTERM);
		break;
	case BARLEASE_EVENT_REVOKED:
		message("the lease is over: %s", end_words(event->why));
		break;
	case BARLEASE_EVENT_AWAY:
		message("accesses fail for now: the device is away");
		break;
	case BARLEASE_EVENT_BACK:
		message("the device is back");
		break;
	case BARLEASE_EVENT_HANGUP:
		message("the lease is over: the server has ended the "
			"connection: %s",
			*event->sentence ? event->sentence :
					   error_words(-event->error));
		break;
	default:
		break;
	}
}

static void events_take(struct supervision *supervision)
{
	struct held *held = (struct held *)supervision;
	struct barlease_event event;
	int err;

	while (!(err = barlease_lessee_next_event(held->lessee, &event)))
		event_say(held, &event);
	if (err != -EAGAIN)
		supervision->fd = -1;
}

static int command_run_with(struct held *held,
			    const struct request_options *options,
			    const struct barlease_granted *granted)
{
	struct barlease_slice slice;
	const char *step;
	struct spawn_options spawn = {
		.lease_fd = granted->fd,
		.slice = &slice,
		.argv = options->argv,
		.mask = &held->supervision.former,
		.step = &step,
	};
	pid_t pid;
	int err;

	request_slice(granted, &slice);
	err = spawn_lessee(&spawn, &pid);
	close(granted->fd);
	if (err) {
		message("cannot run %s: %s: %s", options->argv[0], step,
			error_words(err));
		return STATUS_FAILED;
	}
	held->supervision.fd = barlease_lessee_get_fd(held->lessee);
	held->supervision.ready = events_take;
	return supervise_wait(&held->supervision, pid);
}

static int lease_hold(struct held *held, const struct request_options *options)
{
	struct barlease_granted granted;
	int status;
	int err;

	status = request_lease(held->lessee, &options->wanted,
			       &held->supervision, options->control, &granted);
	if (status)
		return status;
	status = command_run_with(held, options, &granted);
	/* So that it is over when this ends. */
	err = barlease_lessee_release(held->lessee, granted.lease);
	if (err && err != -ENOENT && err != -ECONNRESET)
		message("cannot give the lease back: %s; it ends with this "
			"process",
			error_words(err));
	return status;
}

static int request_run(const struct request_options *options)
{
	struct held held = { .terminate = options->terminate };
	char path[PATH_MAX];
	int status;
	int err;

	status = request_socket(options->wanted.name, options->socket, path);
	if (status)
		return status;
	err = standard_fds_lend();
	if (err) {
		message("cannot open /dev/null for %s: %s", options->argv[0],
			error_words(err));
		return STATUS_FAILED;
	}
	err = supervise_begin(&held.supervision);
	if (err) {
		message("cannot wait for signals: %s", error_words(err));
		return STATUS_FAILED;
	}
	err = barlease_lessee_connect(path, &held.lessee);
	if (err) {
		message("cannot connect to %s: %s; barlease doctor looks into "
			"it",
			path, error_words(err));
		status = STATUS_FAILED;
	} else {
		status = lease_hold(&held, options);
		barlease_lessee_close(held.lessee);
	}
	supervise_end(&held.supervision);
	return status;
}

/* One of two words. */
static int word_argument(const char *what, const char *text, const char *no,
			 const char *yes, bool *is)
{
	*is = !strcmp(text, yes);
	if (*is || !strcmp(text, no))
		return STATUS_OK;
	return usage_error(&command_request, "the %s '%s' is not %s or %s",
			   what, text, no, yes);
}

static int option_take(int option, struct request_options *options)
{
	struct barlease_wanted *wanted = &options->wanted;
	bool is = false;
	int status = STATUS_OK;

	switch (option) {
	case 'a':
		status = word_argument("access", optarg, "rw", "ro", &is);
		wanted->access = is ? BARLEASE_READ_ONLY : BARLEASE_READ_WRITE;
		break;
	case 'c':
		status = word_argument("cache", optarg, "nc", "wc", &is);
		wanted->attribute = is ? BARLEASE_WRITE_COMBINING :
					 BARLEASE_NON_CACHED;
		break;
	case 'm':
		status = number_argument(&command_request, "size", optarg,
					 &wanted->minimum);
		break;
	case 'o':
		options->control = optarg;
		break;
	case 's':
		options->socket = optarg;
		break;
	case 't':
		options->terminate = true;
		break;
	case 'w':
		status = time_argument(&command_request, "wait", optarg,
				       &wanted->wait);
		break;
	}
	return status;
}

/* Options may stand before the slice and between it and the command. */
static int options_read(int argc, char **argv, struct request_options *options)
{
	int option;
	int status;

	options_begin();
	for (;;) {
		option = getopt_long(argc, argv, "+:h", long_options, NULL);
		if (option == 'h' || option == ':' || option == '?')
			return option_default(&command_request, long_options,
					      option, argv);
		if (option != -1) {
			status = option_take(option, options);
			if (status)
				return status;
			continue;
		}
		if (options->wanted.name)
			break;
		if (optind >= argc)
			return usage_error(&command_request,
					   "a slice and a command are needed");
		options->wanted.name = argv[optind++];
		if (!*options->wanted.name ||
		    strlen(options->wanted.name) >= BARLEASE_NAME_SIZE)
			return usage_error(&command_request,
					   "'%s' is not the name of a slice",
					   options->wanted.name);
	}
	if (optind >= argc)
		return usage_error(&command_request, "a command is needed");
	options->argv = argv + optind;
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	struct request_options options = { 0 };
	int status;

	status = options_read(argc, argv, &options);
	/* The help was asked for and given. */
	if (status || !options.argv)
		return status;
	return request_run(&options);
}

/* clang-format off */
const struct command command_request = {
	.name = "request",
	.summary = "have barleased lend a slice to a command",
	.help =
	"usage: barlease request [--wait TIME] [--access ACCESS]\n"
	"         [--cache CACHE] [--min-size SIZE] [--terminate]\n"
	"         [--socket SOCKET] [--control SOCKET] SLICE [--] COMMAND...\n"
	"\n"
	"Asks barleased (or another lease server) for a lease of SLICE, a\n"
	"slice or a pool that barlease list shows, and runs COMMAND with it.\n"
	"The lease ends when COMMAND does. It takes no privilege, only the\n"
	"policy's leave.\n"
	"\n"
	"COMMAND has the lease as file descriptor 3 and in its environment,\n"
	"as under barlease run; barlease peek, poke, load and save find it\n"
	"there. When the lease is recalled or ends before COMMAND, a message\n"
	"tells, and COMMAND goes on: accesses fail then (SIGBUS). It cannot\n"
	"gain privileges (no_new_privs), is killed when 'barlease request'\n"
	"is, and gets the SIGTERM, SIGINT, SIGQUIT and SIGHUP sent to it.\n"
	"\n"
	"  --access ACCESS  rw (read and write; otherwise) or ro (read only)\n"
	"  --cache CACHE    nc (non-cached; otherwise) or wc (write-combining)\n"
	"  --control SOCKET\n"
	"                   where barleased listens to operators, who are told\n"
	"                   all holders of what is refused; otherwise\n"
	"                   /run/barlease/control.sock\n"
	"  --min-size SIZE  the least size that will do, such as 64K\n"
	"  --socket SOCKET  the socket to ask; otherwise the first one in\n"
	"                   /run/barlease that offers SLICE\n"
	"  --terminate      send SIGTERM to COMMAND when the lease is recalled\n"
	"  --wait TIME      how long to wait when all are lent, such as 500ms,\n"
	"                   5s, 2m, 1h, 1d or forever; otherwise not at all\n"
	"\n"
	"The exit status is COMMAND's, or 128 and the signal that ended it; 1\n"
	"when the lease was refused or COMMAND not be run, 2 when the command\n"
	"line is wrong.\n"
	"\n"
	"Examples:\n"
	"  barlease request queues -- barlease peek --count 4 0\n"
	"  barlease request --wait 10s --access ro queues -- ./worker\n",
	.run = run,
};
