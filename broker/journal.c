// SPDX-License-Identifier: MIT
/*
 * What libsystemd has for this waits for a journal that does not read. So it is
 * done here: a datagram with KEY=VALUE lines, or, where a value has several lines
 * itself, KEY, the value's length in eight bytes, and the value.
 */
#include "journal.h"

#include <ctype.h>
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct sockaddr_un journal = {
	.sun_family = AF_UNIX,
	.sun_path = "/run/systemd/journal/socket",
};

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

static void value_put(FILE *out, const char *value, size_t length)
{
	uint64_t size = htole64(length);

	if (memchr(value, '\n', length)) {
		fputc('\n', out);
		fwrite(&size, sizeof(size), 1, out);
	} else {
		fputc('=', out);
	}
	fwrite(value, length, 1, out);
	fputc('\n', out);
}

static void field_put(FILE *out, const struct log_field *field)
{
	fputs("BARLEASE_", out);
	for (const char *c = field->key; *c; c++)
		fputc(*c == '-' ? '_' : toupper((unsigned char)*c), out);
	value_put(out, field->value, strlen(field->value));
}

static char *datagram_make(const struct log_line *line, const char *text,
			   size_t *size)
{
	char *datagram = NULL;
	FILE *out = open_memstream(&datagram, size);

	if (!out)
		return NULL;
	fputs("MESSAGE", out);
	value_put(out, text, strcspn(text, "\n"));
	fprintf(out, "PRIORITY=%d\nSYSLOG_IDENTIFIER=barleased\n",
		line->priority);
	for (unsigned int i = 0; i < line->count; i++)
		field_put(out, &line->fields[i]);
	if (fclose(out)) {
		free(datagram);
		return NULL;
	}
	return datagram;
}

/* Whoever listens there now: the journal may have been started anew. */
static bool datagram_send(const char *datagram, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 &&
	       sendto(fd, datagram, size, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&journal,
		      sizeof(journal)) == (ssize_t)size;
}

bool journal_send(const struct log_line *line, const char *text)
{
	char *datagram;
	size_t size;
	bool sent;

	if (!is_here())
		return false;
	datagram = datagram_make(line, text, &size);
	sent = datagram && datagram_send(datagram, size);
	free(datagram);
	return sent;
}
