// SPDX-License-Identifier: MIT
/* What lessees and the lessor do, at random. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/socket.h"
#include "world.h"

#define MS 1000000ull

unsigned int chance(unsigned int bound)
{
	world.random ^= world.random << 13;
	world.random ^= world.random >> 7;
	world.random ^= world.random << 17;
	return (unsigned int)((world.random >> 11) % bound);
}

void world_settle(void)
{
	int err;

	do {
		err = barlease_server_dispatch(world.server);
	} while (err > 0);
	CHECK(!err, "%s", strerror(-err));
}

static unsigned int client_any(void)
{
	unsigned int from = chance(CLIENTS);

	for (unsigned int i = 0; i < CLIENTS; i++)
		if (world.clients[(from + i) % CLIENTS].there)
			return (from + i) % CLIENTS;
	return CLIENTS;
}

static struct model_lease *lease_any(bool stuck)
{
	struct model_lease *found = NULL;
	unsigned int count = 0;

	for (unsigned int i = 0; i < world.lease_count; i++)
		if ((stuck ? world.leases[i].stuck : world.leases[i].live) &&
		    !chance(++count))
			found = &world.leases[i];
	return found;
}

/* Lessees are numbered in the order in which they come. */
static int came_visit(void *context, const struct barlease_server_lessee *lessee)
{
	(void)context;
	if (lessee->id > world.last_client)
		world.last_client = lessee->id;
	return 0;
}

static void step_join(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct model_client *new;
	unsigned int i = 0;

	while (i < CLIENTS && world.clients[i].there)
		i++;
	if (i == CLIENTS)
		return;
	new = &world.clients[i];
	*new = (struct model_client){
		.lazy = !chance(4),
		.listener = chance(LISTENERS),
		.uid = chance(3),
		.gid = chance(3),
		.cgroup = chance(4),
	};
	world.joining = i;
	new->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, world.paths[new->listener]);
	CHECK(!connect(new->sock, (struct sockaddr *)&address,
		       sizeof(address)),
	      "%s", strerror(errno));
	world_settle();
	barlease_server_each_lessee(world.server, came_visit, NULL);
	new->id = world.last_client;
	new->there = true;
}

static void step_die(void)
{
	unsigned int client = client_any();
	uint64_t one = 1;

	if (client == CLIENTS)
		return;
	watch_client_dead(client);
	switch (chance(3)) {
	case 0: /* killed, and its connection is somebody else's, too */
		CHECK(write(world.clients[client].process, &one, 8) == 8, "%s",
		      strerror(errno));
		break;
	case 1:
		shutdown(world.clients[client].sock, SHUT_RDWR);
		break;
	default:
		shutdown(world.clients[client].sock, SHUT_WR);
	}
}

static struct model_request *request_slot(void)
{
	for (unsigned int i = 0; i < REQUESTS; i++)
		if (!world.requests[i].waiting)
			return &world.requests[i];
	CHECK(false, "too many requests");
}

static void send_packet(unsigned int client, const union packet *packet)
{
	int err = barlease_packet_send(world.clients[client].sock, packet, -1);

	CHECK(!err, "%s", strerror(-err));
}

/* One that is known to have read everything, so that it is listened to. */
static unsigned int client_ready(void)
{
	unsigned int client = client_any();

	if (client == CLIENTS || (world.clients[client].lazy && chance(4)))
		return CLIENTS;
	watch_drain(client);
	return world.clients[client].there ? client : CLIENTS;
}

static unsigned int request_fill(unsigned int client,
				 struct barlease_packet_request *packet)
{
	static const uint64_t waits[] = { 0, 20, 100, 500, 500, UINT64_MAX };
	unsigned int offer = chance(OFFERS + 3);

	if (offer > ANY)
		offer = ANY;
	packet->access = chance(4) ? BARLEASE_READ_WRITE : BARLEASE_READ_ONLY;
	packet->attribute =
		chance(6) ? BARLEASE_NON_CACHED : BARLEASE_WRITE_COMBINING;
	packet->minimum = chance(3) ? 0 : chance(5) * PAGE;
	packet->wait = waits[chance(6)];
	if (offer != ANY)
		strcpy(packet->name, world.offers[offer].name);
	packet->header.serial = ++world.clients[client].last_serial;
	return offer;
}

static void step_request(void)
{
	unsigned int client = client_ready();
	struct model_request *request;
	unsigned int offer;
	uint64_t refused;
	union packet packet;
	int answer;

	if (client == CLIENTS)
		return;
	barlease_packet_begin(&packet, BARLEASE_PACKET_REQUEST, 1);
	offer = request_fill(client, &packet.request);
	world.deny = chance(40) ? 0 : EACCES;
	answer = rule_answer(client, offer, &packet.request);
	/* What is not there any more is said before anybody is asked. */
	if (offer != ANY && (!world.offers[offer].there ||
			     world.offers[offer].removed ||
			     !world.offers[offer]
				      .shown[world.clients[client].listener]))
		answer = ENOENT;
	request = request_slot();
	*request = (struct model_request){
		.waiting = true,
		.client = client,
		.offer = offer,
		.serial = packet.header.serial,
		.order = UINT64_MAX,
		.access = (enum barlease_access)packet.request.access,
		.attribute = (enum barlease_attribute)packet.request.attribute,
		.minimum = packet.request.minimum,
		.wait = packet.request.wait,
		.due = packet.request.wait == UINT64_MAX
			       ? UINT64_MAX
			       : world.now + packet.request.wait * MS,
	};
	refused = answer > 0 ? world.refusals[answer] : 0;
	world.export_fails = !chance(30);
	send_packet(client, &packet);
	world_settle();
	if (request->waiting) {
		CHECK(answer == -2, "it waits, and should not: %d", answer);
		request->order = ++world.last_order;
		world.waits++;
	} else if (answer > 0) {
		CHECK(world.refusals[answer] > refused, "refused, but not: %s",
		      strerror(answer));
	} else {
		CHECK(answer == -1, "granted, and should not: %d", answer);
	}
	world.export_fails = false;
	world.deny = 0;
}

