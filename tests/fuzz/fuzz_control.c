// SPDX-License-Identifier: MIT
/*
 * Any bytes, as a packet of an operator and as one of barleased. What passes must
 * be what docs/protocol.md says, which is written down here a second time.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "control/packet.h"
#include "input.h"

#define TEXTS 5
#define ZEROS 2

struct shape {
	uint16_t type;
	enum control_side side;
	uint32_t size;
	struct {
		uint32_t place, size;
	} texts[TEXTS];
	uint32_t zeros[ZEROS]; /* where four bytes must be zero */
	uint32_t terms; /* where two numbers of 0 or 1 lie */
};

static const struct shape shapes[] = {
	{ .type = 64, .side = CONTROL_OF_OPERATOR, .size = 16 },
	{ .type = 65, .side = CONTROL_OF_OPERATOR, .size = 32 },
	{ .type = 66, .side = CONTROL_OF_OPERATOR, .size = 24 },
	{ .type = 67, .side = CONTROL_OF_OPERATOR, .size = 16 },
	{ .type = 68, .side = CONTROL_OF_OPERATOR, .size = 16 },
	{ .type = 20, .side = CONTROL_OF_DAEMON, .size = 280,
	  .texts = { { 24, 256 } }, .zeros = { 20 } },
	{ .type = 80, .side = CONTROL_OF_DAEMON, .size = 296,
	  .texts = { { 16, 64 }, { 80, 32 }, { 112, 112 } } },
	{ .type = 81, .side = CONTROL_OF_DAEMON, .size = 736,
	  .texts = { { 80, 64 }, { 144, 32 }, { 192, 32 }, { 224, 512 } },
	  .zeros = { 76, 188 }, .terms = 64 },
	{ .type = 82, .side = CONTROL_OF_DAEMON, .size = 672,
	  .texts = { { 48, 64 }, { 128, 32 }, { 160, 512 } },
	  .zeros = { 44, 124 }, .terms = 32 },
	{ .type = 83, .side = CONTROL_OF_DAEMON, .size = 24, .zeros = { 20 } },
	{ .type = 84, .side = CONTROL_OF_DAEMON, .size = 304,
	  .texts = { { 32, 64 }, { 96, 16 }, { 112, 64 }, { 176, 32 },
		     { 208, 96 } },
	  .zeros = { 28 } },
	{ .type = 96, .side = CONTROL_OF_DAEMON, .size = 1000,
	  .texts = { { 88, 64 }, { 152, 32 }, { 200, 32 }, { 232, 512 },
		     { 744, 256 } },
	  .zeros = { 84, 196 }, .terms = 72 },
};

static uint32_t number_at(const uint8_t *data, uint32_t place)
{
	uint32_t value;

	memcpy(&value, data + place, sizeof(value));
	return value;
}

static bool text_is_right(const uint8_t *text, size_t size)
{
	bool ended = false;

	for (size_t i = 0; i < size; i++) {
		if (ended && text[i])
			return false;
		ended = ended || !text[i];
	}
	return ended;
}

static bool fits(const struct shape *shape, const uint8_t *data)
{
	bool event = shape->type == 96;

	/* The serial: of events it is 0, of all others it is not. */
	if (event == !!number_at(data, 8) || number_at(data, 12))
		return false;
	if (shape->type == 20 &&
	    (!number_at(data, 16) || number_at(data, 16) > 4095))
		return false;
	if (shape->terms && (number_at(data, shape->terms) > 1 ||
			     number_at(data, shape->terms + 4) > 1))
		return false;
	for (unsigned int i = 0; i < ZEROS; i++)
		if (shape->zeros[i] && number_at(data, shape->zeros[i]))
			return false;
	for (unsigned int i = 0; i < TEXTS; i++)
		if (shape->texts[i].size &&
		    !text_is_right(data + shape->texts[i].place,
				   shape->texts[i].size))
			return false;
	return true;
}

static int expected(const uint8_t *data, size_t size, enum control_side side)
{
	uint16_t type, version;

	if (size < 16 || size > 1000)
		return -EPROTO;
	memcpy(&type, data + 4, sizeof(type));
	memcpy(&version, data + 6, sizeof(version));
	if (version != 1)
		return -EPROTONOSUPPORT;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (shapes[i].type == type && shapes[i].side == side &&
		    shapes[i].size == size && number_at(data, 0) == size)
			return fits(&shapes[i], data) ? 0 : -EPROTO;
	return -EPROTO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum control_side sides[] = {
		CONTROL_OF_OPERATOR,
		CONTROL_OF_DAEMON,
	};

	for (unsigned int i = 0; i < 2; i++) {
		const char *reason = NULL;
		int err = control_packet_check(data, size, sides[i], &reason);

		promise(err == expected(data, size, sides[i]));
		promise(!err || (reason && *reason));
	}
	return 0;
}
