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

/* Past what it may not know of. */
static void skip(struct barlease_server *server, struct server_client *client)
{
	const struct list *end = &client->listener->shown;

	while (client->listing != end &&
	       !server_call_visible(server, client,
				    list_entry(client->listing,
					       struct server_shown, of_listener)
					    ->offer))
		client->listing = client->listing->next;
}

void server_list_pack(struct barlease_server *server,
		      struct server_client *client, union packet *packet)
{
	skip(server, client);
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
