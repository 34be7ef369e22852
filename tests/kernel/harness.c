// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "runner.h"

/* Where a reason goes: the runner reads the other end. */
static int reason_fd = -1;

void harness_report_to(int fd)
{
	reason_fd = fd;
}

/* One write per reason, so that those of several processes do not mix. */
static void report(const char *text)
{
	if (write(reason_fd, text, strlen(text) + 1) < 0)
		dprintf(STDERR_FILENO, "%s\n", text);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	char text[REASON_MAX];
	const char *base = strrchr(file, '/');
	va_list args;
	int length;

	length = snprintf(text, sizeof(text), "%s:%d: ", base ? base + 1 : file,
			  line);
	va_start(args, format);
	vsnprintf(text + length, sizeof(text) - (size_t)length, format, args);
	va_end(args);
	report(text);
	_exit(STATUS_FAILED);
}

void test_skip(const char *format, ...)
{
	char text[REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report(text);
	_exit(STATUS_SKIPPED);
}

void test_note(const char *format, ...)
{
	char text[REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	dprintf(STDOUT_FILENO, "# %s\n", text);
}

const char *errno_name(long error)
{
	const char *name = strerrorname_np((int)labs(error));

	return name ? name : "an unknown error";
}

long long patience_ms(long long ms)
{
	const char *times = getenv("BARLEASE_PATIENCE");

	return times ? ms * atoi(times) : ms;
}

long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void sleep_ms(unsigned int ms)
{
	struct timespec time = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&time, NULL);
}
