// SPDX-License-Identifier: MIT
#include "witness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "operators.h"

#define SLICE 4096
#define SLICES 64

struct hearing {
	struct witness *witness;
	const char *control, *shared;
	int log, operators;
	char line[2048];
	size_t length; /* of the line so far */
	unsigned int holders[SLICES];
};

static void grant_see(struct hearing *hearing, const struct control_lease *lease)
{
	hearing->witness->granted++;
	if (!strcmp(lease->offer, hearing->shared))
		return;
	if (hearing->holders[lease->offset / SLICE % SLICES]++)
		hearing->witness->doubled++;
}

static void end_see(struct hearing *hearing, const struct control_lease *lease)
{
	hearing->witness->ended++;
	if (!strcmp(lease->offer, hearing->shared))
		return;
	if (!hearing->holders[lease->offset / SLICE % SLICES]--)
		hearing->witness->doubled++;
}

/* Return: whether there may be more. */
static bool event_hear(struct hearing *hearing)
{
	union control_packet packet;

	if (!operators_next(hearing->operators, &packet))
		return false;
	if (packet.header.type != CONTROL_EVENT)
		return true;
	if (packet.event.event == CONTROL_GRANTED)
		grant_see(hearing, &packet.event.lease);
	else if (packet.event.event == CONTROL_ENDED)
		end_see(hearing, &packet.event.lease);
	return true;
}

/* From the answer on it is told of all that happens. */
static bool watch(struct hearing *hearing)
{
	union control_packet packet;

	hearing->operators = operators_connect(hearing->control);
	if (hearing->operators < 0 ||
	    !operators_ask(hearing->operators, CONTROL_WATCH))
		return false;
	do {
		if (!operators_next(hearing->operators, &packet))
			return false;
	} while (packet.header.type != CONTROL_DONE);
	hearing->witness->watches = true;
	return true;
}

/* What is always said is kept from whoever reads what the test says. */
static bool is_usual(const char *line)
{
	static const char *const usual[] = {
		"grant",    "release", "revoke", "recall",
		"operator", "deny",    "end",	 "log-lost",
		"policy-in-force",
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		if (!strncmp(line, "event=", 6) &&
		    strcspn(line + 6, "\n ") == strlen(usual[i]) &&
		    !strncmp(line + 6, usual[i], strlen(usual[i])))
			return true;
	}
	return false;
}

static bool line_hear(struct hearing *hearing)
{
	if (!strcmp(hearing->line, "event=ready\n"))
		return watch(hearing);
	if (!is_usual(hearing->line))
		fputs(hearing->line, stderr);
	return true;
}

/* Return: whether there may be more. */
static bool log_hear(struct hearing *hearing)
{
	char bytes[4096];
	ssize_t length = read(hearing->log, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < length; i++) {
		hearing->line[hearing->length++] = bytes[i];
		if (bytes[i] != '\n' &&
		    hearing->length < sizeof(hearing->line) - 1)
			continue;
		hearing->line[hearing->length] = '\0';
		hearing->length = 0;
		if (!line_hear(hearing))
			return false;
	}
	return length > 0;
}

/* Both end with barleased, and not before. Return: whether that was so. */
static bool hear(struct hearing *hearing)
{
	struct pollfd polled[2] = { { .fd = hearing->log, .events = POLLIN } };

	do {
		polled[1] = (struct pollfd){ .fd = hearing->operators,
					     .events = POLLIN };
		if (poll(polled, 2, -1) < 0)
			return false;
		if (polled[0].revents && !log_hear(hearing))
			polled[0].fd = -1;
		if (polled[1].revents && !event_hear(hearing))
			hearing->operators = -1;
		if (hearing->witness->watches && !hearing->witness->ending &&
		    (polled[0].fd < 0 || hearing->operators < 0)) {
			/* Who is too slow for what it is told is thrown out. */
			fprintf(stderr, "witness: no more to %s before the end\n",
				polled[0].fd < 0 ? "read" : "hear");
			return false;
		}
	} while (polled[0].fd >= 0 || hearing->operators >= 0);
	return hearing->witness->ending;
}

struct witness *witness_start(int log, const char *control, const char *shared)
{
	struct witness *new = mmap(NULL, sizeof(*new), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct hearing hearing = { .witness = new,
				   .control = control,
				   .shared = shared,
				   .log = log,
				   .operators = -1 };

	pid_t pid;

	if (new == MAP_FAILED)
		return NULL;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(hear(&hearing) ? 0 : 1);
	}
	if (pid < 0) {
		munmap(new, sizeof(*new));
		return NULL;
	}
	new->pid = pid;
	return new;
}

bool witness_end(struct witness *witness)
{
	bool complete;
	int status = -1;

	complete = waitpid(witness->pid, &status, 0) == witness->pid &&
		   !status && !witness->doubled &&
		   witness->granted == witness->ended;
	if (!complete)
		fprintf(stderr,
			"witness: status %d, granted %llu, ended %llu, twice %llu\n",
			status, (unsigned long long)witness->granted,
			(unsigned long long)witness->ended,
			(unsigned long long)witness->doubled);
	munmap(witness, sizeof(*witness));
	return complete;
}
