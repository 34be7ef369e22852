/* SPDX-License-Identifier: MIT */
#ifndef BROKER_JOURNAL_H
#define BROKER_JOURNAL_H

#include <stdbool.h>

#include "log.h"

/**
 * journal_send() - have the journal take a line with its fields
 * @line: the fields, which become BARLEASE_KEY=
 * @text: the same as a line, which becomes MESSAGE=
 *
 * Return: whether it did, without waiting for it. It is not tried where the
 * standard error does not go there.
 */
bool journal_send(const struct log_line *line, const char *text);

#endif /* BROKER_JOURNAL_H */
