// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "barlease.h"
#include "command.h"
#include "holding_tables.h"
#include "message.h"
#include "operators.h"
#include "options.h"
#include "words.h"

#define TEXT_SIZE (4 * CONTROL_CGROUP_SIZE)

/* Was there before. */
#define EVENT_HELD 0

static const struct option long_options[] = {
	{ "control", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

/* A line that is printed. */
struct line {
	uint32_t event; /* enum control_event, or EVENT_HELD */
	uint32_t why;
	const struct control_lease *lease;
	const char *sentence;
};

static const char *event_name(uint32_t event)
{
	static const char *const names[] = {
		[EVENT_HELD] = "held",
		[CONTROL_GRANTED] = "granted",
		[CONTROL_RECALLED] = "recalled",
		[CONTROL_ENDED] = "ended",
		[CONTROL_STUCK] = "stuck",
		[CONTROL_DENIED] = "denied",
	};

	return event < sizeof(names) / sizeof(*names) ? names[event] :
							"unknown";
}

static const char *why_words(const struct line *line)
{
	switch (line->event) {
	case CONTROL_ENDED:
		return end_words(line->why);
	case CONTROL_STUCK:
		return error_words(-(int)line->why);
	case CONTROL_DENIED:
		return line->sentence;
	}
	return "";
}

static void text_member(const char *key, const char *text)
{
	char clean[TEXT_SIZE];

	clean_words(text, clean, sizeof(clean));
	printf(", \"%s\": ", key);
	if (clean[0])
		json_words(stdout, clean);
	else
		fputs("null", stdout);
}

static void who_members(const struct control_who *who)
{
	char user[TEXT_SIZE] = "";

	if (who->uid == CONTROL_UNKNOWN)
		return;
	user_words(who->uid, user, sizeof(user));
	printf(", \"pid\": %" PRIu32 ", \"uid\": %" PRIu32
	       ", \"gid\": %" PRIu32,
	       who->pid, who->uid, who->gid);
	text_member("user", user);
	text_member("command", who->command);
	text_member("cgroup", who->cgroup);
}

static void json_print(const struct line *line, const char *now)
{
	const struct control_lease *lease = line->lease;

	printf("{\"time\": \"%s\", \"event\": \"%s\"", now,
	       event_name(line->event));
	if (lease->lease)
		printf(", \"lease\": %" PRIu64, lease->lease);
	text_member("slice", lease->offer);
	if (lease->lease) {
		printf(", \"index\": %" PRIu32, lease->index);
		text_member("device", lease->device);
		printf(", \"bar\": %" PRIu32 ", \"offset\": %" PRIu64
		       ", \"size\": %" PRIu64 ", \"age\": %" PRIu64,
		       lease->bar, lease->offset, lease->size, lease->age);
		if (lease->time_left != UINT64_MAX)
			printf(", \"time_left\": %" PRIu64, lease->time_left);
	}
	text_member("access",
		    lease->access == BARLEASE_READ_ONLY ? "ro" : "rw");
	text_member("cache", lease->attribute == BARLEASE_WRITE_COMBINING ?
				     "wc" :
				     "nc");
	who_members(&lease->who);
	if (line->event == CONTROL_STUCK || line->event == CONTROL_DENIED)
		text_member("error", strerrorname_np((int)line->why));
	text_member("why", why_words(line));
	puts("}");
}

static void people_print(const struct line *line, const char *now)
{
	const struct control_lease *lease = line->lease;
	char name[TEXT_SIZE], command[TEXT_SIZE], why[TEXT_SIZE];
	char left[WORDS_SIZE], user[TEXT_SIZE] = "?";

	clean_words(lease->offer, name, sizeof(name));
	clean_words(lease->who.command, command, sizeof(command));
	clean_words(why_words(line), why, sizeof(why));
	time_words(lease->time_left, left, sizeof(left));
	if (lease->who.uid != CONTROL_UNKNOWN)
		user_words(lease->who.uid, user, sizeof(user));
	printf("%s %-8s ", now, event_name(line->event));
	if (lease->lease)
		printf("lease %" PRIu64 " of %s/%" PRIu32, lease->lease, name,
		       lease->index);
	else
		fputs(name[0] ? name : "(anything)", stdout);
	printf(" (%s)  pid %" PRIu32 " (%s) user %s",
	       lease->access == BARLEASE_READ_ONLY ? "ro" : "rw",
	       lease->who.pid, command, user);
	if (line->event == CONTROL_RECALLED && lease->time_left != UINT64_MAX)
		printf("  %s left", left);
	if (why[0])
		printf("  %s", why);
	putchar('\n');
}

/* Return: whether somebody reads it. */
static bool line_print(const struct line *line, bool json)
{
	time_t seconds = time(NULL);
	struct tm parts;
	char now[64];

	if (json) {
		gmtime_r(&seconds, &parts);
		strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &parts);
		json_print(line, now);
	} else {
		localtime_r(&seconds, &parts);
		strftime(now, sizeof(now), "%H:%M:%S", &parts);
		people_print(line, now);
	}
	return !fflush(stdout);
}

static int watch_begin(int fd, bool json)
{
	struct holdings holdings = { 0 };
	int err = holdings_ask(fd, CONTROL_WATCH, &holdings);

	for (size_t i = 0; i < holdings.lease_count && !err; i++) {
		const struct line line = {
			.event = EVENT_HELD,
			.lease = &holdings.leases[i],
		};

		if (!line_print(&line, json))
			break;
	}
	holdings_free(&holdings);
	return err;
}

static int watch(int fd, bool json)
{
	union control_packet packet;
	int err = watch_begin(fd, json);

	while (!err && !ferror(stdout)) {
		err = operators_receive(fd, &packet, true);
		if (!err && packet.header.type == CONTROL_EVENT) {
			const struct line line = {
				.event = packet.event.event,
				.why = packet.event.why,
				.lease = &packet.event.lease,
				.sentence = packet.event.sentence,
			};

			line_print(&line, json);
		} else if (!err) {
			err = -EPROTO;
		}
	}
	return err;
}

static int run(int argc, char **argv)
{
	const char *control = NULL;
	char path[PATH_MAX];
	bool json = false;
	int option;
	int err;
	int fd;

	options_begin();
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	       -1) {
		if (option == 'j')
			json = true;
		else if (option == 'c')
			control = optarg;
		else
			return option_default(&command_watch, long_options,
					      option, argv);
	}
	if (optind < argc)
		return usage_error(&command_watch, "too many arguments: %s",
				   argv[optind]);
	if (operators_path(&this_machine, control, path)) {
		message("the path of the socket is too long");
		return STATUS_USAGE;
	}
	fd = operators_connect_or_say(path);
	if (fd < 0)
		return STATUS_FAILED;
	err = watch(fd, json);
	close(fd);
	/* main() tells of a reader that has gone. */
	if (err == -ECONNRESET)
		message("barleased has ended");
	else if (err)
		message("cannot watch: %s", error_words(err));
	return STATUS_FAILED;
}

/* clang-format off */
const struct command command_watch = {
	.name = "watch",
	.summary = "show what happens to leases, as it happens",
	.help =
	"usage: barlease watch [--json] [--control SOCKET]\n"
	"\n"
	"Shows a line for each lease that barleased has lent now (held), and\n"
	"then one for each that is granted, recalled, ended or stuck, and for\n"
	"each request that is denied, with who and why. It goes on until it\n"
	"is ended or barleased ends. For the operator: root, and the user\n"
	"that barleased runs as.\n"
	"\n"
	"  --control SOCKET\n"
	"           where barleased listens to operators; otherwise\n"
	"           /run/barlease/control.sock\n"
	"  --json   print an object of JSON on each line, sizes in bytes and\n"
	"           times in milliseconds\n"
	"\n"
	"Examples:\n"
	"  barlease watch\n"
	"  barlease watch --json | jq 'select(.event == \"denied\")'\n",
	.run = run,
};
