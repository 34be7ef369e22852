/* SPDX-License-Identifier: MIT */
/* Values as people read them. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Room for a size, or a time. */
#define WORDS_SIZE 32

/* 1024 -> "1K": only whole numbers, so that no size looks like another. */
void size_words(uint64_t size, char *buf, size_t room);

/* Milliseconds -> "350ms", "5s", "2m10s", "3h20m", "4d7h". */
void time_words(uint64_t time, char *buf, size_t room);

/* The name of a user, or its number. */
void user_words(uint32_t uid, char *buf, size_t room);

/**
 * clean_words() - a text that somebody else has chosen, as it can be shown
 * @from: text
 * @buf: where to put it; what does not fit is left out
 * @room: size of @buf
 *
 * What is not printable ASCII becomes \xNN, so that no terminal obeys it and
 * JSON stays JSON.
 */
void clean_words(const char *from, char *buf, size_t room);

/**
 * json_words() - write a string of JSON with its quotes
 * @out: where to
 * @text: made by clean_words(), or ours
 */
void json_words(FILE *out, const char *text);

#endif /* CLI_WORDS_H */
