/* SPDX-License-Identifier: MIT */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include <stdarg.h>

/**
 * message() - say something to the person at the terminal
 * @format: a sentence without the newline
 *
 * Goes to stderr: stdout is for data.
 */
__attribute__((format(printf, 1, 2))) void message(const char *format, ...);

/**
 * message_list() - the middle of a message, without what begins and ends it
 * @format: as vprintf()
 * @args: as vprintf()
 *
 * Control characters are shown as \xNN.
 */
__attribute__((format(printf, 1, 0))) void message_list(const char *format,
							va_list args);

/**
 * error_words() - an error of the library in words
 * @err: negative errno
 */
const char *error_words(int err);

#endif /* CLI_MESSAGE_H */
