// SPDX-License-Identifier: MIT
#include "policy/mistakes.h"

#include <stdlib.h>

static bool room_make(struct mistakes *mistakes)
{
	size_t room = mistakes->room ? mistakes->room * 2 : 16;
	struct mistake *list;

	if (mistakes->count < mistakes->room)
		return true;
	list = reallocarray(mistakes->list, room, sizeof(*list));
	if (!list)
		return false;
	mistakes->list = list;
	mistakes->room = room;
	return true;
}

void mistakes_add_list(struct mistakes *mistakes, unsigned int line,
		       const char *format, va_list arguments)
{
	char *text;

	if (mistakes->count == MISTAKES_MAX) {
		mistakes->more = true;
		return;
	}
	if (!room_make(mistakes) || vasprintf(&text, format, arguments) < 0) {
		mistakes->failed = true;
		return;
	}
	mistakes->list[mistakes->count] = (struct mistake){
		.line = line,
		.order = mistakes->count,
		.text = text,
	};
	mistakes->count++;
}

void mistakes_add(struct mistakes *mistakes, unsigned int line,
		  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	mistakes_add_list(mistakes, line, format, arguments);
	va_end(arguments);
}

static int compare(const void *a, const void *b)
{
	const struct mistake *one = a, *other = b;

	if (one->line != other->line)
		return one->line < other->line ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

void mistakes_sort(struct mistakes *mistakes)
{
	if (mistakes->count)
		qsort(mistakes->list, mistakes->count, sizeof(*mistakes->list),
		      compare);
}

void mistakes_print(const struct mistakes *mistakes, const char *file,
		    FILE *out)
{
	for (size_t i = 0; i < mistakes->count; i++)
		fprintf(out, "%s:%u: %s\n", file, mistakes->list[i].line,
			mistakes->list[i].text);
	if (mistakes->more)
		fprintf(out, "%s: there are more mistakes than these\n", file);
}

void mistakes_free(struct mistakes *mistakes)
{
	for (size_t i = 0; i < mistakes->count; i++)
		free(mistakes->list[i].text);
	free(mistakes->list);
	*mistakes = (struct mistakes){ 0 };
}
