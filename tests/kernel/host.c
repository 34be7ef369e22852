// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "harness.h"
#include "host.h"

#define LINE_MAX_LENGTH 8192
#define DATA_MAX 2048

static int line_open(void)
{
	const char *path = getenv("BARLEASE_HOSTCALL");
	struct termios settings;
	int fd;

	if (!path || !*path)
		test_skip("no BARLEASE_HOSTCALL");
	fd = (int)ASSERT_SYS(open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (!tcgetattr(fd, &settings)) {
		cfmakeraw(&settings);
		tcsetattr(fd, TCSANOW, &settings);
	}
	ASSERT_SYS(flock(fd, LOCK_EX));
	return fd;
}

static void line_write(int fd, const char *text, size_t length)
{
	while (length) {
		long done = ASSERT_SYS(write(fd, text, length));

		text += done;
		length -= (size_t)done;
	}
}

static void line_read(int fd, char *text, size_t size)
{
	size_t length = 0;

	while (length < size - 1) {
		ASSERT_EQ(ASSERT_SYS(read(fd, text + length, 1)), 1);
		if (text[length] == '\n')
			break;
		length++;
	}
	text[length] = '\0';
}

/* Ask; put what follows "ok " into @answer. */
__attribute__((format(printf, 3, 4))) static void
host_ask(char *answer, size_t size, const char *format, ...)
{
	char request[LINE_MAX_LENGTH], line[LINE_MAX_LENGTH];
	va_list args;
	int length;
	int fd;

	va_start(args, format);
	length = vsnprintf(request, sizeof(request), format, args);
	va_end(args);
	ASSERT((size_t)length < sizeof(request) - 1);
	strcat(request, "\n");

	fd = line_open();
	line_write(fd, request, strlen(request));
	line_read(fd, line, sizeof(line));
	close(fd);

	if (!strcmp(line, "ok"))
		strcat(line, " ");
	if (strncmp(line, "ok ", 3))
		FAIL("host: %.40s: %.200s", request, line);
	ASSERT(strlen(line) - 3 < size);
	strcpy(answer, line + 3);
}

void host_read(uint64_t offset, void *buf, size_t length)
{
	char answer[2 * DATA_MAX + 1];
	uint8_t *bytes = buf;
	unsigned int byte;
	size_t i;

	ASSERT(length <= DATA_MAX);
	host_ask(answer, sizeof(answer), "read %#llx %zu",
		 (unsigned long long)offset, length);
	ASSERT_EQ(strlen(answer), 2 * length);
	for (i = 0; i < length; i++) {
		ASSERT_EQ(sscanf(answer + 2 * i, "%2x", &byte), 1);
		bytes[i] = (uint8_t)byte;
	}
}

void host_write(uint64_t offset, const void *buf, size_t length)
{
	char text[2 * DATA_MAX + 1], answer[8];
	const uint8_t *bytes = buf;
	size_t i;

	ASSERT(length <= DATA_MAX);
	for (i = 0; i < length; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	host_ask(answer, sizeof(answer), "write %#llx %s",
		 (unsigned long long)offset, text);
}

void host_snapshot(void)
{
	char answer[8];

	host_ask(answer, sizeof(answer), "snapshot");
}

void host_changed(char *text, size_t size)
{
	host_ask(text, size, "changed 1");
}

void host_assert_changed(uint64_t offset, uint64_t length)
{
	char expected[64], found[LINE_MAX_LENGTH];

	snprintf(expected, sizeof(expected), "%#llx+%#llx",
		 (unsigned long long)offset, (unsigned long long)length);
	host_changed(found, sizeof(found));
	if (strcmp(found, expected))
		FAIL("the host sees changes at \"%.200s\", not at %s", found,
		     expected);
}

void host_assert_unchanged(void)
{
	char found[LINE_MAX_LENGTH];

	host_changed(found, sizeof(found));
	if (found[0])
		FAIL("the host sees changes at %.200s", found);
}

void host_do(const char *what)
{
	char answer[8];

	host_ask(answer, sizeof(answer), "%s", what);
}