/* Another request of the same serial changes nothing for the first. */
static void step_request_twice(void)
{
	unsigned int client = client_ready();
	uint64_t refused = world.refusals[EEXIST];
	union packet packet;

	for (unsigned int i = 0; client < CLIENTS && i < REQUESTS; i++) {
		if (!world.requests[i].waiting ||
		    world.requests[i].client != client)
			continue;
		barlease_packet_begin(&packet, BARLEASE_PACKET_REQUEST,
				      world.requests[i].serial);
		send_packet(client, &packet);
		world_settle();
		CHECK(world.refusals[EEXIST] == refused + 1, "a serial, twice");
		return;
	}
}

static void step_cancel(void)
{
	unsigned int client = client_ready();
	union packet packet;

	if (client == CLIENTS)
		return;
	barlease_packet_begin(&packet, BARLEASE_PACKET_CANCEL,
			      ++world.clients[client].last_serial);
	packet.cancel.request = 4711; /* none */
	for (unsigned int i = 0; i < REQUESTS; i++)
		if (world.requests[i].waiting &&
		    world.requests[i].client == client) {
			world.requests[i].cancelled = true;
			packet.cancel.request = world.requests[i].serial;
			send_packet(client, &packet);
			world_settle();
			CHECK(!world.requests[i].waiting, "it still waits");
			return;
		}
	send_packet(client, &packet);
}

static void step_release(void)
{
	struct model_lease *lease = lease_any(false);
	unsigned int client;
	union packet packet;
	uint64_t refused;

	if (!lease)
		return;
	client = lease->client;
	world.revoke_fails = !chance(12);
	/* Somebody else's, now and then. */
	if (!chance(8))
		client = client_any();
	watch_drain(client);
	if (!world.clients[client].there || !lease->live)
		return;
	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE,
			      ++world.clients[client].last_serial);
	packet.release.lease = lease->id;
	lease->to_release = lease->client == client;
	refused = world.refusals[ENOENT];
	send_packet(client, &packet);
	world_settle();
	if (lease->client != client)
		CHECK(world.refusals[ENOENT] == refused + 1, "not its lease");
	else
		CHECK(!lease->live, "it is still there");
}

static void step_recall(void)
{
	static const uint64_t graces[] = { 0, 10, 30, 30,
					   BARLEASE_GRACE_OF_OFFER,
					   BARLEASE_WAIT_FOR_EVER };
	struct model_lease *lease = lease_any(false);
	uint64_t grace = graces[chance(6)];
	uint64_t left, due;

	if (!lease)
		return;
	left = grace == BARLEASE_GRACE_OF_OFFER
		       ? world.offers[lease->offer].terms.grace
		       : grace;
	due = left == UINT64_MAX ? left : world.now + left * MS;
	if (due < lease->due || !left) {
		lease->due = due;
		lease->due_by_recall = true;
	}
	lease->recalled = true;
	world.revoke_fails = !chance(12);
	CHECK(!barlease_server_recall(world.server, lease->id, grace),
	      "lease %u", (unsigned int)lease->id);
}

static void step_revoke(void)
{
	struct model_lease *lease = lease_any(false);

	if (!lease)
		return;
	lease->to_revoke = true;
	world.revoke_fails = !chance(6);
	CHECK(!barlease_server_revoke(world.server, lease->id,
				      BARLEASE_END_REVOKED) == !lease->stuck,
	      "lease %u", (unsigned int)lease->id);
}

/* What could not be taken back is tried again. */
static void step_unstick(void)
{
	struct model_lease *lease = lease_any(true);

	if (!lease)
		return;
	CHECK(barlease_server_recall(world.server, lease->id, 0) == -ENOENT,
	      "it is over");
	lease->stuck = false;
	CHECK(!barlease_server_revoke(world.server, lease->id,
				      BARLEASE_END_REVOKED),
	      "lease %u", (unsigned int)lease->id);
}

static void step_pass(void)
{
	world.now += chance(3) ? chance(10) * MS : chance(60 * MS);
	world.revoke_fails = !chance(10);
}

static const struct {
	unsigned int weight;
	void (*step)(void);
} steps[] = {
	{ 10, step_join },
	{ 2, step_die },
	{ 60, step_request },
	{ 2, step_request_twice },
	{ 5, step_cancel },
	{ 14, step_release },
	{ 6, step_recall },
	{ 3, step_revoke },
	{ 3, step_unstick },
	{ 12, step_pass },
	{ 8, step_policy },
};

/* Forget what has ended. */
static void leases_forget(void)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < world.lease_count; i++)
		if (world.leases[i].live || world.leases[i].stuck)
			world.leases[kept++] = world.leases[i];
	world.lease_count = kept;
}

void world_step(void)
{
	unsigned int at = chance(125);

	world.steps++;
	leases_forget();
	for (unsigned int i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (at < steps[i].weight) {
			steps[i].step();
			break;
		}
		at -= steps[i].weight;
	}
	world_settle();
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (world.clients[i].there &&
		    (!world.clients[i].lazy || !chance(100)))
			watch_drain(i);
	world.revoke_fails = false;
	world.changing = false;
	rules_check_still();
}
