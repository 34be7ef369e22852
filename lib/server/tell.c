// SPDX-License-Identifier: MIT
/* Packets for lessees. */
#include <string.h>

#include "server/server.h"

void server_pack_refused(union packet *packet, uint32_t serial, int error,
			 const char *sentence)
{
	barlease_packet_begin(packet, BARLEASE_PACKET_REFUSED, serial);
	packet->refused.error = (uint32_t)error;
	strncpy(packet->refused.sentence, sentence, BARLEASE_SENTENCE_SIZE - 1);
}

void server_tell_refused(struct barlease_server *server,
			 struct server_client *client, uint32_t serial,
			 int error, const char *sentence)
{
	union packet packet;

	server_pack_refused(&packet, serial, error, sentence);
	server_send(server, client, &packet, NULL);
}

void server_tell_granted(struct barlease_server *server,
			 struct server_lease *lease, uint32_t serial)
{
	const struct server_offer *offer = lease->offer;
	struct barlease_range range = server_slice_range(offer, lease->index);
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_GRANT, serial);
	packet.grant.lease = lease->id;
	strcpy(packet.grant.name, offer->name);
	packet.grant.index = lease->index;
	packet.grant.bar = offer->terms.bar;
	packet.grant.offset = range.offset;
	packet.grant.size = range.length;
	packet.grant.access = lease->access;
	packet.grant.attribute = lease->attribute;
	packet.grant.time_limit = offer->terms.time_limit;
	server_send(server, lease->client, &packet, lease);
}

void server_tell_released(struct barlease_server *server,
			  struct server_client *client, uint32_t serial,
			  uint64_t lease)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASED, serial);
	packet.released.lease = lease;
	server_send(server, client, &packet, NULL);
}

void server_tell_recalled(struct barlease_server *server,
			  const struct server_lease *lease)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_RECALLED, 0);
	packet.recalled.lease = lease->id;
	packet.recalled.deadline = server_left(server, lease->timer.due);
	server_send(server, lease->client, &packet, NULL);
}

void server_tell_revoked(struct barlease_server *server,
			 const struct server_lease *lease,
			 enum barlease_end why)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_REVOKED, 0);
	packet.revoked.lease = lease->id;
	packet.revoked.why = why;
	server_send(server, lease->client, &packet, NULL);
}

void server_tell_device(struct barlease_server *server,
			const struct server_lease *lease,
			enum barlease_device_state state)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_DEVICE, 0);
	packet.device.lease = lease->id;
	packet.device.state = state;
	server_send(server, lease->client, &packet, NULL);
}

void server_pack_queued(union packet *packet,
			const struct server_waiter *waiter)
{
	barlease_packet_begin(packet, BARLEASE_PACKET_QUEUED, waiter->serial);
	packet->queued.position = waiter->position;
}

static uint32_t flags_of(const struct barlease_server_offer *terms)
{
	uint32_t flags = 0;

	if (terms->sharers > 1)
		flags |= BARLEASE_OFFER_SHARED;
	if (terms->access == BARLEASE_READ_ONLY)
		flags |= BARLEASE_OFFER_READ_ONLY;
	if (terms->attribute == BARLEASE_WRITE_COMBINING)
		flags |= BARLEASE_OFFER_WRITE_COMBINING;
	return flags;
}

void server_pack_offer(union packet *packet, const struct server_shown *shown,
		       uint32_t serial)
{
	const struct server_offer *offer = shown->offer;

	barlease_packet_begin(packet, BARLEASE_PACKET_OFFER, serial);
	strcpy(packet->offer.name, offer->name);
	packet->offer.size = server_slice_range(offer, 0).length;
	packet->offer.slices = offer->count;
	if (server_has_free(offer))
		packet->offer.free = offer->free_count;
	/* Who waits for anything may wait for what must not be known here. */
	packet->offer.waiting = offer->queue.count;
	packet->offer.flags = flags_of(&offer->terms);
	packet->offer.time_limit = offer->terms.time_limit;
}
