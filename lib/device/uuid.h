/* SPDX-License-Identifier: MIT */
#ifndef BARLEASE_UUID_H
#define BARLEASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

/* Of the text, without its terminating 0 (RFC 9562, section 4). */
#define BARLEASE_UUID_LENGTH 36

/**
 * barlease_uuid_valid() - whether a text is a UUID
 * @text: "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", hexadecimal in either case
 */
bool barlease_uuid_valid(const char *text);

#define BARLEASE_UUID_BYTES 16

/**
 * barlease_uuid_read() - the bytes of a UUID, in the order of its text
 * @text: a valid one
 * @bytes: where to put them, BARLEASE_UUID_BYTES bytes
 */
void barlease_uuid_read(const char *text, uint8_t *bytes);

#endif /* BARLEASE_UUID_H */
