// SPDX-License-Identifier: MIT
#include "protocol/packet.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define TEXT_OF(type, member) \
	.text = offsetof(type, member), .text_size = sizeof(((type *)0)->member)
#define RESERVED_OF(type) .reserved = offsetof(type, reserved)

/* What may be checked without knowing what a packet is about. */
struct kind {
	uint16_t size;
	enum packet_side side;
	bool event;
	uint16_t text, text_size; /* 0: none */
	uint16_t reserved; /* 0: none */
};

static const struct kind kinds[] = {
	[BARLEASE_PACKET_LIST] = {
		.size = sizeof(struct barlease_packet_list),
		.side = PACKET_OF_LESSEE,
	},
	[BARLEASE_PACKET_REQUEST] = {
		.size = sizeof(struct barlease_packet_request),
		.side = PACKET_OF_LESSEE,
		TEXT_OF(struct barlease_packet_request, name),
	},
	[BARLEASE_PACKET_CANCEL] = {
		.size = sizeof(struct barlease_packet_cancel),
		.side = PACKET_OF_LESSEE,
		RESERVED_OF(struct barlease_packet_cancel),
	},
	[BARLEASE_PACKET_RELEASE] = {
		.size = sizeof(struct barlease_packet_release),
		.side = PACKET_OF_LESSEE,
	},
	[BARLEASE_PACKET_OFFER] = {
		.size = sizeof(struct barlease_packet_offer),
		.side = PACKET_OF_SERVER,
		TEXT_OF(struct barlease_packet_offer, name),
	},
	[BARLEASE_PACKET_LISTED] = {
		.size = sizeof(struct barlease_packet_listed),
		.side = PACKET_OF_SERVER,
		RESERVED_OF(struct barlease_packet_listed),
	},
	[BARLEASE_PACKET_QUEUED] = {
		.size = sizeof(struct barlease_packet_queued),
		.side = PACKET_OF_SERVER,
		RESERVED_OF(struct barlease_packet_queued),
	},
	[BARLEASE_PACKET_GRANT] = {
		.size = sizeof(struct barlease_packet_grant),
		.side = PACKET_OF_SERVER,
		TEXT_OF(struct barlease_packet_grant, name),
	},
	[BARLEASE_PACKET_REFUSED] = {
		.size = sizeof(struct barlease_packet_refused),
		.side = PACKET_OF_SERVER,
		TEXT_OF(struct barlease_packet_refused, sentence),
		RESERVED_OF(struct barlease_packet_refused),
	},
	[BARLEASE_PACKET_RELEASED] = {
		.size = sizeof(struct barlease_packet_released),
		.side = PACKET_OF_SERVER,
	},
	[BARLEASE_PACKET_RECALLED] = {
		.size = sizeof(struct barlease_packet_recalled),
		.side = PACKET_OF_SERVER,
		.event = true,
	},
	[BARLEASE_PACKET_REVOKED] = {
		.size = sizeof(struct barlease_packet_revoked),
		.side = PACKET_OF_SERVER,
		.event = true,
		RESERVED_OF(struct barlease_packet_revoked),
	},
	[BARLEASE_PACKET_DEVICE] = {
		.size = sizeof(struct barlease_packet_device),
		.side = PACKET_OF_SERVER,
		.event = true,
		RESERVED_OF(struct barlease_packet_device),
	},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* No holes and no padding at the end, or bytes of the sender would get out. */
#define ASSERT_SIZE(type, bytes)                                         \
	_Static_assert(sizeof(struct barlease_packet_##type) == (bytes), \
		       "the protocol's version 1 has it so")
ASSERT_SIZE(list, 16);
ASSERT_SIZE(request, 104);
ASSERT_SIZE(cancel, 24);
ASSERT_SIZE(release, 24);
ASSERT_SIZE(offer, 112);
ASSERT_SIZE(listed, 24);
ASSERT_SIZE(queued, 24);
ASSERT_SIZE(grant, 128);
ASSERT_SIZE(refused, 280);
ASSERT_SIZE(released, 24);
ASSERT_SIZE(recalled, 32);
ASSERT_SIZE(revoked, 32);
ASSERT_SIZE(device, 32);

/* It ends, and what follows its end is zero. */
static bool is_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	if (length == size)
		return false;
	for (; length < size; length++)
		if (text[length])
			return false;
	return true;
}

static int check_terms(uint32_t access, uint32_t attribute, const char **reason)
{
	if (access != BARLEASE_READ_WRITE && access != BARLEASE_READ_ONLY) {
		*reason = "no such access";
		return -EPROTO;
	}
	if (attribute != BARLEASE_NON_CACHED &&
	    attribute != BARLEASE_WRITE_COMBINING) {
		*reason = "no such attribute";
		return -EPROTO;
	}
	return 0;
}

/* What is particular to some. */
static int check_content(const union packet *packet, const char **reason)
{
	switch (packet->header.type) {
	case BARLEASE_PACKET_REQUEST:
		return check_terms(packet->request.access,
				   packet->request.attribute, reason);
	case BARLEASE_PACKET_GRANT:
		return check_terms(packet->grant.access,
				   packet->grant.attribute, reason);
	case BARLEASE_PACKET_REFUSED:
		if (packet->refused.error && packet->refused.error <= 4095)
			return 0;
		*reason = "a refusal without an error";
		return -EPROTO;
	case BARLEASE_PACKET_DEVICE:
		if (packet->device.state == BARLEASE_DEVICE_AWAY ||
		    packet->device.state == BARLEASE_DEVICE_BACK)
			return 0;
		*reason = "no such state of a device";
		return -EPROTO;
	default:
		return 0;
	}
}

static int check_header(const struct barlease_packet *header, size_t length,
			enum packet_side side, const char **reason)
{
	const struct kind *kind = &kinds[0];

	if (header->type < KINDS)
		kind = &kinds[header->type];
	if (!kind->size || kind->side != side)
		*reason = "no such type of packet";
	else if (header->size != kind->size || length != kind->size)
		*reason = "the size is not that of the packet's type";
	else if (header->reserved)
		*reason = "a reserved field is not 0";
	else if (kind->event && header->serial)
		*reason = "an event has a serial";
	else if (!kind->event && !header->serial)
		*reason = "the serial is 0";
	else
		return 0;
	return -EPROTO;
}

int barlease_packet_check(const void *data, size_t length,
			  enum packet_side side, const char **reason)
{
	const struct kind *kind;
	union packet packet;
	uint32_t reserved;
	int err;

	if (length < sizeof(packet.header) || length > sizeof(packet)) {
		*reason = "no packet is of that length";
		return -EPROTO;
	}
	memcpy(&packet, data, length);
	if (packet.header.version != BARLEASE_PROTOCOL_VERSION) {
		*reason = "another version of the protocol";
		return -EPROTONOSUPPORT;
	}
	err = check_header(&packet.header, length, side, reason);
	if (err)
		return err;

	kind = &kinds[packet.header.type];
	memcpy(&reserved, (char *)&packet + kind->reserved, sizeof(reserved));
	if (kind->reserved && reserved) {
		*reason = "a reserved field is not 0";
		return -EPROTO;
	}
	if (kind->text &&
	    !is_text((char *)&packet + kind->text, kind->text_size)) {
		*reason = "a text does not end, or not with zeros";
		return -EPROTO;
	}
	return check_content(&packet, reason);
}

void barlease_packet_begin(union packet *packet, enum barlease_packet_type type,
			   uint32_t serial)
{
	memset(packet, 0, sizeof(*packet));
	packet->header = (struct barlease_packet){
		.size = kinds[type].size,
		.type = (uint16_t)type,
		.version = BARLEASE_PROTOCOL_VERSION,
		.serial = serial,
	};
}
