/* SPDX-License-Identifier: MIT */
#ifndef BROKER_OUTPUT_H
#define BROKER_OUTPUT_H

#include <stdbool.h>

/**
 * output_begin() - have a standard error that is a pipe take what it can at once
 *
 * What others do with that pipe stays as it is. Without this call, or where it
 * cannot be opened anew, a line may wait for a reader if others fill it, too.
 */
void output_begin(void);

/**
 * output_put() - write a line to the standard error, without waiting
 * @line: line, with its end
 *
 * Return: whether all of it was written. Of what was cut off the rest is not,
 * and what comes next begins a line of its own.
 */
bool output_put(const char *line);

#endif /* BROKER_OUTPUT_H */
