// SPDX-License-Identifier: MIT
#include "standstill.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Return the length of what there is, with a 0 behind it; 0: nothing. */
static size_t read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return 0;
	length = read(fd, text, size - 1);
	close(fd);
	if (length < 0)
		length = 0;
	text[length] = '\0';
	return (size_t)length;
}

struct thread_state {
	char state;
	long group;
	unsigned long user, system;	/* clock ticks */
};

/* proc_pid_stat(5): the name before the state may have anything in it. */
static bool read_state(const char *folder, struct thread_state *thread)
{
	char path[64], text[1024];
	const char *fields;

	snprintf(path, sizeof(path), "%s/stat", folder);
	if (!read_text(path, text, sizeof(text)))
		return false;
	fields = strrchr(text, ')');
	return fields &&
	       sscanf(fields + 1,
		      " %c %*d %ld %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		      &thread->state, &thread->group, &thread->user,
		      &thread->system) == 4;
}

/* "[<0>] function+0x1/0x2", a line each. */
static void print_stack(const char *folder)
{
	char path[64], text[4096], *line, *rest = text;
	const char *sign = "";

	snprintf(path, sizeof(path), "%s/stack", folder);
	read_text(path, text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		line += strncmp(line, "[<0>] ", 6) ? 0 : 6;
		printf("%s%.*s", sign, (int)strcspn(line, "+"), line);
		sign = " < ";
	}
}

static void print_thread(const char *folder, pid_t group)
{
	struct thread_state thread;

	if (!read_state(folder, &thread) || thread.group != group)
		return;
	printf("# %s %c, %lu + %lu ticks: ", folder + strlen("/proc/"),
	       thread.state, thread.user, thread.system);
	print_stack(folder);
	printf("\n");
}

static void visit_numbers(const char *folder, pid_t group,
			  void (*call)(const char *path, pid_t group))
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[48];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    strlen(folder) + strlen(entry->d_name) + 1 >= sizeof(path))
			continue;
		strcpy(path, folder);
		strcat(path, "/");
		strcat(path, entry->d_name);
		call(path, group);
	}
	closedir(dir);
}

static void print_process(const char *folder, pid_t group)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/task", folder);
	visit_numbers(path, group, print_thread);
}

void standstill_tell(pid_t group)
{
	visit_numbers("/proc", group, print_process);
	fflush(stdout);
}
