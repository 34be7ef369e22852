/* SPDX-License-Identifier: MIT */
/*
 * Values of a policy. Each returns NULL, or what is wrong in words, which
 * continue a sentence about the value.
 */
#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <barlease.h>

/* Bytes: decimal or 0x hexadecimal, with K, M, G or T; whole pages, not 0. */
const char *value_size(const char *text, uint64_t *size);

/* OFFSET+LENGTH, whole pages. */
const char *value_range(const char *text, struct barlease_range *range);

/* A number and ms, s, m, h or d, up to 36500d; in milliseconds. */
const char *value_time(const char *text, uint64_t *ms);

/* Decimal, from 1. */
const char *value_count(const char *text, uint32_t *count);

/* Decimal, from 0: a user or group. Not what stands for none. */
const char *value_id(const char *text, uint32_t *id);

/* Three or four digits from 0 to 7. */
const char *value_mode(const char *text, mode_t *mode);

/* yes or no */
const char *value_yes(const char *text, bool *yes);

#endif /* POLICY_VALUE_H */
