// SPDX-License-Identifier: MIT
#include <getopt.h>

#include "command.h"
#include "lend.h"
#include "message.h"
#include "options.h"
#include "spawn.h"
#include "standard_fds.h"
#include "supervise.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "open", required_argument, NULL, 'o' },
	{ "over-msix", no_argument, NULL, 'm' },
	{ "user", required_argument, NULL, 'u' },
	{ "vf-token", required_argument, NULL, 't' },
	{ 0 },
};

struct run_options {
	struct barlease_slice slice;
	const char *user;
	struct open_options open;
	bool over_msix;
	char **argv;
};

struct lending {
	struct supervision supervision; /* comes first, for its callback */
	struct loan loan;
	int status; /* of taking the slice back, so far */
};

/* Who unbinds the function or removes it waits for it, however long COMMAND runs. */
static void function_lose(struct supervision *supervision)
{
	struct lending *lending = (struct lending *)supervision;

	message("the kernel wants %s back, as somebody unbinds or removes it: "
		"the lease is revoked",
		barlease_device_bdf(lending->loan.dev));
	supervision->fd = -1;
	lending->status = lend_end(&lending->loan);
}

static int slice_run(const struct run_options *options,
		     const struct function *function)
{
	struct spawn_options spawn = {
		.slice = &options->slice,
		.user = options->user,
		.argv = options->argv,
	};
	struct lending lending = { .status = STATUS_OK };
	struct supervision *supervision = &lending.supervision;
	const char *step;
	int status;
	pid_t pid;
	int err;

	err = standard_fds_lend();
	if (err) {
		message("cannot open /dev/null for %s: %s", options->argv[0],
			error_words(err));
		return STATUS_FAILED;
	}
	err = supervise_begin(supervision);
	if (err) {
		message("cannot wait for signals: %s", error_words(err));
		return STATUS_FAILED;
	}
	status = lend_begin(function, &options->open, &options->slice,
			    options->over_msix, &lending.loan);
	if (status)
		goto out;

	/* First: the kernel asks once, and again only after 10 s. */
	supervision->fd = lend_watch(&lending.loan);
	supervision->ready = function_lose;

	spawn.lease_fd = lending.loan.lease_fd;
	spawn.mask = &supervision->former;
	spawn.step = &step;
	err = spawn_lessee(&spawn, &pid);
	if (err) {
		message("cannot run %s%s%s: %s: %s", options->argv[0],
			options->user ? " as " : "",
			options->user ? options->user : "", step,
			error_words(err));
		status = STATUS_FAILED;
	} else {
		status = supervise_wait(supervision, pid);
	}
	if (lend_end(&lending.loan) || lending.status)
		status = STATUS_FAILED;
out:
	supervise_end(supervision);
	return status;
}

/* Options may stand before the slice and between it and the command. */
static int options_read(int argc, char **argv, struct run_options *options)
{
	const char *reason;
	bool have_slice = false;
	int option;
	int status;

	options_begin();
	for (;;) {
		option = getopt_long(argc, argv, "+:hu:", long_options, NULL);
		if (option == 'u') {
			options->user = optarg;
			continue;
		}
		if (option == 't') {
			options->open.vf_token = optarg;
			continue;
		}
		if (option == 'm') {
			options->over_msix = true;
			continue;
		}
		if (option == 'o') {
			status = way_argument(&command_run, optarg,
					      &options->open.way);
			if (status)
				return status;
			continue;
		}
		if (option != -1)
			return option_default(&command_run, long_options,
					      option, argv);
		if (have_slice)
			break;
		if (optind >= argc)
			return usage_error(&command_run,
					   "a slice and a command are needed");
		if (barlease_slice_parse(argv[optind], &options->slice,
					 &reason))
			return usage_error(&command_run, "'%s': %s",
					   argv[optind], reason);
		have_slice = true;
		optind++;
	}
	if (optind >= argc)
		return usage_error(&command_run, "a command is needed");
	if (options->user && !spawn_user_exists(options->user))
		return usage_error(&command_run,
				   "there is no user '%s' on this machine "
				   "(a name, or the number of one that has a "
				   "name)",
				   options->user);
	if (options->open.vf_token) {
		status =
			vf_token_argument(&command_run, options->open.vf_token);
		if (status)
			return status;
	}
	options->argv = argv + optind;
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	struct run_options options = { 0 };
	struct function function;
	int status;

	status = options_read(argc, argv, &options);
	/* The help was asked for and given. */
	if (status || !options.argv)
		return status;
	status = function_argument(&this_machine, options.slice.bdf, &function);
	if (status)
		return status;
	status = lend_check(&function, &options.slice);
	if (status)
		return status;
	return slice_run(&options, &function);
}

