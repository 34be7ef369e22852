// SPDX-License-Identifier: MIT
/* The answer to LIST, made as fast as it is read. */
#include "server/server.h"

void server_list_begin(struct barlease_server *server,
		       struct server_client *client, uint32_t serial)
{
	client->listing = client->listener->shown.next;
	client->listing_serial = serial;
	client->listed = 0;
	server_flush(server, client);
}

void server_list_pack(const struct server_client *client, union packet *packet)
{
	if (client->listing == &client->listener->shown) {
		barlease_packet_begin(packet, BARLEASE_PACKET_LISTED,
				      client->listing_serial);
		packet->listed.offers = client->listed;
	} else {
		server_pack_offer(packet,
				  list_entry(client->listing,
					     struct server_shown, of_listener),
				  client->listing_serial);
	}
}

void server_list_advance(struct server_client *client)
{
	if (client->listing == &client->listener->shown) {
		client->listing = NULL;
	} else {
		client->listing = client->listing->next;
		client->listed++;
	}
}
