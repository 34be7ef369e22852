// SPDX-License-Identifier: MIT
#include "log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "output.h"

/* Lines that nobody has taken: since the last one that was, and at all. */
static uint64_t lost, lost_total;

/* Where a value is lost for want of memory, the rest is told all the same. */
static void field_add(struct log_line *line, const char *key, char *value)
{
	if (line->count == LOG_FIELDS_MAX || !value) {
		free(value);
		return;
	}
	line->fields[line->count].key = key;
	line->fields[line->count].value = value;
	line->count++;
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	field_add(line, key, strdup(value));
}

void log_format(struct log_line *line, const char *key, const char *format, ...)
{
	va_list arguments;
	char *value;

	va_start(arguments, format);
	if (vasprintf(&value, format, arguments) < 0)
		value = NULL;
	va_end(arguments);
	field_add(line, key, value);
}

void log_begin(struct log_line *line, int priority, const char *event)
{
	line->priority = priority;
	line->count = 0;
	log_text(line, "event", event);
}

static int is_plain(const char *value)
{
	if (!*value)
		return 0;
	for (; *value; value++)
		if (!isgraph((unsigned char)*value) || strchr("\"\\=", *value))
			return 0;
	return 1;
}

/* Lessees choose their names: what they put there must not look like ours. */
static void value_print(FILE *out, const char *value)
{
	if (is_plain(value)) {
		fputs(value, out);
		return;
	}
	fputc('"', out);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else if (isprint((unsigned char)*value))
			fputc(*value, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*value);
	}
	fputc('"', out);
}

static char *sentence_make(const struct log_line *line)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (unsigned int i = 0; i < line->count; i++) {
		fprintf(out, "%s%s=", i ? " " : "", line->fields[i].key);
		value_print(out, line->fields[i].value);
	}
	fputc('\n', out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static bool line_put(const struct log_line *line)
{
	char *text = sentence_make(line);
	bool taken = text && (journal_send(line, text) || output_put(text));

	free(text);
	return taken;
}

static void line_free(struct log_line *line)
{
	while (line->count)
		free(line->fields[--line->count].value);
}

/* Return: whether it is known from here on that there were some. */
static bool lost_tell(void)
{
	struct log_line line;
	bool taken;

	log_begin(&line, LOG_ERR, "log-lost");
	log_format(&line, "lines", "%llu", (unsigned long long)lost);
	taken = line_put(&line);
	line_free(&line);
	if (taken)
		lost = 0;
	return taken;
}

void log_end(struct log_line *line)
{
	if ((lost && !lost_tell()) || !line_put(line)) {
		lost++;
		lost_total++;
	}
	line_free(line);
}

uint64_t log_lost(void)
{
	return lost_total;
}
