/* SPDX-License-Identifier: MIT */
#ifndef BARLEASE_UUID_H
#define BARLEASE_UUID_H

#include <stdbool.h>

/* Of the text, without its terminating 0 (RFC 9562, section 4). */
#define BARLEASE_UUID_LENGTH 36

/**
 * barlease_uuid_valid() - whether a text is a UUID
 * @text: "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", hexadecimal in either case
 */
bool barlease_uuid_valid(const char *text);

#endif /* BARLEASE_UUID_H */
