// SPDX-License-Identifier: MIT
#include "transcript.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

void transcript_add(struct transcript *transcript, const char *format, ...)
{
	char line[256];
	va_list args;
	size_t length;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	length = strlen(line);
	transcript->text = realloc(transcript->text,
				   transcript->length + length + 1);
	ASSERT(transcript->text);
	memcpy(transcript->text + transcript->length, line, length + 1);
	transcript->length += length;
}

void transcript_call(struct transcript *transcript, const char *what,
		     long value)
{
	if (value == -1)
		transcript_add(transcript, "%s: %s", what, errno_name(errno));
	else
		transcript_add(transcript, "%s: %ld", what, value);
}

void transcript_bytes(struct transcript *transcript, const char *what,
		      uint64_t offset, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;
	char hex[16 * 3 + 1];
	size_t i, j;

	for (i = 0; i < length; i += 16) {
		for (j = 0; j < 16 && i + j < length; j++)
			snprintf(hex + j * 3, 4, " %02x", byte[i + j]);
		transcript_add(transcript, "%s at %#llx:%s", what,
			       (unsigned long long)(offset + i), hex);
	}
}

void transcripts_compare(const char *who, struct transcript *stock,
			 struct transcript *ours)
{
	char *stock_rest = stock->text, *our_rest = ours->text;
	char *stock_line, *our_line;
	unsigned int lines = 0;

	do {
		stock_line = strsep(&stock_rest, "\n");
		our_line = strsep(&our_rest, "\n");
		if (!stock_line || !our_line || strcmp(stock_line, our_line))
			FAIL("%s: vfio-pci has \"%s\", we have \"%s\"", who,
			     stock_line ? stock_line : "no more",
			     our_line ? our_line : "no more");
		lines++;
	} while (stock_rest || our_rest);
	test_note("%s: %u answers are the same", who, lines - 1);
	free(stock->text);
	free(ours->text);
}
