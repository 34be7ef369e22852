// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

void message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("barlease: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

const char *error_words(int err)
{
	return strerror(-err);
}
