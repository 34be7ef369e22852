// SPDX-License-Identifier: MIT
/* barleased: lends what a policy file says to whom it says. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lender/lender.h"
#include "log.h"
#include "loop.h"
#include "operators/control.h"
#include "policy/policy.h"
#include "service/confine.h"
#include "service/manager.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

#define KEEP_WRONG "not a number of fds from 1 to " TEXT(KEEP_FDS_MAX)

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

/* No letters, so that a letter is known for what it is: no option. */
enum option_value {
	OPTION_CHECK = UCHAR_MAX + 1,
	OPTION_CONTROL,
	OPTION_HELP,
	OPTION_KEEP,
	OPTION_METRICS,
	OPTION_VERSION,
};

/* clang-format off */
static const char usage[] =
	"usage: barleased [--control=SOCKET] [--keep=FDS] [--metrics=OTHER] FILE\n"
	"       barleased --check FILE\n"
	"\n"
	"Lends pieces of PCI BARs to other processes, as the policy in FILE says.\n"
	"--check tells what is wrong in it, and does nothing else.\n"
	"\n"
	"  --control=SOCKET  where operators (root, and the user that it runs as)\n"
	"                    see who holds what and take it back, see barlease(1),\n"
	"                    which looks at /run/barlease/control.sock\n"
	"  --keep=FDS        have systemd keep up to that many fds, so that leases\n"
	"                    outlive a restart and a crash\n"
	"  --metrics=OTHER   have figures for Prometheus in the file OTHER\n"
	"\n"
	"SIGHUP has it read FILE anew; leases that the new policy allows, too,\n"
	"stay. SIGTERM and SIGINT take all of them back and end it; with --keep,\n"
	"SIGTERM leaves them to the barleased that comes next.\n"
	"\n"
	"Exit status: 0 when it is done (--check: FILE is right), 1 when it\n"
	"failed, 2 when the command line is wrong.\n";
/* clang-format on */

static int check(const char *path)
{
	struct mistakes mistakes = { 0 };
	struct policy *policy = NULL;
	int err = policy_read(path, &policy, &mistakes);

	mistakes_print(&mistakes, path, stderr);
	mistakes_free(&mistakes);
	if (err && err != -EBADMSG)
		fprintf(stderr, "barleased: %s: %s\n", path, strerror(-err));
	policy_free(policy);
	return err ? STATUS_FAILED : STATUS_OK;
}

static const char *words(int err)
{
	/* That of manager_store() alone, whose own words help nobody. */
	if (err == -EUNATCH)
		return "nobody keeps fds as --keep wants it: systemd has not "
		       "started this, or it was built without libsystemd";
	return strerror(-err);
}

static void say(const char *event, int err)
{
	struct log_line line;

	log_begin(&line, err ? LOG_ERR : LOG_NOTICE, event);
	if (err)
		log_text(&line, "error", words(err));
	log_end(&line);
}

struct options {
	const char *control;
	const char *metrics;
	uint32_t keep;
};

/* Nothing is undone: what is kept is what counts. */
static void leave(int err)
{
	manager_stopping();
	say(err ? "failed" : "left", err);
	_exit(err ? STATUS_FAILED : STATUS_OK);
}

static int serve(struct lender *lender, int signals,
		 const struct options *options, struct control **control)
{
	int err = lender_take_handed(lender);

	if (!err)
		err = lender_begin(lender);
	if (!err && options->control)
		err = control_open(lender, options->control, control);
	if (!err)
		err = confine();
	/* That the next one may fare better is what a restart is for. */
	if (err && lender->resumed)
		leave(err);
	if (err)
		return err;
	if (!filter_exists())
		say("no-filter", 0);
	say("ready", 0);
	manager_ready("policy in force");
	err = loop_run(lender, signals, options->metrics);
	if (err == SIGTERM && lender->keep.max)
		leave(0);
	manager_stopping();
	/* Figures of nobody are none. */
	if (options->metrics)
		unlink(options->metrics);
	return err < 0 ? err : 0;
}

static int run(const char *path, const struct options *options)
{
	struct control *control = NULL;
	struct lender lender;
	int signals, err;

	signals = loop_begin();
	err = signals < 0 ? signals : lender_create(path, options->keep, &lender);
	if (!err) {
		err = serve(&lender, signals, options, &control);
		lender_end(&lender);
		control_close(control);
	}
	say(err ? "failed" : "end", err);
	return err ? STATUS_FAILED : STATUS_OK;
}

static bool keep_read(const char *text, uint32_t *keep)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !value ||
	    value > KEEP_FDS_MAX)
		return false;
	*keep = (uint32_t)value;
	return true;
}

/* Shown as it is, but for what a terminal would obey. */
static void word_print(const char *word)
{
	for (; *word; word++) {
		if (iscntrl((unsigned char)*word))
			fprintf(stderr, "\\x%02x", (unsigned char)*word);
		else
			fputc(*word, stderr);
	}
}

/* @word: what is wrong, or NULL where something is missing */
static int wrong(const char *word, const char *reason)
{
	fputs("barleased: ", stderr);
	if (word) {
		word_print(word);
		fputs(": ", stderr);
	}
	fprintf(stderr, "%s; see barleased --help\n", reason);
	return STATUS_USAGE;
}

static int option_wrong(char **argv)
{
	char letter[] = { '-', (char)optopt, '\0' };

	/* Others may be in the same word, or no word be behind it. */
	return wrong(optopt && optopt <= UCHAR_MAX ? letter : argv[optind - 1],
		     "no such option, or not with a value");
}

/* The one argument that is left, the policy. */
static int file_read(int argc, char **argv, const char **file)
{
	if (optind == argc)
		return wrong(NULL, "a policy is needed, such as "
				   "/etc/barlease.conf");
	if (optind < argc - 1)
		return wrong(argv[optind + 1], "there is one policy, and "
					       "nothing behind it");
	*file = argv[optind];
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", required_argument, NULL, OPTION_CHECK },
		{ "control", required_argument, NULL, OPTION_CONTROL },
		{ "help", no_argument, NULL, OPTION_HELP },
		{ "keep", required_argument, NULL, OPTION_KEEP },
		{ "metrics", required_argument, NULL, OPTION_METRICS },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct options chosen = { 0 };
	const char *file = NULL;
	int option, status;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		switch (option) {
		case OPTION_CHECK:
			if (argc == optind)
				return check(optarg);
			return wrong(argv[optind], "--check takes one policy, "
						   "and nothing else");
		case OPTION_HELP:
			fputs(usage, stdout);
			return STATUS_OK;
		case OPTION_KEEP:
			if (!keep_read(optarg, &chosen.keep))
				return wrong(optarg, KEEP_WRONG);
			break;
		case OPTION_METRICS:
			chosen.metrics = optarg;
			break;
		case OPTION_CONTROL:
			chosen.control = optarg;
			break;
		case OPTION_VERSION:
			puts("barleased " BARLEASE_VERSION);
			return STATUS_OK;
		case ':':
			return wrong(argv[optind - 1], "lacks its value");
		default:
			return option_wrong(argv);
		}
	}
	status = file_read(argc, argv, &file);
	return status ? status : run(file, &chosen);
}
