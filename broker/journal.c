// SPDX-License-Identifier: MIT
#include "journal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* That would be this file each time. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* Besides the fields: MESSAGE= and PRIORITY=. */
#define OWN_FIELDS 2

/* Is the standard error the stream that systemd has made for this service? */
static bool is_here(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &status) && status.st_dev == device &&
	       status.st_ino == inode;
}

static char *field_make(const struct log_field *field)
{
	char *text;

	if (asprintf(&text, "BARLEASE_%s=%s", field->key, field->value) < 0)
		return NULL;
	for (char *c = text; *c != '='; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return text;
}

bool journal_send(const struct log_line *line, const char *text)
{
	struct iovec parts[OWN_FIELDS + LOG_FIELDS_MAX];
	char *fields[OWN_FIELDS + LOG_FIELDS_MAX] = { NULL };
	unsigned int count = 0;
	int err;

	if (!is_here())
		return false;
	if (asprintf(&fields[0], "MESSAGE=%.*s", (int)strcspn(text, "\n"),
		     text) < 0)
		fields[0] = NULL;
	if (asprintf(&fields[1], "PRIORITY=%d", line->priority) < 0)
		fields[1] = NULL;
	for (unsigned int i = 0; i < line->count; i++)
		fields[OWN_FIELDS + i] = field_make(&line->fields[i]);
	for (unsigned int i = 0; i < OWN_FIELDS + line->count; i++)
		if (fields[i])
			parts[count++] = (struct iovec){
				.iov_base = fields[i],
				.iov_len = strlen(fields[i]),
			};
	err = sd_journal_sendv(parts, (int)count);
	for (unsigned int i = 0; i < OWN_FIELDS + line->count; i++)
		free(fields[i]);
	return err >= 0;
}
