/* SPDX-License-Identifier: MIT */
/*
 * What happens, one line each, for people and for programs: KEY=VALUE to the
 * standard error, or fields of the journal where that is what it goes to. Nobody
 * waits for whoever reads it: a line for which there is no room is lost, and the
 * next one that is not is preceded by how many were.
 */
#ifndef BROKER_LOG_H
#define BROKER_LOG_H

#include <stdint.h>
#include <syslog.h>

#define LOG_FIELDS_MAX 20

struct log_field {
	const char *key; /* lower case, words with - between them */
	char *value;
};

/* A line that is being written. */
struct log_line {
	int priority; /* of syslog(3) */
	struct log_field fields[LOG_FIELDS_MAX];
	unsigned int count;
};

/* "event=EVENT" comes first. */
void log_begin(struct log_line *line, int priority, const char *event);
void log_text(struct log_line *line, const char *key, const char *value);
void log_format(struct log_line *line, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void log_end(struct log_line *line);

/* How many lines were lost since the start. */
uint64_t log_lost(void);

#endif /* BROKER_LOG_H */
