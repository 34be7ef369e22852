// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "doctor/doctor.h"
#include "message.h"
#include "options.h"
#include "tables.h"
#include "words.h"

#define SEEN_SIZE 1024

static const struct option long_options[] = {
	{ "control", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "socket", required_argument, NULL, 's' },
	{ 0 },
};

void found(struct diagnosis *diagnosis, const char *check,
	   enum verdict verdict, const char *remedy, const char *format, ...)
{
	struct finding *finding = &diagnosis->findings[diagnosis->count];
	va_list args;

	if (diagnosis->count == FINDINGS_MAX)
		return;
	finding->check = check;
	finding->verdict = verdict;
	finding->remedy = remedy;
	va_start(args, format);
	if (vasprintf(&finding->seen, format, args) < 0)
		finding->seen = NULL;
	va_end(args);
	diagnosis->count++;
}

void findings_free(struct diagnosis *diagnosis)
{
	while (diagnosis->count)
		free(diagnosis->findings[--diagnosis->count].seen);
}

static const char *const verdicts[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_NOTE] = "note",
	[VERDICT_WRONG] = "wrong",
};

static const struct table_column columns[] = {
	{ "CHECK", "check", SCOLS_JSON_STRING, 0 },
	{ "RESULT", "result", SCOLS_JSON_STRING, 0 },
	{ "WHAT", "seen", SCOLS_JSON_STRING, 0 },
	{ NULL, "remedy", SCOLS_JSON_STRING, 0 },
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

static int findings_print(const struct diagnosis *diagnosis, bool json)
{
	struct tables tables = { .json = json };
	struct table table;
	int err;

	err = table_begin("checks", columns, COLUMNS, json, &table);
	if (err)
		return err;
	for (size_t i = 0; i < diagnosis->count && !err; i++) {
		const struct finding *finding = &diagnosis->findings[i];
		char seen[SEEN_SIZE] = "";
		const char *const cells[COLUMNS] = {
			finding->check,
			verdicts[finding->verdict],
			seen,
			finding->remedy,
		};

		if (finding->seen)
			clean_words(finding->seen, seen, sizeof(seen));
		err = table_row(&table, cells);
	}
	err = tables_print(&tables, &table, NULL, err);
	tables_end(&tables);
	return err;
}

/* What to do, for people, with the name of what it is for. */
static void remedies_print(const struct diagnosis *diagnosis)
{
	bool first = true;

	for (size_t i = 0; i < diagnosis->count; i++) {
		const struct finding *finding = &diagnosis->findings[i];

		if (!finding->remedy)
			continue;
		if (first)
			puts("\nWhat to do:");
		first = false;
		printf("  %s: %s\n", finding->check, finding->remedy);
	}
}

static int diagnose(struct diagnosis *diagnosis, bool json)
{
	struct function *functions = NULL;
	int status = STATUS_OK;
	size_t count = 0;
	int err;

	iommu_check(diagnosis);
	module_check(diagnosis);
	lockdown_check(diagnosis);
	/* Where there is no PCI there is none of these. */
	if (function_list(diagnosis->machine, &functions, &count))
		count = 0;
	functions_check(diagnosis, functions, count);
	persistent_check(diagnosis, functions, count);
	free(functions);
	daemon_check(diagnosis);
	err = findings_print(diagnosis, json);
	if (!json && !err)
		remedies_print(diagnosis);
	for (size_t i = 0; i < diagnosis->count; i++)
		if (diagnosis->findings[i].verdict == VERDICT_WRONG)
			status = STATUS_FAILED;
	if (!err)
		return status;
	message("cannot make the table: %s", error_words(err));
	return STATUS_FAILED;
}

static int run(int argc, char **argv)
{
	struct diagnosis diagnosis = { .machine = &this_machine };
	char bdf[BARLEASE_BDF_MAX];
	struct function function;
	bool json = false;
	int option;
	int status;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j')
			json = true;
		else if (option == 'c')
			diagnosis.control = optarg;
		else if (option == 's')
			diagnosis.socket = optarg;
		else
			return option_default(&command_doctor, long_options,
					      option, argv);
	}
	if (argc - optind > 1)
		return usage_error(&command_doctor, "too many arguments: %s",
				   argv[optind + 1]);
	if (optind < argc) {
		status = bdf_argument(&command_doctor, argv[optind], bdf);
		if (!status)
			status = function_argument(&this_machine, bdf,
						   &function);
		if (status)
			return status;
		diagnosis.bdf = bdf;
	}
	status = diagnose(&diagnosis, json);
	findings_free(&diagnosis);
	return status;
}

/* clang-format off */
const struct command command_doctor = {
	.name = "doctor",
	.summary = "look for what keeps this machine from lending",
	.help =
	"usage: barlease doctor [--json] [--control SOCKET] [--socket SOCKET]\n"
	"         [BDF]\n"
	"\n"
	"Looks at what lending needs, and tells what to do where something is\n"
	"missing: the IOMMU, the module barlease-vfio-pci (there for this\n"
	"kernel? of this version? are its parameters safe?), secure boot and\n"
	"lockdown, each function with a VFIO driver or the one at BDF (its\n"
	"driver, its IOMMU group, whether you may open it), and barleased\n"
	"with its sockets. Nothing is changed.\n"
	"\n"
	"  --control SOCKET\n"
	"           where barleased listens to operators; otherwise\n"
	"           /run/barlease/control.sock\n"
	"  --json   print JSON: an array \"checks\", the result of each being\n"
	"           \"ok\", \"note\" or \"wrong\"\n"
	"  --socket SOCKET\n"
	"           the socket for lessees to look at; otherwise all that are\n"
	"           in /run/barlease\n"
	"\n"
	"The exit status is 1 when something is wrong.\n"
	"\n"
	"Examples:\n"
	"  barlease doctor\n"
	"  barlease doctor 0000:00:04.0\n",
	.run = run,
};
