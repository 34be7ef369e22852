/* SPDX-License-Identifier: MIT */
#ifndef CLI_WATCH_SCREEN_H
#define CLI_WATCH_SCREEN_H

/**
 * watch_screen() - show who holds what, and what happened last, as it changes
 * @path: of the operators' socket
 * @fd: connection to it, on which nothing was asked yet
 *
 * Takes the terminal, and gives it back.
 *
 * Return: -ECONNRESET when barleased has ended; -EIO when nobody looks any
 * more; or -errno. It does not return where a signal ends the process.
 */
int watch_screen(const char *path, int fd);

#endif /* CLI_WATCH_SCREEN_H */
