// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "command.h"
#include "function.h"
#include "function_table.h"
#include "holding_tables.h"
#include "message.h"
#include "operators.h"
#include "options.h"
#include "persistent.h"
#include "sockets.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "control", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ "probe", no_argument, NULL, 'p' },
	{ "socket", required_argument, NULL, 's' },
	{ 0 },
};

static int functions_read(const char *bdf, struct function **functions,
			  size_t *count)
{
	int status;
	int err;

	if (!bdf) {
		err = function_list(&this_machine, functions, count);
		if (!err)
			return STATUS_OK;
		message("cannot read %s/bus/pci/devices: %s",
			this_machine.sysfs, error_words(err));
		return STATUS_FAILED;
	}

	*functions = malloc(sizeof(**functions));
	if (!*functions) {
		message("out of memory");
		return STATUS_FAILED;
	}
	status = function_argument(&this_machine, bdf, *functions);
	if (status) {
		free(*functions);
		return status;
	}
	*count = 1;
	return STATUS_OK;
}

struct list_options {
	const char *control; /* path, or NULL */
	const char *socket;
	bool probe;
	char bdf[BARLEASE_BDF_MAX]; /* "": all */
};

/* What serves leases can be told by who owns the device alone. */
static void functions_probe(struct function *functions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct barlease_device *device;
		int err;

		functions[i].service = "";
		if (!functions[i].vfio)
			continue;
		err = barlease_device_open_by(functions[i].bdf,
					      BARLEASE_ANY_WAY, NULL, &device,
					      NULL);
		if (err) {
			functions[i].service = err == -EBUSY ?
						       "(somebody owns it)" :
						       "(cannot be opened)";
			continue;
		}
		err = barlease_device_probe(device);
		functions[i].service = err < 0 ? "nothing" :
						 service_words((unsigned int)err);
		barlease_device_close(device);
	}
}

static void rules_read(struct function *functions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct persistent persistent;

		if (!persistent_load(&this_machine, functions[i].bdf,
				     &persistent))
			strcpy(functions[i].at_boot, persistent.driver);
	}
}

static int functions_show(const struct list_options *options,
			  struct tables *tables)
{
	struct function *functions;
	size_t count;
	int status;
	int err;

	status = functions_read(options->bdf[0] ? options->bdf : NULL,
				&functions, &count);
	if (status)
		return status;
	rules_read(functions, count);
	if (options->probe)
		functions_probe(functions, count);
	err = function_table_print(functions, count, tables);
	free(functions);
	if (!err)
		return STATUS_OK;
	message("cannot make the table: %s", error_words(err));
	return STATUS_FAILED;
}

static int holdings_show(const struct list_options *options, int fd,
			 struct tables *tables)
{
	struct holdings holdings = { 0 };
	int err;

	err = holdings_ask(fd, CONTROL_LIST, &holdings);
	if (!err)
		err = holding_tables_print(&holdings,
					   options->bdf[0] ? options->bdf :
							     NULL,
					   tables);
	holdings_free(&holdings);
	if (!err)
		return STATUS_OK;
	message("cannot list what barleased lends: %s", error_words(err));
	return STATUS_FAILED;
}

/* Sockets that are for others are not told of, unless they were asked for. */
static int seen_show(const struct list_options *options,
		     struct tables *tables)
{
	struct seen *seen = NULL;
	int status = STATUS_OK;
	struct sockets sockets;
	size_t count = 0;
	int err;

	err = sockets_find(&this_machine, options->socket, &sockets);
	for (size_t i = 0; i < sockets.count && !err; i++) {
		int answer = sockets_ask(sockets.paths[i], &seen, &count);

		if (answer && options->socket) {
			message("cannot list what %s offers: %s",
				sockets.paths[i], error_words(answer));
			status = STATUS_FAILED;
		}
	}
	if (!err)
		err = seen_table_print(seen, count, tables);
	seen_free(seen, count);
	sockets_free(&sockets);
	if (!err)
		return status;
	message("cannot make the table: %s", error_words(err));
	return STATUS_FAILED;
}

/* As an operator where one is, else as a lessee. */
static int lent_show(const struct list_options *options,
		     struct tables *tables)
{
	char path[PATH_MAX];
	int status;
	int fd;

	if (options->socket)
		return seen_show(options, tables);
	fd = operators_path(&this_machine, options->control, path);
	if (!fd)
		fd = options->control ? operators_connect_or_say(path) :
					operators_connect(path);
	if (fd < 0 && options->control)
		return STATUS_FAILED;
	/* A lessee is not told which device it is. */
	if (fd < 0 && options->bdf[0])
		return STATUS_OK;
	if (fd < 0)
		return seen_show(options, tables);
	status = holdings_show(options, fd, tables);
	close(fd);
	return status;
}

static int run(int argc, char **argv)
{
	struct list_options options = { 0 };
	struct tables tables = { 0 };
	int option;
	int status;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j')
			tables.json = true;
		else if (option == 'c')
			options.control = optarg;
		else if (option == 's')
			options.socket = optarg;
		else if (option == 'p')
			options.probe = true;
		else
			return option_default(&command_list, long_options,
					      option, argv);
	}
	if (argc - optind > 1)
		return usage_error(&command_list, "too many arguments: %s",
				   argv[optind + 1]);
	if (optind < argc) {
		status = bdf_argument(&command_list, argv[optind], options.bdf);
		if (status)
			return status;
	}

	status = functions_show(&options, &tables);
	if (status)
		return status;
	status = lent_show(&options, &tables);
	tables_end(&tables);
	return status;
}

/* clang-format off */
const struct command command_list = {
	.name = "list",
	.summary = "PCI functions, what can be lent, and who holds what",
	.help =
	"usage: barlease list [--json] [--probe] [--control SOCKET]\n"
	"         [--socket SOCKET] [BDF]\n"
	"\n"
	"Shows the PCI functions of this machine (or the one at BDF): ids,\n"
	"class, driver, IOMMU group (/dev/vfio/GROUP), the file that it has in\n"
	"/dev/vfio/devices if the kernel makes those, and a line for each BAR\n"
	"with its size, its kind and whether it can be lent - and if it\n"
	"cannot, why not. This is from sysfs, so anybody may see it, and no\n"
	"device is touched. What \"bind --persist\" binds at each boot has the\n"
	"driver that it gets then, too.\n"
	"\n"
	"Then, where barleased runs, what it lends. The operator (root, and\n"
	"the user that barleased runs as) sees all slices and what serves\n"
	"their leases, each lease with who holds it, and who waits. Others\n"
	"see the slices that they may ask for.\n"
	"\n"
	"  --control SOCKET\n"
	"           where barleased listens to operators; otherwise\n"
	"           /run/barlease/control.sock\n"
	"  --json   print JSON, sizes in bytes and times in milliseconds: an\n"
	"           object with the arrays \"bars\" (one element per BAR, or\n"
	"           per function without BARs), \"slices\", and for operators\n"
	"           \"leases\" and \"waiting\"\n"
	"  --probe  open each function that has a VFIO driver, which resets it,\n"
	"           and tell what serves leases on it: barlease-vfio-pci, the\n"
	"           kernel's own vfio-pci, or nothing\n"
	"  --socket SOCKET\n"
	"           list what this socket offers, as its lessees see it\n"
	"\n"
	"Examples:\n"
	"  barlease list\n"
	"  barlease list 0000:00:04.0\n"
	"  barlease list --json\n"
	"  barlease list --socket /run/barlease/queues.sock\n",
	.run = run,
};
