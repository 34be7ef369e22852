// SPDX-License-Identifier: MIT
/* barleased: lends what a policy file says to whom it says. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lender/lender.h"
#include "log.h"
#include "loop.h"
#include "operators/control.h"
#include "policy/policy.h"
#include "service/manager.h"

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

/* clang-format off */
static const char usage[] =
	"usage: barleased [--control SOCKET] FILE\n"
	"       barleased --check FILE\n"
	"\n"
	"Lends pieces of PCI BARs to other processes, as the policy in FILE says.\n"
	"--check tells what is wrong in it, and does nothing else. SOCKET is where\n"
	"operators (root, and the user that it runs as) see who holds what and take\n"
	"it back, see barlease(1), which looks at /run/barlease/control.sock.\n"
	"\n"
	"SIGHUP has it read FILE anew; leases that the new policy allows, too,\n"
	"stay. SIGTERM takes all of them back and ends it.\n"
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

static void say(const char *event, int err)
{
	struct log_line line;

	log_begin(&line, err ? LOG_ERR : LOG_NOTICE, event);
	if (err)
		log_text(&line, "error", strerror(-err));
	log_end(&line);
}

/* Logs what is wrong. */
static int operators_begin(struct lender *lender, const char *path,
			   struct control **control)
{
	struct log_line line;
	int err;

	*control = NULL;
	if (!path)
		return 0;
	err = control_open(lender, path, control);
	if (!err)
		return 0;
	log_begin(&line, LOG_ERR, "socket-failed");
	log_text(&line, "socket", path);
	log_text(&line, "error", strerror(-err));
	log_end(&line);
	return err;
}

static int run(const char *path, const char *control_path)
{
	struct control *control = NULL;
	struct lender lender;
	int signals, err;

	signals = loop_begin();
	err = signals < 0 ? signals : lender_create(path, &lender);
	if (err) {
		say("failed", err);
		return STATUS_FAILED;
	}
	err = lender_take_handed(&lender);
	if (err)
		say("failed", err);
	else
		err = lender_load(&lender);
	if (!err)
		err = operators_begin(&lender, control_path, &control);
	if (!err) {
		say("ready", 0);
		manager_ready("policy in force");
		err = loop_run(&lender, signals);
		manager_stopping();
		say(err ? "failed" : "end", err);
	}
	lender_end(&lender);
	control_close(control);
	return err ? STATUS_FAILED : STATUS_OK;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--check"))
		return check(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return STATUS_OK;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("barleased " BARLEASE_VERSION);
		return STATUS_OK;
	}
	if (argc == 2 && argv[1][0] != '-')
		return run(argv[1], NULL);
	if (argc == 4 && !strcmp(argv[1], "--control") && argv[3][0] != '-')
		return run(argv[3], argv[2]);
	fputs(usage, stderr);
	return STATUS_USAGE;
}