/* clang-format off */
const struct command command_run = {
	.name = "run",
	.summary = "lend a slice of a BAR to a command",
	.help =
	"usage: barlease run [--user USER] [--open WAY] [--vf-token UUID]\n"
	"         [--over-msix] BDF:BAR[OFFSET+LENGTH][,ro] [--] COMMAND...\n"
	"\n"
	"Opens the PCI function at BDF through VFIO, lends LENGTH bytes of\n"
	"the BAR from OFFSET on to COMMAND, and takes them back when COMMAND\n"
	"ends. Without [OFFSET+LENGTH] it lends the whole BAR; with ,ro\n"
	"COMMAND can only read. Numbers are decimal or 0x hexadecimal with an\n"
	"optional K, M, G or T, and multiples of the page size.\n"
	"\n"
	"COMMAND has the lease as file descriptor 3 and no other but 0 to 2.\n"
	"It can mmap() it, and nothing else of the device. The environment\n"
	"tells it so:\n"
	"  LISTEN_FDS=1, LISTEN_PID, LISTEN_FDNAMES=lease   as sd_listen_fds(3)\n"
	"  BARLEASE_0='3 0000:00:04.0:2[0x200000+0x200000],rw'\n"
	"It cannot gain privileges (no_new_privs), is killed when 'barlease\n"
	"run' is, and gets the SIGTERM, SIGINT, SIGQUIT and SIGHUP that are\n"
	"sent to 'barlease run'. If the function is unbound from its driver or\n"
	"removed, it loses the lease, and runs on.\n"
	"\n"
	"  --user USER  run COMMAND as this user and with its groups, without\n"
	"               any capability: a name, or the decimal number of a\n"
	"               user that has a name here. Otherwise it runs as the\n"
	"               caller; root, also by --user 0, has all capabilities.\n"
	"  --open WAY   how to open the function: iommufd (by its file in\n"
	"               /dev/vfio/devices, and /dev/iommu) or group (by\n"
	"               /dev/vfio/GROUP). Otherwise by iommufd if that can be,\n"
	"               else by group.\n"
	"  --vf-token UUID\n"
	"               the token of an SR-IOV device. A virtual function whose\n"
	"               physical function has a VFIO driver asks for it; the\n"
	"               physical function sets it.\n"
	"  --over-msix  lend pages of the function's MSI-X table, too, which is\n"
	"               else refused: who writes there redirects interrupts\n"
	"\n"
	"The rest of the environment is the caller's, but for HOME, SHELL,\n"
	"USER and LOGNAME with --user.\n"
	"\n"
	"The exit status is COMMAND's, or 128 and the signal that ended it; 1\n"
	"when the slice could not be lent or COMMAND not be run, 2 when the\n"
	"command line is wrong.\n"
	"\n"
	"Examples (quote the brackets: shells read them as a pattern):\n"
	"  barlease run '0000:00:04.0:2[2M+2M]' --user nobody -- \\\n"
	"    barlease load README.md\n"
	"  barlease run 0000:00:04.0:2,ro -- barlease peek --count 4 0\n",
	.run = run,
};
