// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

/* What a terminal would obey is shown, wherever the name it is in comes from. */
static void text_print(const char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			fprintf(stderr, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, stderr);
	}
}

void message_list(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return;
	text_print(text);
	free(text);
}

void message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("barlease: ", stderr);
	message_list(format, args);
	fputc('\n', stderr);
	va_end(args);
}

const char *error_words(int err)
{
	return strerror(-err);
}
