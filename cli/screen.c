// SPDX-License-Identifier: MIT
/*
 * Control sequences: ECMA-48, and those that are private to xterm's family
 * (alternate screen 1049, wrapping 7, cursor 25), which all terminals of
 * today take or ignore.
 */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HAVE_IT "\033[?1049h\033[?7l\033[?25l"
#define GIVE_IT_BACK "\033[?25h\033[?7h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

/* Where the terminal does not tell. */
#define ROWS 24

static const int signals[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH,
};

#define SIGNALS (sizeof(signals) / sizeof(*signals))

static struct {
	sigset_t before; /* blocked */
	struct sigaction actions[SIGNALS]; /* before */
	volatile sig_atomic_t ends_by, stops;
} state;

bool screen_there(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb");
}

static void note_signal(int signal)
{
	if (signal == SIGTSTP)
		state.stops = 1;
	else if (signal != SIGWINCH)
		state.ends_by = signal;
}

static void print(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

void screen_begin(void)
{
	const struct sigaction action = { .sa_handler = note_signal };
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], NULL, &state.actions[i]);
		/* As under nohup(1). */
		if (state.actions[i].sa_handler == SIG_IGN)
			continue;
		sigaddset(&ours, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &ours, &state.before);
	print(HAVE_IT);
}

void screen_end(void)
{
	print(GIVE_IT_BACK);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &state.actions[i], NULL);
	sigprocmask(SIG_SETMASK, &state.before, NULL);
}

/* It goes on after SIGCONT. */
static void stop(void)
{
	state.stops = 0;
	print(GIVE_IT_BACK);
	raise(SIGSTOP);
	print(HAVE_IT);
}

int screen_wait(int fd, uint64_t time)
{
	const struct timespec most = {
		.tv_sec = (time_t)(time / 1000),
		.tv_nsec = (long)(time % 1000 * 1000000),
	};
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int count = ppoll(&ready, 1, &most, &state.before);

	if (count < 0 && errno != EINTR)
		return -errno;
	if (state.ends_by)
		return -EINTR;
	if (state.stops)
		stop();
	return count > 0;
}

void screen_die(void)
{
	raise(state.ends_by);
}

static size_t rows_of_terminal(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row)
		return ROWS;
	return size.ws_row;
}

static size_t lines_of(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* A newline after the last row would move all up. */
static void line_print(size_t *row, const char *text, size_t length)
{
	printf("%s%.*s" CLEAR_LINE, *row ? "\n" : HOME, (int)length, text);
	++*row;
}

void screen_draw(const char *top, const char *const *bottom, size_t count)
{
	size_t rows = rows_of_terminal(), row = 0;
	size_t most = rows / 3, lines = lines_of(top), room;
	char more[64];
	int length;

	if (count > most) {
		bottom += count - most;
		count = most;
	}
	room = rows - count;
	for (size_t left = lines; left; left--) {
		const char *end = strchr(top, '\n');

		if (row + 1 == room && left > 1) {
			length = snprintf(more, sizeof(more),
					  "(and %zu lines more)", left);
			line_print(&row, more, (size_t)length);
			break;
		}
		line_print(&row, top, (size_t)(end - top));
		top = end + 1;
	}
	for (size_t i = 0; i < count; i++)
		line_print(&row, bottom[i], strlen(bottom[i]));
	fputs(CLEAR_REST, stdout);
	fflush(stdout);
}
