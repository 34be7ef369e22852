// SPDX-License-Identifier: MIT
/*
 * Any text as each word of a command line, and, cut at its newlines, as the line
 * of a command that does nothing: all that it would do is kept from it. What is
 * wrong is said in one line that no terminal obeys.
 *
 * Commands that ask barleased do it: what is behind a 0 is what it answers.
 */
#include "answers.h"
#include "command.h"
#include "command_words.h"
#include "input.h"
#include "json.h"

#define WORDS_MAX 12
#define TEXT_MAX 512

static const struct command *const commands[] = {
	&command_explain, &command_run,	   &command_request, &command_recall,
	&command_revoke,  &command_peek,   &command_poke,    &command_load,
	&command_save,	  &command_bind,   &command_unbind,  &command_reset,
	&command_fill,	  &command_list,   &command_watch,   &command_stat,
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

void said_look(const struct said *said, const char *name, int status)
{
	char begin[32];

	if (status == STATUS_OK) {
		promise(!said->error_size);
		return;
	}
	promise(status == STATUS_FAILED || status == STATUS_USAGE);
	promise(said->error_size);
	/* Of nothing, there is an empty list, too. */
	promise(!said->out_size || (status == STATUS_FAILED &&
				    said->out[0] == '{'));
	if (status == STATUS_USAGE) {
		snprintf(begin, sizeof(begin), "barlease: %s: ", name);
		promise(!strncmp(said->error, begin, strlen(begin)));
	}
	promise(strlen(said->error) == said->error_size);
	for (size_t i = 0; i < said->error_size; i++) {
		unsigned char c = (unsigned char)said->error[i];
		bool last = i + 1 == said->error_size;

		promise(last ? c == '\n' : c >= ' ' && c != 0x7f);
	}
}

/* What barleased tells, also of others, or what of it came before it failed. */
static void shown_look(const struct said *said, const char *name, int status)
{
	promise(strlen(said->out) == said->out_size);
	for (const char *c = said->out; *c; c++)
		promise((*c >= ' ' && *c <= '~') || *c == '\n');
	promise(said->out[0] != '{' || json_is_objects(said->out));
	said_look(&(struct said){ .error = said->error,
				  .error_size = said->error_size },
		  name, status);
}

static bool shows(const struct command *command)
{
	return command == &command_list || command == &command_watch ||
	       command == &command_stat;
}

static void line_look(const struct command *command, char *text)
{
	char name[32];
	char *argv[WORDS_MAX + 2] = { name };
	struct said said;
	int argc = 1;
	int status;

	snprintf(name, sizeof(name), "%s", command->name);
	while (text && argc <= WORDS_MAX)
		argv[argc++] = strsep(&text, "\n");
	command_reached = false;
	said_begin();
	status = command->run(argc, argv);
	said_end();
	said = said_get();
	if (command_reached) {
		promise(status == STATUS_FAILED && !said.error_size);
		return;
	}
	if (shows(command)) {
		shown_look(&said, command->name, status);
		return;
	}
	said_look(&said, command->name, status);
	/* The help, or what an error means. */
	promise(status == STATUS_OK ? said.out_size > 0 :
				      status == STATUS_USAGE ||
					      command == &command_explain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t which = input_byte(&input);
	char text[TEXT_MAX + 1];

	size = input.left < TEXT_MAX ? input.left : TEXT_MAX;
	size = strnlen((const char *)input.bytes, size);
	memset(text, 0, sizeof(text));
	input_take(&input, text, size);
	input_byte(&input);
	answers_set(&input);
	words_look(text);
	line_look(commands[which % COMMANDS], text);
	answers_end();
	return 0;
}
