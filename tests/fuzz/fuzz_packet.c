// SPDX-License-Identifier: MIT
/*
 * Any bytes, as a packet of a lessee and as one of a server. What passes must be
 * what docs/protocol.md says, which is written down here a second time.
 */
#include <errno.h>

#include "input.h"
#include "protocol/packet.h"

struct shape {
	uint16_t type;
	enum packet_side side;
	uint32_t size;
	uint32_t text, text_size; /* where, bytes; 0: there is none */
	uint32_t zero; /* where four bytes must be zero; 0: nowhere else */
	uint32_t small, small_max; /* where a number lies, and its largest */
	uint32_t least; /* that number's */
	uint32_t second; /* where another number of 0 or 1 lies */
};

static const struct shape shapes[] = {
	{ .type = 1, .side = PACKET_OF_LESSEE, .size = 16 },
	{ .type = 2, .side = PACKET_OF_LESSEE, .size = 104, .text = 16,
	  .text_size = 64, .small = 80, .small_max = 1, .second = 84 },
	{ .type = 3, .side = PACKET_OF_LESSEE, .size = 24, .zero = 20 },
	{ .type = 4, .side = PACKET_OF_LESSEE, .size = 24 },
	{ .type = 16, .side = PACKET_OF_SERVER, .size = 112, .text = 16,
	  .text_size = 64 },
	{ .type = 17, .side = PACKET_OF_SERVER, .size = 24, .zero = 20 },
	{ .type = 18, .side = PACKET_OF_SERVER, .size = 24, .zero = 20 },
	{ .type = 19, .side = PACKET_OF_SERVER, .size = 128, .text = 24,
	  .text_size = 64, .small = 112, .small_max = 1, .second = 116 },
	{ .type = 20, .side = PACKET_OF_SERVER, .size = 280, .text = 24,
	  .text_size = 256, .zero = 20, .small = 16, .small_max = 4095,
	  .least = 1 },
	{ .type = 21, .side = PACKET_OF_SERVER, .size = 24 },
	{ .type = 32, .side = PACKET_OF_SERVER, .size = 32 },
	{ .type = 33, .side = PACKET_OF_SERVER, .size = 32, .zero = 28 },
	{ .type = 34, .side = PACKET_OF_SERVER, .size = 32, .zero = 28,
	  .small = 24, .small_max = 2, .least = 1 },
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
	uint32_t small = number_at(data, shape->small);
	bool event = shape->type >= 32;

	/* The serial: of events it is 0, of all others it is not. */
	if (event == !!number_at(data, 8) || number_at(data, 12))
		return false;
	if (shape->zero && number_at(data, shape->zero))
		return false;
	if (shape->small && (small < shape->least || small > shape->small_max))
		return false;
	if (shape->second && number_at(data, shape->second) > 1)
		return false;
	return !shape->text ||
	       text_is_right(data + shape->text, shape->text_size);
}

static int expected(const uint8_t *data, size_t size, enum packet_side side)
{
	uint16_t type, version;

	if (size < 16 || size > 280)
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
	static const enum packet_side sides[] = {
		PACKET_OF_LESSEE,
		PACKET_OF_SERVER,
	};

	for (unsigned int i = 0; i < 2; i++) {
		const char *reason = NULL;
		int err = barlease_packet_check(data, size, sides[i], &reason);

		promise(err == expected(data, size, sides[i]));
		promise(!err || (reason && *reason));
	}
	return 0;
}
