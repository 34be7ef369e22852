// SPDX-License-Identifier: MIT
#include <inttypes.h>

#include "access_options.h"
#include "options.h"

int width_argument(const struct command *command, const char *text,
		   unsigned int *width)
{
	uint64_t value;
	int status;

	status = number_argument(command, "width", text, &value);
	if (status)
		return status;
	if (value != 8 && value != 16 && value != 32 && value != 64)
		return usage_error(command,
				   "the width %s is not 8, 16, 32 or 64", text);
	*width = (unsigned int)value;
	return STATUS_OK;
}

int offset_argument(const struct command *command, const char *text,
		    struct access_options *access)
{
	int status;

	status = number_argument(command, "offset", text, &access->offset);
	if (status)
		return status;
	if (access->offset % (access->width / 8))
		return usage_error(command,
				   "an access of %u bits at offset %s is "
				   "not aligned; use a multiple of %u",
				   access->width, text, access->width / 8);
	return STATUS_OK;
}

int value_argument(const struct command *command, const char *text,
		   const struct access_options *access, uint64_t *value)
{
	int status;

	status = number_argument(command, "value", text, value);
	if (status)
		return status;
	if (access->width < 64 && *value >> access->width)
		return usage_error(command,
				   "the value %s does not fit in %u bits", text,
				   access->width);
	return STATUS_OK;
}
