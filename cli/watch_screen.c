// SPDX-License-Identifier: MIT
#include "watch_screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "holding_tables.h"
#include "operators.h"
#include "screen.h"
#include "tables.h"
#include "watch_line.h"

/* How often it is drawn when nothing happens, and when much does, ms. */
#define SELDOM 2000
#define OFTEN 250

/* A third of a large screen. */
#define RECENT 40

struct view {
	int events, lists; /* connections */
	char *recent[RECENT]; /* what happened last, the oldest first */
	size_t count;
	uint64_t drawn; /* when */
	bool changed;
};

/* ms */
static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void heading_print(FILE *out, const struct holdings *holdings)
{
	time_t seconds = time(NULL);
	struct tm parts;
	char text[64];

	localtime_r(&seconds, &parts);
	strftime(text, sizeof(text), "%H:%M:%S", &parts);
	fprintf(out, "%s  leases: %zu, waiting: %zu  (Ctrl-C ends this)\n\n",
		text, holdings->lease_count, holdings->waiting_count);
}

static int draw(struct view *view, const struct holdings *holdings)
{
	char *text = NULL;
	size_t length;
	struct tables tables = { .out = open_memstream(&text, &length) };
	int err;

	if (!tables.out)
		return -ENOMEM;
	heading_print(tables.out, holdings);
	err = holding_tables_print(holdings, NULL, &tables);
	if (view->count)
		putc('\n', tables.out);
	if (fclose(tables.out) && !err)
		err = -ENOMEM;
	if (!err)
		screen_draw(text, (const char *const *)view->recent,
			    view->count);
	free(text);
	view->drawn = now();
	view->changed = false;
	return err ? err : ferror(stdout) ? -EIO : 0;
}

static int list_and_draw(struct view *view, int fd, unsigned int type)
{
	struct holdings holdings = { 0 };
	int err = holdings_ask(fd, type, &holdings);

	if (!err)
		err = draw(view, &holdings);
	holdings_free(&holdings);
	return err;
}

static int event_keep(struct view *view,
		      const struct control_packet_event *event)
{
	const struct watch_line line = watch_line_of(event);
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return -ENOMEM;
	watch_line_print(out, &line, false);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	text[length - 1] = '\0';
	if (view->count == RECENT) {
		free(view->recent[0]);
		memmove(view->recent, view->recent + 1,
			(RECENT - 1) * sizeof(*view->recent));
		view->count--;
	}
	view->recent[view->count++] = text;
	view->changed = true;
	return 0;
}

static int event_take(struct view *view)
{
	union control_packet packet;
	int err = operators_receive(view->events, &packet, true);

	if (err)
		return err;
	if (packet.header.type != CONTROL_EVENT)
		return -EPROTO;
	return event_keep(view, &packet.event);
}

static int go_on(struct view *view)
{
	uint64_t since, wanted;
	int err;

	for (;;) {
		since = now() - view->drawn;
		wanted = view->changed ? OFTEN : SELDOM;
		if (since < wanted) {
			err = screen_wait(view->events, wanted - since);
			if (err > 0)
				err = event_take(view);
			else if (!err)
				view->drawn = 0;
		} else {
			err = list_and_draw(view, view->lists, CONTROL_LIST);
		}
		if (err)
			return err;
	}
}

int watch_screen(const char *path, int fd)
{
	struct view view = { .events = fd, .lists = operators_connect(path) };
	int err = view.lists < 0 ? view.lists : 0;

	if (err)
		return err;
	screen_begin();
	err = list_and_draw(&view, view.events, CONTROL_WATCH);
	if (!err)
		err = go_on(&view);
	screen_end();
	close(view.lists);
	for (size_t i = 0; i < view.count; i++)
		free(view.recent[i]);
	if (err == -EINTR)
		screen_die();
	return err;
}
