// SPDX-License-Identifier: MIT
/* What lessees do, and whether what they are told is true. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fds.h"
#include "packets.h"
#include "world.h"

static struct client *choose(struct world *world)
{
	return &world->clients[input_byte(&world->input) % CLIENTS];
}

static void held_drop(struct client *client, unsigned int which)
{
	close(client->held[which].fd);
	client->held[which] = client->held[--client->held_count];
}

static void hang_up(struct client *client)
{
	if (client->sock >= 0)
		close(client->sock);
	client->sock = -1;
}

static void die(struct client *client)
{
	uint64_t one = 1;

	if (client->process < 0)
		return;
	promise(write(client->process, &one, sizeof(one)) == sizeof(one));
	close(client->process);
	client->process = -1;
}

void client_end(struct client *client)
{
	while (client->held_count)
		held_drop(client, 0);
	hang_up(client);
	if (client->process >= 0)
		close(client->process);
	client->process = -1;
}

void client_join(struct world *world)
{
	struct client *client = choose(world);
	uint8_t how = input_byte(&world->input);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(name);
	int listening;

	client_end(client);
	client->uid = how >> 1 & 3;
	client->process = eventfd(0, EFD_CLOEXEC);
	client->sock = socket(AF_UNIX,
			      SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%td:fuzz:%d",
		 client - world->clients, getpid());
	if (client->process < 0 || client->sock < 0 ||
	    bind(client->sock, (struct sockaddr *)&name, sizeof(name)) < 0) {
		client_end(client);
		return;
	}
	listening = world_listen(how & 1);
	if (getsockname(listening, (struct sockaddr *)&name, &size) < 0 ||
	    connect(client->sock, (struct sockaddr *)&name, size) < 0)
		client_end(client);
	if (listening >= 0)
		close(listening);
}

void client_close(struct world *world)
{
	hang_up(choose(world));
}

/* The connection stays, as if another process had it. */
void client_die(struct world *world)
{
	die(choose(world));
}

void client_shut_down(struct world *world)
{
	uint8_t how = input_byte(&world->input);

	shutdown(choose(world)->sock, how % 3);
}

/* One that it has, or that somebody else may have. */
static uint64_t lease_choose(struct world *world, const struct client *client)
{
	uint8_t which = input_byte(&world->input);

	if (which < 0x80 && client->held_count)
		return client->held[which % client->held_count].lease;
	return world->last_lease - which % 4u;
}

void client_send(struct world *world)
{
	struct client *client = choose(world);
	struct fuzz_topics topics = {
		.lease = lease_choose(world, client),
		.serial = ++client->last_serial,
	};
	struct fuzz_packet made;

	topics.request = topics.serial - (input_byte(&world->input) & 3u);
	fuzz_packet_make(&world->input, PACKET_OF_LESSEE, &topics, &made);
	if (client->sock >= 0)
		fuzz_send(client->sock, made.bytes, made.length, client->sock,
			  made.fds);
}

static void grant_take(struct client *client, const struct received *received)
{
	promise(received->fd >= 0 || received->fds_lost);
	if (received->fd < 0)
		return;
	if (client->held_count == HELD_MAX)
		held_drop(client, 0);
	client->held[client->held_count++] = (struct held){
		.lease = received->packet.grant.lease,
		.fd = received->fd,
	};
}

/* Whoever is told of an end must have lost it before. */
static void over_check(const struct client *client, uint64_t lease)
{
	for (unsigned int i = 0; i < client->held_count; i++) {
		uint64_t size;

		if (client->held[i].lease != lease)
			continue;
		promise(!barlease_lease_size(client->held[i].fd, &size));
		promise(!size);
	}
}

static void packet_take(struct client *client, const struct received *received)
{
	const union packet *packet = &received->packet;
	const char *reason;

	promise(!barlease_packet_check(packet, received->length,
				       PACKET_OF_SERVER, &reason));
	switch (packet->header.type) {
	case BARLEASE_PACKET_GRANT:
		grant_take(client, received);
		return;
	case BARLEASE_PACKET_RELEASED:
		over_check(client, packet->released.lease);
		break;
	case BARLEASE_PACKET_REVOKED:
		promise(packet->revoked.why >= BARLEASE_END_EXPIRED &&
			packet->revoked.why <= BARLEASE_END_SERVER);
		over_check(client, packet->revoked.lease);
		break;
	case BARLEASE_PACKET_REFUSED:
		promise(*packet->refused.sentence);
		break;
	case BARLEASE_PACKET_QUEUED:
		promise(packet->queued.position);
		break;
	default:
		break;
	}
	promise(received->fd < 0 && !received->fds_lost);
}

void client_read(struct world *world)
{
	struct client *client = choose(world);
	unsigned int count = input_byte(&world->input);
	struct received received;

	while (client->sock >= 0 && count--) {
		if (barlease_packet_receive(client->sock, &received))
			return;
		packet_take(client, &received);
	}
}
