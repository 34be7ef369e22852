// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "explanations.h"
#include "message.h"
#include "options.h"
#include "tables.h"

/* The kernel's limit of errnos. */
#define ERRNO_MAX 4095

/* What is shorter is in too many messages by chance. */
#define WORDS_MIN 4

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Is a name in it as a word of its own? */
static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; (at = strcasestr(at, word)); at++)
		if ((at == text || !is_word(at[-1])) && !is_word(at[length]))
			return true;
	return false;
}

/* "16", "-16", "EBUSY", "... (EBUSY)", "...: Device or resource busy". */
static bool is_of_error(const char *text, int error)
{
	const char *name = strerrorname_np(error);
	char *end;
	long number;

	if (!name)
		return false;
	number = strtol(text, &end, 10);
	if (end != text && !*end)
		return number == error || number == -error;
	return has_word(text, name) || strcasestr(text, strerror(error));
}

/* Does it say what is said there, or a part of it? */
static bool is_of_words(const char *text, const char *words)
{
	if (!words)
		return false;
	return strcasestr(text, words) ||
	       (strlen(text) >= WORDS_MIN && strcasestr(words, text));
}

enum fit { FIT_NONE, FIT_ERROR, FIT_WORDS };

static enum fit fit_of(const char *text, const struct explanation *explanation)
{
	if (!text || is_of_words(text, explanation->words))
		return FIT_WORDS;
	if (explanation->error && is_of_error(text, explanation->error))
		return FIT_ERROR;
	return FIT_NONE;
}

/* Where the words fit, what has the same errno only is left out. */
static enum fit best_fit(const char *text)
{
	enum fit best = FIT_NONE;

	for (size_t i = 0; explanations[i].where; i++) {
		enum fit fit = fit_of(text, &explanations[i]);

		best = fit > best ? fit : best;
	}
	return best;
}

static const struct table_column columns[] = {
	{ NULL, "error", SCOLS_JSON_STRING, 0 },
	{ NULL, "number", SCOLS_JSON_NUMBER, 0 },
	{ NULL, "where", SCOLS_JSON_STRING, 0 },
	{ NULL, "meaning", SCOLS_JSON_STRING, 0 },
	{ NULL, "remedy", SCOLS_JSON_STRING, 0 },
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

static int row_add(struct table *table, const struct explanation *explanation)
{
	char number[16] = "";
	const char *const cells[COLUMNS] = {
		explanation->error ? strerrorname_np(explanation->error) : NULL,
		number,
		explanation->where,
		explanation->meaning,
		explanation->remedy,
	};

	if (explanation->error)
		snprintf(number, sizeof(number), "%d", explanation->error);
	return table_row(table, cells);
}

static int json_print(const char *text, enum fit fit)
{
	struct tables tables = { .json = true };
	struct table table;
	int err;

	err = table_begin("explanations", columns, COLUMNS, true, &table);
	if (err)
		return err;
	for (size_t i = 0; fit && explanations[i].where && !err; i++)
		if (fit_of(text, &explanations[i]) == fit)
			err = row_add(&table, &explanations[i]);
	err = tables_print(&tables, &table, NULL, err);
	tables_end(&tables);
	return err;
}

/* Words in lines of a terminal, behind an indent. */
static void paragraph_print(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (column && column + length + 1 > 74) {
			putchar('\n');
			column = 0;
		}
		printf("%s%.*s", column ? " " : "  ", (int)length, text);
		column += length + 1;
		text += length;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void people_print(const char *text, enum fit fit)
{
	bool first = true;

	for (size_t i = 0; explanations[i].where; i++) {
		const struct explanation *explanation = &explanations[i];

		if (fit_of(text, explanation) != fit)
			continue;
		if (!first)
			putchar('\n');
		first = false;
		if (explanation->error)
			printf("%s (%d, \"%s\"), %s\n",
			       strerrorname_np(explanation->error),
			       explanation->error, strerror(explanation->error),
			       explanation->where);
		else
			printf("%s: %s\n", explanation->where,
			       explanation->words);
		paragraph_print(explanation->meaning);
		paragraph_print(explanation->remedy);
	}
}

static bool is_errno(const char *text)
{
	for (int error = 1; error <= ERRNO_MAX; error++)
		if (is_of_error(text, error))
			return true;
	return false;
}

static int explain(const char *text, bool json)
{
	enum fit fit = best_fit(text);

	if (json && json_print(text, fit))
		return STATUS_FAILED;
	if (fit && !json)
		people_print(text, fit);
	if (fit)
		return STATUS_OK;
	if (is_errno(text))
		message("'%s' is no answer of barlease by itself: it comes "
			"from the system call that the message names; see "
			"errno(3)",
			text);
	else
		message("nothing here is about '%s'; barlease explain lists "
			"all that is",
			text);
	return STATUS_FAILED;
}

static int run(int argc, char **argv)
{
	const char *text = NULL;
	bool json = false;
	int option;

	/* A negative errno is no option. */
	if (argc > 1 && argv[argc - 1][0] == '-' &&
	    argv[argc - 1][1] >= '0' && argv[argc - 1][1] <= '9')
		text = argv[--argc];
	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j')
			json = true;
		else
			return option_default(&command_explain, long_options,
					      option, argv);
	}
	if (argc - optind > !text)
		return usage_error(&command_explain,
				   "too many arguments: %s; put a message in "
				   "quotes",
				   argv[optind + !text]);
	if (optind < argc)
		text = argv[optind];
	if (text && !*text)
		return usage_error(&command_explain, "the message is empty");
	return explain(text, json);
}

/* clang-format off */
const struct command command_explain = {
	.name = "explain",
	.summary = "what an error or a refusal means, and what to do",
	.help =
	"usage: barlease explain [--json] [ERROR]\n"
	"\n"
	"Tells what ERROR means and what can be done. ERROR is the name or\n"
	"number of an errno (EBUSY, 16), a message of barlease or barleased,\n"
	"or a part of one. Without it, all that there is.\n"
	"\n"
	"  --json   print JSON: an array \"explanations\"\n"
	"\n"
	"The exit status is 1 when nothing is known of ERROR.\n"
	"\n"
	"Examples:\n"
	"  barlease explain EDQUOT\n"
	"  barlease explain 'cannot open 0000:00:04.0: another process owns it'\n",
	.run = run,
};
