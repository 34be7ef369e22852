/* SPDX-License-Identifier: MIT */
/* Packets of operators: what is a valid one. */
#ifndef CONTROL_PACKET_H
#define CONTROL_PACKET_H

#include <stddef.h>

#include "control/protocol.h"

/* Room for any. */
union control_packet {
	struct barlease_packet header;
	struct control_ask ask;
	struct control_recall recall;
	struct control_revoke revoke;
	struct control_packet_offer offer;
	struct control_packet_lease lease;
	struct control_packet_waiting waiting;
	struct control_packet_done done;
	struct control_packet_event event;
	struct control_packet_figure figure;
	struct barlease_packet_refused refused;
};

enum control_side {
	CONTROL_OF_OPERATOR,
	CONTROL_OF_DAEMON,
};

/**
 * control_packet_check() - is this a packet that this side may send?
 * @data: what was received
 * @length: its length, bytes
 * @side: who sent it
 * @reason: where to put a constant sentence if it is not
 *
 * Where it is one, each of its texts ends with a 0 and each access and attribute
 * has a known value.
 *
 * Return: 0, -EPROTONOSUPPORT for another version, -EPROTO for what is none.
 */
int control_packet_check(const void *data, size_t length,
			 enum control_side side, const char **reason);

/* All zero but for the header. */
void control_packet_begin(union control_packet *packet, unsigned int type,
			  uint32_t serial);

/**
 * control_text() - put a text into a packet
 * @to: its place, which has zeros only
 * @size: of it
 * @from: text; of one that is too long the end is kept, behind "..."
 */
void control_text(char *to, size_t size, const char *from);

#endif /* CONTROL_PACKET_H */
