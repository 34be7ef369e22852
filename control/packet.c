// SPDX-License-Identifier: MIT
#include "control/packet.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <barlease/lease.h>

#define TEXTS_MAX 5
#define ZEROS_MAX 2

struct place {
	uint16_t offset, size; /* 0: none */
};

/* What may be checked without knowing what a packet is about. */
struct kind {
	unsigned int type;
	uint16_t size;
	enum control_side side;
	struct place texts[TEXTS_MAX];
	uint16_t zeros[ZEROS_MAX]; /* u32 each; 0: none */
	uint16_t terms; /* of access, which attribute follows; 0: none */
};

static const struct kind kinds[] = {
	{
		.type = CONTROL_LIST,
		.size = sizeof(struct control_ask),
		.side = CONTROL_OF_OPERATOR,
	},
	{
		.type = CONTROL_WATCH,
		.size = sizeof(struct control_ask),
		.side = CONTROL_OF_OPERATOR,
	},
	{
		.type = CONTROL_STAT,
		.size = sizeof(struct control_ask),
		.side = CONTROL_OF_OPERATOR,
	},
	{
		.type = CONTROL_RECALL,
		.size = sizeof(struct control_recall),
		.side = CONTROL_OF_OPERATOR,
	},
	{
		.type = CONTROL_REVOKE,
		.size = sizeof(struct control_revoke),
		.side = CONTROL_OF_OPERATOR,
	},
	{
		.type = CONTROL_OFFER,
		.size = sizeof(struct control_packet_offer),
		.side = CONTROL_OF_DAEMON,
		.texts = {
			{ offsetof(struct control_packet_offer, name),
			  BARLEASE_NAME_SIZE },
			{ offsetof(struct control_packet_offer, device),
			  CONTROL_DEVICE_SIZE },
			{ offsetof(struct control_packet_offer, socket),
			  CONTROL_SOCKET_SIZE },
		},
	},
	{
		.type = CONTROL_LEASE,
		.size = sizeof(struct control_packet_lease),
		.side = CONTROL_OF_DAEMON,
		.texts = {
			{ offsetof(struct control_packet_lease, lease.offer),
			  BARLEASE_NAME_SIZE },
			{ offsetof(struct control_packet_lease, lease.device),
			  CONTROL_DEVICE_SIZE },
			{ offsetof(struct control_packet_lease, lease.who.command),
			  CONTROL_COMMAND_SIZE },
			{ offsetof(struct control_packet_lease, lease.who.cgroup),
			  CONTROL_CGROUP_SIZE },
		},
		.zeros = { offsetof(struct control_packet_lease,
				    lease.reserved),
			   offsetof(struct control_packet_lease,
				    lease.who.reserved) },
		.terms = offsetof(struct control_packet_lease, lease.access),
	},
	{
		.type = CONTROL_WAITING,
		.size = sizeof(struct control_packet_waiting),
		.side = CONTROL_OF_DAEMON,
		.texts = {
			{ offsetof(struct control_packet_waiting, name),
			  BARLEASE_NAME_SIZE },
			{ offsetof(struct control_packet_waiting, who.command),
			  CONTROL_COMMAND_SIZE },
			{ offsetof(struct control_packet_waiting, who.cgroup),
			  CONTROL_CGROUP_SIZE },
		},
		.zeros = { offsetof(struct control_packet_waiting, reserved),
			   offsetof(struct control_packet_waiting,
				    who.reserved) },
		.terms = offsetof(struct control_packet_waiting, access),
	},
	{
		.type = CONTROL_DONE,
		.size = sizeof(struct control_packet_done),
		.side = CONTROL_OF_DAEMON,
		.zeros = { offsetof(struct control_packet_done, reserved) },
	},
	{
		.type = CONTROL_FIGURE,
		.size = sizeof(struct control_packet_figure),
		.side = CONTROL_OF_DAEMON,
		.texts = {
			{ offsetof(struct control_packet_figure, name),
			  BARLEASE_NAME_SIZE },
			{ offsetof(struct control_packet_figure, label),
			  CONTROL_LABEL_SIZE },
			{ offsetof(struct control_packet_figure, of),
			  BARLEASE_NAME_SIZE },
			{ offsetof(struct control_packet_figure, device),
			  CONTROL_DEVICE_SIZE },
			{ offsetof(struct control_packet_figure, help),
			  CONTROL_HELP_SIZE },
		},
		.zeros = { offsetof(struct control_packet_figure, reserved) },
	},
	{
		.type = BARLEASE_PACKET_REFUSED,
		.size = sizeof(struct barlease_packet_refused),
		.side = CONTROL_OF_DAEMON,
		.texts = {
			{ offsetof(struct barlease_packet_refused, sentence),
			  BARLEASE_SENTENCE_SIZE },
		},
		.zeros = { offsetof(struct barlease_packet_refused,
				    reserved) },
	},
	{
		.type = CONTROL_EVENT,
		.size = sizeof(struct control_packet_event),
		.side = CONTROL_OF_DAEMON,
		.texts = {
			{ offsetof(struct control_packet_event, lease.offer),
			  BARLEASE_NAME_SIZE },
			{ offsetof(struct control_packet_event, lease.device),
			  CONTROL_DEVICE_SIZE },
			{ offsetof(struct control_packet_event, lease.who.command),
			  CONTROL_COMMAND_SIZE },
			{ offsetof(struct control_packet_event, lease.who.cgroup),
			  CONTROL_CGROUP_SIZE },
		},
		.zeros = { offsetof(struct control_packet_event,
				    lease.reserved),
			   offsetof(struct control_packet_event,
				    lease.who.reserved) },
		.terms = offsetof(struct control_packet_event, lease.access),
	},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* No holes and no padding at the end, or bytes of the sender would get out. */
#define ASSERT_SIZE(type, bytes)                 \
	_Static_assert(sizeof(struct type) == (bytes), \
		       "the protocol's version 1 has it so")
ASSERT_SIZE(control_ask, 16);
ASSERT_SIZE(control_recall, 32);
ASSERT_SIZE(control_revoke, 24);
ASSERT_SIZE(control_packet_offer, 296);
ASSERT_SIZE(control_packet_lease, 736);
ASSERT_SIZE(control_packet_waiting, 672);
ASSERT_SIZE(control_packet_done, 24);
ASSERT_SIZE(control_packet_event, 1000);
ASSERT_SIZE(control_packet_figure, 304);

static const struct kind *kind_find(unsigned int type)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

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

static uint32_t number_at(const union control_packet *packet, size_t offset)
{
	uint32_t number;

	memcpy(&number, (const char *)packet + offset, sizeof(number));
	return number;
}

static int content_check(const union control_packet *packet,
			 const struct kind *kind, const char **reason)
{
	for (size_t i = 0; i < TEXTS_MAX && kind->texts[i].size; i++)
		if (!is_text((const char *)packet + kind->texts[i].offset,
			     kind->texts[i].size)) {
			*reason = "a text does not end, or not with zeros";
			return -EPROTO;
		}
	for (size_t i = 0; i < ZEROS_MAX && kind->zeros[i]; i++)
		if (number_at(packet, kind->zeros[i])) {
			*reason = "a reserved field is not 0";
			return -EPROTO;
		}
	if (kind->terms &&
	    (number_at(packet, kind->terms) > BARLEASE_READ_ONLY ||
	     number_at(packet, kind->terms + sizeof(uint32_t)) >
		     BARLEASE_WRITE_COMBINING)) {
		*reason = "no such access, or no such attribute";
		return -EPROTO;
	}
	if (kind->type == CONTROL_EVENT &&
	    !is_text(packet->event.sentence, sizeof(packet->event.sentence))) {
		*reason = "a text does not end, or not with zeros";
		return -EPROTO;
	}
	if (kind->type == BARLEASE_PACKET_REFUSED &&
	    (!packet->refused.error || packet->refused.error > 4095)) {
		*reason = "a refusal without an error";
		return -EPROTO;
	}
	return 0;
}

int control_packet_check(const void *data, size_t length,
			 enum control_side side, const char **reason)
{
	const struct kind *kind;
	union control_packet packet;

	if (length < sizeof(packet.header) || length > sizeof(packet)) {
		*reason = "no packet is of that length";
		return -EPROTO;
	}
	memcpy(&packet, data, length);
	if (packet.header.version != BARLEASE_PROTOCOL_VERSION) {
		*reason = "another version of the protocol";
		return -EPROTONOSUPPORT;
	}
	kind = kind_find(packet.header.type);
	if (!kind || kind->side != side)
		*reason = "no such type of packet";
	else if (packet.header.size != kind->size || length != kind->size)
		*reason = "the size is not that of the packet's type";
	else if (packet.header.reserved)
		*reason = "a reserved field is not 0";
	else if (!packet.header.serial != (kind->type == CONTROL_EVENT))
		*reason = "the serial is 0, or an event has one";
	else
		return content_check(&packet, kind, reason);
	return -EPROTO;
}

void control_packet_begin(union control_packet *packet, unsigned int type,
			  uint32_t serial)
{
	memset(packet, 0, sizeof(*packet));
	packet->header = (struct barlease_packet){
		.size = kind_find(type)->size,
		.type = (uint16_t)type,
		.version = BARLEASE_PROTOCOL_VERSION,
		.serial = serial,
	};
}

void control_text(char *to, size_t size, const char *from)
{
	static const char cut[] = "...";
	size_t length = strlen(from);
	size_t kept = size - sizeof(cut);

	if (length < size) {
		memcpy(to, from, length);
		return;
	}
	memcpy(to, cut, sizeof(cut) - 1);
	memcpy(to + sizeof(cut) - 1, from + length - kept, kept);
}
