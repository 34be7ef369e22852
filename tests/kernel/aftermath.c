// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aftermath.h"
#include "bind.h"
#include "harness.h"

#define SETTLE_MS patience_ms(5000)

/* In the kernel's messages these are never good. */
static const char *const bad_words[] = {
	"WARNING:",
	"BUG:",
	"BUG at",
	"Oops",
	"Call Trace",
	"possible circular",
	"possible recursive",
	"INFO: ",
	"KASAN",
	"KFENCE",
	"UBSAN",
	"ODEBUG",
	"DMA-API",
	"kmemleak",
	"refcount_t",
	"blocked for more than",
	"general protection",
	"unable to handle",
	"rcu_sched self-detected",
	"rcu_preempt self-detected",
	"stall",
	"Bad page",
	": bad p",		/* "bad pud": a page table that was cleared */
	"Bad rss-counter",
	"list_add corruption",
	"list_del corruption",
	"sleeping function",
	"scheduling while atomic",
};

/* As tests/vm/rig/logscan.py has it. */
#define RACE "BUG: KCSAN:"
#define RACE_ENDS "===================="
#define OUR_CODE "[barlease_"
#define OUR_DEPTH 3

static int log_fd = -1;

int aftermath_start(void)
{
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0)
		return -errno;
	if (lseek(log_fd, 0, SEEK_END) < 0)
		return -errno;
	return 0;
}

/* Read the next record, "priority,number,time,flags;text". */
static bool log_next(char *record, size_t size)
{
	ssize_t length;

	do {
		/* EPIPE: records were overwritten before they were read. */
		length = read(log_fd, record, size - 1);
	} while (length < 0 && (errno == EPIPE || errno == EINTR));
	if (length <= 0)
		return false;
	record[length] = '\0';
	return true;
}

static bool is_bad(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(bad_words) / sizeof(*bad_words); i++)
		if (strstr(text, bad_words[i]))
			return true;
	return false;
}

/*
 * In a report of a data race, between its first line and its last: one of the
 * two accesses was made by a function of ours, or not far from it.
 */
static bool is_our_race(const char *text)
{
	static bool in_report;
	static unsigned int depth;

	if (strstr(text, RACE))
		in_report = true;
	else if (strstr(text, RACE_ENDS))
		in_report = false;
	depth = text[0] == ' ' && strstr(text, "+0x") ? depth + 1 : 0;
	return in_report && depth <= OUR_DEPTH && strstr(text, OUR_CODE);
}

/* Print what the kernel said; note the first bad message in @trouble. */
static bool log_check(char *trouble, size_t size)
{
	char record[2048];
	bool bad = false;

	while (log_next(record, sizeof(record))) {
		char *text = strchr(record, ';');
		bool race;

		text = text ? text + 1 : record;
		text[strcspn(text, "\n")] = '\0';
		race = is_our_race(text);
		if (!bad && (race || (is_bad(text) && !strstr(text, RACE)))) {
			snprintf(trouble, size, "kernel log: %s%.300s",
				 race ? "data race: " : "", text);
			bad = true;
		}
		if (bad)
			test_note("kernel: %s", text);
	}
	return bad;
}

int module_references(void)
{
	FILE *file = fopen("/sys/module/" MODULE_SYSFS_NAME "/refcnt", "r");
	int count = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &count) != 1)
		count = -1;
	fclose(file);
	return count;
}

int module_dmabufs(void)
{
	FILE *file = fopen("/sys/kernel/debug/dma_buf/bufinfo", "r");
	char line[512];
	int count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (strstr(line, MODULE_SYSFS_NAME))
			count++;
	fclose(file);
	return count;
}

void aftermath_before(struct aftermath *before)
{
	char record[2048];

	while (log_next(record, sizeof(record)))
		;
	before->module_references = module_references();
	before->dmabufs = module_dmabufs();
}

bool aftermath_check(const struct aftermath *before, char *trouble, size_t size)
{
	long long end = now_ms() + SETTLE_MS;
	struct aftermath after;

	for (;;) {
		after.module_references = module_references();
		after.dmabufs = module_dmabufs();
		if (after.module_references == before->module_references &&
		    after.dmabufs == before->dmabufs)
			break;
		if (now_ms() >= end)
			break;
		sleep_ms(10);
	}

	if (log_check(trouble, size))
		return true;
	if (after.module_references != before->module_references) {
		snprintf(trouble, size, "%d module references before, %d after",
			 before->module_references, after.module_references);
		return true;
	}
	if (after.dmabufs != before->dmabufs) {
		snprintf(trouble, size, "%d DMABUFs before, %d after",
			 before->dmabufs, after.dmabufs);
		return true;
	}
	return false;
}
