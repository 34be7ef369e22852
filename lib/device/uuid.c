// SPDX-License-Identifier: MIT
#include "device/uuid.h"

#include <stdio.h>
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

void barlease_uuid_read(const char *text, uint8_t *bytes)
{
	unsigned int byte = 0;

	for (int i = 0; i < BARLEASE_UUID_BYTES; i++) {
		if (*text == '-')
			text++;
		sscanf(text, "%2x", &byte);
		bytes[i] = (uint8_t)byte;
		text += 2;
	}
}
