/* SPDX-License-Identifier: MIT */
/* Packets of the protocol: what is a valid one. */
#ifndef PROTOCOL_PACKET_H
#define PROTOCOL_PACKET_H

#include <stddef.h>

#include "public.h"

/* Room for any. */
union packet {
	struct barlease_packet header;
	struct barlease_packet_list list;
	struct barlease_packet_request request;
	struct barlease_packet_cancel cancel;
	struct barlease_packet_release release;
	struct barlease_packet_offer offer;
	struct barlease_packet_listed listed;
	struct barlease_packet_queued queued;
	struct barlease_packet_grant grant;
	struct barlease_packet_refused refused;
	struct barlease_packet_released released;
	struct barlease_packet_recalled recalled;
	struct barlease_packet_revoked revoked;
	struct barlease_packet_device device;
};

enum packet_side {
	PACKET_OF_LESSEE,
	PACKET_OF_SERVER,
};

/**
 * barlease_packet_check() - is this a packet that this side may send?
 * @data: what was received
 * @length: its length, bytes
 * @side: who sent it
 * @reason: where to put a constant sentence if it is not
 *
 * Where it is one, each of its texts ends with a 0 and each enum has a known
 * value, but for "error" and "why", which may grow.
 *
 * Return: 0, -EPROTONOSUPPORT for another version, -EPROTO for what is none.
 */
int barlease_packet_check(const void *data, size_t length,
			  enum packet_side side, const char **reason);

/* All zero but for the header. */
void barlease_packet_begin(union packet *packet, enum barlease_packet_type type,
			   uint32_t serial);

#endif /* PROTOCOL_PACKET_H */
