// SPDX-License-Identifier: MIT
/*
 * The lessee of the demo: an ordinary process with a lease and nothing else.
 *
 * It maps its lease once and then does what it is told on stdin, a line for
 * each request, and answers each with a line that starts with "ok" or with the
 * name of an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <barlease.h>

static int lease;
static uint64_t lease_size;
static struct barlease_slice slice;
static struct barlease_map map;

static sigjmp_buf on_sigbus;

static void sigbus(int number)
{
	(void)number;
	siglongjmp(on_sigbus, 1);
}

static void answer(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void answer_errno(int error)
{
	answer(error ? strerrorname_np(error) : "ok");
}

/* Words in between, bytes at the end: what any device memory can take. */
static void copy_in(const unsigned char *from, size_t length)
{
	volatile unsigned char *bytes = map.address;
	volatile uint32_t *words = map.address;
	size_t i;

	for (i = 0; i < length / 4; i++) {
		uint32_t word;

		memcpy(&word, from + i * 4, 4);
		words[i] = word;
	}
	for (i *= 4; i < length; i++)
		bytes[i] = from[i];
}

static size_t first_difference(const unsigned char *with, size_t length)
{
	const volatile unsigned char *bytes = map.address;
	size_t i;

	for (i = 0; i < length; i++)
		if (bytes[i] != with[i])
			break;
	return i;
}

static unsigned char *read_file(const char *path, size_t *length)
{
	unsigned char *data = NULL;
	struct stat status;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &status) && status.st_size > 0 &&
	    (uint64_t)status.st_size <= lease_size) {
		*length = status.st_size;
		data = malloc(*length);
		if (data && read(fd, data, *length) != status.st_size) {
			free(data);
			data = NULL;
		}
	}
	close(fd);
	return data;
}

static void do_whoami(void)
{
	char line[256], caps[64] = "?";
	FILE *status = fopen("/proc/self/status", "re");

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %63s", caps) == 1)
			break;
	if (status)
		fclose(status);
	printf("ok uid=%u gid=%u capabilities=%s\n", getuid(), getgid(), caps);
	fflush(stdout);
}

static void do_load(const char *path)
{
	size_t length;
	unsigned char *data = read_file(path, &length);

	if (!data) {
		answer("cannot read the file");
		return;
	}
	copy_in(data, length);
	printf("ok %zu\n", length);
	fflush(stdout);
	free(data);
}

static void do_same(const char *path)
{
	size_t length, same;
	unsigned char *data = read_file(path, &length);

	if (!data) {
		answer("cannot read the file");
		return;
	}
	same = first_difference(data, length);
	if (same == length)
		printf("ok %zu\n", length);
	else
		printf("differs at byte %zu\n", same);
	fflush(stdout);
	free(data);
}

/* Is there any way to more than the lease? */
static void do_beyond(void)
{
	void *address =
		mmap(NULL, 4096, PROT_READ, MAP_SHARED, lease, lease_size);

	answer_errno(address == MAP_FAILED ? errno : 0);
	if (address != MAP_FAILED)
		munmap(address, 4096);
}

static void do_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	answer_errno(fd < 0 ? errno : 0);
	if (fd >= 0)
		close(fd);
}

static void do_mmap(void)
{
	struct barlease_map again;
	int ret = barlease_lease_map(lease, 0, 4096, PROT_READ, 0, &again);

	answer_errno(-ret);
	if (!ret)
		barlease_map_end(&again);
}

static long page_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static void do_access(const char *what, const char *arguments)
{
	volatile uint32_t *words = map.address;
	unsigned long offset, value;
	long faults;
	char *end;

	offset = strtoul(arguments, &end, 0);
	if (offset % 4 || offset >= map.length) {
		answer("EINVAL");
		return;
	}
	if (!strcmp(what, "write")) {
		value = strtoul(end, NULL, 0);
		words[offset / 4] = value;
		answer("ok");
		return;
	}
	faults = page_faults();
	value = words[offset / 4];
	printf("ok 0x%lx, page faults: %ld\n", value, page_faults() - faults);
	fflush(stdout);
}

static void obey(const char *what, const char *argument)
{
	if (sigsetjmp(on_sigbus, 1)) {
		answer("SIGBUS");
		return;
	}
	if (!strcmp(what, "whoami"))
		do_whoami();
	else if (!strcmp(what, "load"))
		do_load(argument);
	else if (!strcmp(what, "same"))
		do_same(argument);
	else if (!strcmp(what, "beyond"))
		do_beyond();
	else if (!strcmp(what, "open"))
		do_open(argument);
	else if (!strcmp(what, "mmap"))
		do_mmap();
	else if (!strcmp(what, "read") || !strcmp(what, "write"))
		do_access(what, argument);
	else
		answer("no such request");
}

int main(void)
{
	struct sigaction action = { .sa_handler = sigbus };
	char line[512];
	int ret;

	lease = barlease_lease_inherit(0, &slice);
	if (lease < 0) {
		answer("no lease in the environment");
		return 1;
	}
	ret = barlease_lease_size(lease, &lease_size);
	if (!ret)
		ret = barlease_lease_map(lease, 0, lease_size,
					 PROT_READ | PROT_WRITE,
					 slice.range.offset, &map);
	if (ret) {
		answer_errno(-ret);
		return 1;
	}
	sigaction(SIGBUS, &action, NULL);
	printf("ok %llu\n", (unsigned long long)lease_size);
	fflush(stdout);

	while (fgets(line, sizeof(line), stdin)) {
		char *argument;

		line[strcspn(line, "\n")] = 0;
		argument = strchr(line, ' ');
		if (argument)
			*argument++ = 0;
		obey(line, argument ? argument : "");
	}
	return 0;
}
