// SPDX-License-Identifier: MIT
#include "tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int steps;
static int checks;
static int failures;

static void tell_line(const char *mark, const char *format, va_list arguments)
{
	printf("   %s ", mark);
	vprintf(format, arguments);
	putchar('\n');
	fflush(stdout);
}

void tell_step(const char *format, ...)
{
	va_list arguments;

	printf("\n%d. ", ++steps);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

void tell(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell_line(" ", format, arguments);
	va_end(arguments);
}

bool tell_check(bool so, const char *format, ...)
{
	va_list arguments;

	checks++;
	if (!so)
		failures++;
	va_start(arguments, format);
	tell_line(so ? "ok  " : "FAIL", format, arguments);
	va_end(arguments);
	return so;
}

int tell_end(void)
{
	printf("\n%d steps, %d checks, %d failed\n", steps, checks, failures);
	fflush(stdout);
	return failures || !checks;
}

static void indent(FILE *from)
{
	char line[512];

	while (fgets(line, sizeof(line), from))
		printf("      | %s", line);
	fflush(stdout);
}

bool tell_run(const char *program, ...)
{
	char *argv[16] = { (char *)program };
	va_list arguments;
	int ends[2];
	int status;
	size_t n = 1;
	pid_t pid;
	FILE *from;

	va_start(arguments, program);
	while (n < 15 && (argv[n] = va_arg(arguments, char *)))
		n++;
	va_end(arguments);
	argv[n] = NULL;

	printf("   $");
	for (n = 0; argv[n]; n++)
		printf(" %s", argv[n]);
	putchar('\n');
	fflush(stdout);

	if (pipe(ends))
		return false;
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		execvp(program, argv);
		_exit(127);
	}
	close(ends[1]);
	from = fdopen(ends[0], "r");
	if (from) {
		indent(from);
		fclose(from);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       WIFEXITED(status) && !WEXITSTATUS(status);
}
