// SPDX-License-Identifier: MIT
/*
 * A lessee that writes what it finds itself to be into its own lease, which
 * is the only file that it can be sure to have.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LEASE_FD 3

/* A line for each fd, but not for the folder's own. */
static void fds_print(FILE *out)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    atoi(entry->d_name) != dirfd(dir))
			fprintf(out, "fd %s\n", entry->d_name);
	if (dir)
		closedir(dir);
}

static void status_print(FILE *out)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNew", 5) ||
		    !strncmp(line, "SigBlk", 6))
			fputs(line, out);
	if (status)
		fclose(status);
}

int main(int argc, char **argv)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	gid_t groups[64];
	int signal = 0;
	int count;

	if (!out)
		return 100;
	fds_print(out);
	status_print(out);
	fprintf(out, "uid %d %d\n", (int)getuid(), (int)geteuid());
	fprintf(out, "gid %d %d\n", (int)getgid(), (int)getegid());
	count = getgroups(64, groups);
	for (int i = 0; i < count; i++)
		fprintf(out, "group %d\n", (int)groups[i]);
	prctl(PR_GET_PDEATHSIG, &signal);
	fprintf(out, "deathsig %d\n", signal);
	fprintf(out, "pid %d\n", (int)getpid());
	for (char **variable = environ; *variable; variable++)
		fprintf(out, "%s\n", *variable);
	fclose(out);

	if (pwrite(LEASE_FD, text, size, 0) != (ssize_t)size)
		return 101;
	free(text);
	return argc > 1 ? atoi(argv[1]) : 0;
}
