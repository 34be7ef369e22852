// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "operators.h"
#include "options.h"
#include "tables.h"
#include "words.h"

/* Room for any text of a figure, however many bytes become four. */
#define TEXT_SIZE (4 * CONTROL_HELP_SIZE)

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "control", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

static const struct table_column columns[] = {
	{ "FIGURE", "figure", SCOLS_JSON_STRING, 0 },
	{ NULL, "type", SCOLS_JSON_STRING, 0 },
	{ NULL, "label", SCOLS_JSON_STRING, 0 },
	{ "OF", "of", SCOLS_JSON_STRING, 0 },
	{ "DEVICE", "device", SCOLS_JSON_STRING, 0 },
	{ "VALUE", "value", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	{ "WHAT", "help", SCOLS_JSON_STRING, 0 },
};

/* Of the many reasons for something, most have not been. */
static bool is_shown(const struct control_packet_figure *figure, bool json)
{
	return json || figure->value || figure->kind != CONTROL_COUNTER ||
	       !figure->label[0];
}

static int figure_add(struct table *table,
		      const struct control_packet_figure *figure)
{
	char name[TEXT_SIZE], label[TEXT_SIZE], of[TEXT_SIZE];
	char device[TEXT_SIZE], help[TEXT_SIZE], value[24];

	/* The policy allows nothing that needs it, but it is another program. */
	clean_words(figure->name, name, sizeof(name));
	clean_words(figure->label, label, sizeof(label));
	clean_words(figure->of, of, sizeof(of));
	clean_words(figure->device, device, sizeof(device));
	clean_words(figure->help, help, sizeof(help));
	snprintf(value, sizeof(value), "%" PRIu64, figure->value);
	return table_row(table, (const char *[]){
					name,
					figure->kind == CONTROL_COUNTER ?
						"counter" :
						"gauge",
					label,
					of,
					device,
					value,
					help,
				});
}

static int figures_print(const struct figures *figures, bool json)
{
	struct tables tables = { .json = json };
	struct table table;
	int err;

	err = table_begin("figures", columns,
			  sizeof(columns) / sizeof(columns[0]), json, &table);
	if (err)
		return err;
	for (size_t i = 0; i < figures->count && !err; i++)
		if (is_shown(&figures->all[i], json))
			err = figure_add(&table, &figures->all[i]);
	err = tables_print(&tables, &table, NULL, err);
	if (!err)
		tables_end(&tables);
	return err;
}

static int stat_show(int fd, bool json)
{
	struct figures figures = { 0 };
	int err;

	err = figures_ask(fd, &figures);
	if (err == -EPROTO)
		message("barleased has told no figures: it is of another "
			"version than this command");
	else if (!err)
		err = figures_print(&figures, json);
	if (err && err != -EPROTO)
		message("cannot show the figures of barleased: %s",
			error_words(err));
	figures_free(&figures);
	return err ? STATUS_FAILED : STATUS_OK;
}

static int run(int argc, char **argv)
{
	const char *control = NULL;
	char path[PATH_MAX];
	bool json = false;
	int option;
	int status;
	int fd;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j')
			json = true;
		else if (option == 'c')
			control = optarg;
		else
			return option_default(&command_stat, long_options,
					      option, argv);
	}
	if (optind < argc)
		return usage_error(&command_stat, "too many arguments: %s",
				   argv[optind]);
	status = operators_open(control, path, &fd);
	if (status)
		return status;
	status = stat_show(fd, json);
	close(fd);
	return status;
}

/* clang-format off */
const struct command command_stat = {
	.name = "stat",
	.summary = "show the figures of barleased, which Prometheus gets, too",
	.help =
	"usage: barlease stat [--json] [--control SOCKET]\n"
	"\n"
	"Shows the figures of barleased, which are those that it has for\n"
	"Prometheus (barleased --metrics) under the same names: slices,\n"
	"leases, lessees and requests that wait as they are now, and how many\n"
	"leases were granted, denied (by the error), recalled, and ended (by\n"
	"why) since it was started. Reasons that have not been are shown by\n"
	"--json only. For the operator: root, and the user that barleased\n"
	"runs as.\n"
	"\n"
	"What the kernel counts for each lease (mappings, faults by their\n"
	"size) is in debugfs, see barlease-vfio-pci(4).\n"
	"\n"
	"  --control SOCKET\n"
	"           where barleased listens to operators; otherwise\n"
	"           /run/barlease/control.sock\n"
	"  --json   print JSON: an object with the array \"figures\"\n"
	"\n"
	"Examples:\n"
	"  barlease stat\n"
	"  watch -d barlease stat\n"
	"  barlease stat --json | jq '.figures[] | select(.of == \"EBUSY\")'\n",
	.run = run,
};
