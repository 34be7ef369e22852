// SPDX-License-Identifier: MIT
#include "watch_line.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "barlease.h"
#include "holding_tables.h"
#include "message.h"
#include "words.h"

#define TEXT_SIZE (4 * CONTROL_CGROUP_SIZE)

static const char *event_name(uint32_t event)
{
	static const char *const names[] = {
		[EVENT_HELD] = "held",		 [CONTROL_GRANTED] = "granted",
		[CONTROL_RECALLED] = "recalled", [CONTROL_ENDED] = "ended",
		[CONTROL_STUCK] = "stuck",	 [CONTROL_DENIED] = "denied",
	};

	return event < sizeof(names) / sizeof(*names) ? names[event]
						      : "unknown";
}

/* It is a number of another program, of which not each has a negative one. */
static const char *stuck_words(uint32_t error)
{
	return error_words(error < INT_MAX ? -(int)error : -INT_MAX);
}

static const char *why_words(const struct watch_line *line)
{
	switch (line->event) {
	case CONTROL_ENDED:
		return end_words(line->why);
	case CONTROL_STUCK:
		return stuck_words(line->why);
	case CONTROL_DENIED:
		return line->sentence;
	}
	return "";
}

static void text_member(FILE *out, const char *key, const char *text)
{
	char clean[TEXT_SIZE];

	clean_words(text, clean, sizeof(clean));
	fprintf(out, ", \"%s\": ", key);
	if (clean[0])
		json_words(out, clean);
	else
		fputs("null", out);
}

/* A driver may answer what has no name here. */
static void error_member(FILE *out, uint32_t error)
{
	const char *name = strerrorname_np((int)error);
	char number[12];

	snprintf(number, sizeof(number), "%" PRIu32, error);
	text_member(out, "error", name ? name : number);
}

static void who_members(FILE *out, const struct control_who *who)
{
	char user[TEXT_SIZE] = "";

	if (who->uid == CONTROL_UNKNOWN)
		return;
	user_words(who->uid, user, sizeof(user));
	fprintf(out,
		", \"pid\": %" PRIu32 ", \"uid\": %" PRIu32
		", \"gid\": %" PRIu32,
		who->pid, who->uid, who->gid);
	text_member(out, "user", user);
	text_member(out, "command", who->command);
	text_member(out, "cgroup", who->cgroup);
}

static void json_print(FILE *out, const struct watch_line *line,
		       const char *now)
{
	const struct control_lease *lease = line->lease;

	fprintf(out, "{\"time\": \"%s\", \"event\": \"%s\"", now,
		event_name(line->event));
	if (lease->lease)
		fprintf(out, ", \"lease\": %" PRIu64, lease->lease);
	text_member(out, "slice", lease->offer);
	if (lease->lease) {
		fprintf(out, ", \"index\": %" PRIu32, lease->index);
		text_member(out, "device", lease->device);
		fprintf(out,
			", \"bar\": %" PRIu32 ", \"offset\": %" PRIu64
			", \"size\": %" PRIu64 ", \"age\": %" PRIu64,
			lease->bar, lease->offset, lease->size, lease->age);
		if (lease->time_left != UINT64_MAX)
			fprintf(out, ", \"time_left\": %" PRIu64,
				lease->time_left);
	}
	text_member(out, "access",
		    lease->access == BARLEASE_READ_ONLY ? "ro" : "rw");
	text_member(out, "cache",
		    lease->attribute == BARLEASE_WRITE_COMBINING ? "wc" : "nc");
	who_members(out, &lease->who);
	if (line->event == CONTROL_STUCK || line->event == CONTROL_DENIED)
		error_member(out, line->why);
	text_member(out, "why", why_words(line));
	fputs("}\n", out);
}

static void people_print(FILE *out, const struct watch_line *line,
			 const char *now)
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
	fprintf(out, "%s %-8s ", now, event_name(line->event));
	if (lease->lease)
		fprintf(out, "lease %" PRIu64 " of %s/%" PRIu32, lease->lease,
			name, lease->index);
	else
		fputs(name[0] ? name : "(anything)", out);
	fprintf(out, " (%s)  pid %" PRIu32 " (%s) user %s",
		lease->access == BARLEASE_READ_ONLY ? "ro" : "rw",
		lease->who.pid, command, user);
	if (line->event == CONTROL_RECALLED && lease->time_left != UINT64_MAX)
		fprintf(out, "  %s left", left);
	if (why[0])
		fprintf(out, "  %s", why);
	putc('\n', out);
}

struct watch_line watch_line_of(const struct control_packet_event *event)
{
	return (struct watch_line){
		.event = event->event,
		.why = event->why,
		.lease = &event->lease,
		.sentence = event->sentence,
	};
}

void watch_line_print(FILE *out, const struct watch_line *line, bool json)
{
	time_t seconds = time(NULL);
	struct tm parts;
	char now[64];

	if (json) {
		gmtime_r(&seconds, &parts);
		strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &parts);
		json_print(out, line, now);
	} else {
		localtime_r(&seconds, &parts);
		strftime(now, sizeof(now), "%H:%M:%S", &parts);
		people_print(out, line, now);
	}
}
