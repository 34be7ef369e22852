// SPDX-License-Identifier: MIT
#include "device/uuid.h"

#include <string.h>

bool barlease_uuid_valid(const char *text)
{
	static const char model[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const char *digits = "0123456789abcdefABCDEF";

	_Static_assert(sizeof(model) == BARLEASE_UUID_LENGTH + 1,
		       "as long as it says");
	if (strlen(text) != BARLEASE_UUID_LENGTH)
		return false;
	for (int i = 0; i < BARLEASE_UUID_LENGTH; i++) {
		if (model[i] == '-' ? text[i] != '-' : !strchr(digits, text[i]))
			return false;
	}
	return true;
}

/* Digits are valid; letters of either case are one bit apart. */
static int digit(char c)
{
	return c <= '9' ? c - '0' : (c | ' ') - 'a' + 10;
}

void barlease_uuid_read(const char *text, uint8_t *bytes)
{
	for (int i = 0; i < BARLEASE_UUID_BYTES; i++) {
		if (*text == '-')
			text++;
		bytes[i] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
		text += 2;
	}
}
