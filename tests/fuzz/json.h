/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_JSON_H
#define FUZZ_JSON_H

#include <stdbool.h>

/* Whether a text is objects of JSON, one after the other, and nothing else. */
bool json_is_objects(const char *text);

#endif /* FUZZ_JSON_H */
