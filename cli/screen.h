/* SPDX-License-Identifier: MIT */
/* The whole of a terminal, for what is drawn again and again. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Return: whether standard output can be drawn on. */
bool screen_there(void);

/**
 * screen_begin() - have the screen to ourselves
 *
 * What was on it comes back with screen_end(). Until then the signals that end
 * or stop a process come in screen_wait() alone.
 */
void screen_begin(void);
void screen_end(void);

/**
 * screen_wait() - wait for something to read, a time, or a signal
 * @fd: to read
 * @time: how long at most, ms
 *
 * A signal that stops the process has done so, with the screen given back for
 * that while.
 *
 * Return: 1 if there is something to read; 0 if it is time to draw again;
 * -EINTR if a signal ends the process: see screen_die(); or -errno.
 */
int screen_wait(int fd, uint64_t time);

/* End by the signal that screen_wait() was told of, as without a screen. */
void screen_die(void);

/**
 * screen_draw() - draw it
 * @top: lines, of which the first are shown if it has too many
 * @bottom: lines that stand below those, the last one last; the last are
 *	    shown if they are more than a third of the screen
 * @count: how many lines those are
 *
 * What is wider than the screen is cut off.
 */
void screen_draw(const char *top, const char *const *bottom, size_t count);

#endif /* CLI_SCREEN_H */
