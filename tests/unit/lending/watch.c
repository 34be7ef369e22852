// SPDX-License-Identifier: MIT
/* What the server does, checked and noted as it happens. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "protocol/socket.h"
#include "world.h"

uint64_t watch_now(void *context)
{
	(void)context;
	return world.now;
}

static unsigned int client_of(uint64_t id)
{
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (world.clients[i].there && world.clients[i].id == id)
			return i;
	return CLIENTS;
}

static unsigned int offer_of(uint64_t id)
{
	for (unsigned int i = 0; i < OFFERS; i++)
		if (world.offers[i].there && world.offers[i].id == id)
			return i;
	CHECK(false, "offer %u", (unsigned int)id);
}

static struct model_request *request_of(unsigned int client, uint32_t serial)
{
	for (unsigned int i = 0; i < REQUESTS; i++)
		if (world.requests[i].waiting &&
		    world.requests[i].client == client &&
		    world.requests[i].serial == serial)
			return &world.requests[i];
	return NULL;
}

struct model_lease *watch_lease(uint64_t id)
{
	for (unsigned int i = 0; i < world.lease_count; i++)
		if (world.leases[i].id == id &&
		    (world.leases[i].live || world.leases[i].stuck))
			return &world.leases[i];
	return NULL;
}

static void expect(unsigned int client, uint16_t type, uint32_t serial,
		   uint64_t lease, uint32_t value)
{
	struct model_client *who = &world.clients[client];

	if (!who->there || who->killed)
		return;
	who->log[who->log_last++ % LOG] =
		(struct expected){ type, serial, lease, value };
	CHECK(who->log_last - who->log_first < LOG, "too much to read");
}

/* Nobody who came earlier, and could have had it, still waits. */
static void check_turn(const struct model_request *request, unsigned int offer)
{
	for (unsigned int i = 0; i < REQUESTS; i++) {
		const struct model_request *other = &world.requests[i];

		if (!other->waiting || other->order >= request->order ||
		    (other->offer != ANY && other->offer != offer) ||
		    rule_fit(other->client, offer, other->access,
			     other->attribute, other->minimum))
			continue;
		CHECK(other->offer == ANY && !rule_quota(other->client, offer),
		      "%u was served before %u",
		      (unsigned int)request->order, (unsigned int)other->order);
	}
}

void __real_server_tell_granted(struct barlease_server *server,
				struct server_lease *lease, uint32_t serial);
void __wrap_server_tell_granted(struct barlease_server *server,
				struct server_lease *lease, uint32_t serial);
void __wrap_server_tell_granted(struct barlease_server *server,
				struct server_lease *lease, uint32_t serial)
{
	unsigned int client = client_of(lease->client->id);
	unsigned int offer = offer_of(lease->offer->id);
	const struct barlease_server_offer *terms = &world.offers[offer].terms;
	struct model_request *request = request_of(client, serial);
	struct model_lease *new = &world.leases[world.lease_count];

	CHECK(request, "there is no request %u", serial);
	CHECK(request->offer == ANY || request->offer == offer,
	      "something else was asked for");
	CHECK(!rule_fit(client, offer, request->access, request->attribute,
			request->minimum),
	      "%s does not fit: error %d", world.offers[offer].name,
	      rule_fit(client, offer, request->access, request->attribute,
		       request->minimum));
	CHECK(rule_free(offer), "nothing was free");
	CHECK(request->offer != ANY || rule_quota(client, offer),
	      "it is too much for this identity");
	check_turn(request, offer);
	request->waiting = false;

	CHECK(world.lease_count < LEASES, "too many leases");
	world.lease_count++;
	*new = (struct model_lease){
		.live = true,
		.id = lease->id,
		.client = client,
		.offer = offer,
		.index = lease->index,
		.due = terms->time_limit
			       ? world.now + terms->time_limit * 1000000
			       : UINT64_MAX,
	};
	for (unsigned int i = 0; i + 1 < world.lease_count; i++)
		CHECK(world.leases[i].id != lease->id, "lease %u, again",
		      (unsigned int)lease->id);
	expect(client, BARLEASE_PACKET_GRANT, serial, lease->id, 0);
	world.grants++;
	world.told_grants++;
	__real_server_tell_granted(server, lease, serial);
}

/* Why a waiting request may be refused. */
static bool may_refuse(const struct model_request *request, int error)
{
	int fit = ENOENT;

	switch (error) {
	case ETIMEDOUT:
		return request->due <= world.now;
	case ECANCELED:
		return request->cancelled;
	case EMFILE:
		return world.export_fails;
	}
	for (unsigned int i = 0; i < OFFERS; i++)
		if (request->offer == i || request->offer == ANY) {
			int err = rule_fit(request->client, i, request->access,
					   request->attribute,
					   request->minimum);

			if (!err)
				return false;
			if (request->offer == i)
				fit = err;
		}
	return world.changing && (request->offer == ANY || fit == error);
}

void __real_server_tell_refused(struct barlease_server *server,
				struct server_client *client, uint32_t serial,
				int error, const char *sentence);
void __wrap_server_tell_refused(struct barlease_server *server,
				struct server_client *client, uint32_t serial,
				int error, const char *sentence);
void __wrap_server_tell_refused(struct barlease_server *server,
				struct server_client *client, uint32_t serial,
				int error, const char *sentence)
{
	unsigned int who = client_of(client->id);
	struct model_request *request = request_of(who, serial);

	if (request && error != EEXIST) {
		/* What has just been sent is checked by who sent it. */
		if (request->order != UINT64_MAX)
			CHECK(may_refuse(request, error),
			      "request %u of %u refused: %s", serial, who,
			      sentence);
		request->waiting = false;
	}
	world.refusals[error]++;
	expect(who, BARLEASE_PACKET_REFUSED, serial, 0, (uint32_t)error);
	__real_server_tell_refused(server, client, serial, error, sentence);
}

void watch_client_dead(unsigned int client)
{
	world.clients[client].killed = true;
	for (unsigned int i = 0; i < REQUESTS; i++)
		if (world.requests[i].client == client)
			world.requests[i].waiting = false;
}

void __real_server_client_end(struct barlease_server *server,
			      struct server_client *client);
void __wrap_server_client_end(struct barlease_server *server,
			      struct server_client *client);
void __wrap_server_client_end(struct barlease_server *server,
			      struct server_client *client)
{
	unsigned int who = client_of(client->id);

	CHECK(who < CLIENTS, "lessee %u has ended twice",
	      (unsigned int)client->id);
	if (!world.clients[who].killed) {
		CHECK(world.clients[who].lazy, "%u is thrown out: %s", who,
		      client->ended);
		world.thrown_out++;
	}
	watch_client_dead(who);
	__real_server_client_end(server, client);
}

static int on_request(void *context, const struct barlease_server_lessee *lessee,
		      const struct barlease_server_request *request,
		      char *sentence)
{
	(void)context;
	(void)lessee;
	(void)request;
	(void)sentence;
	return -world.deny;
}

static void on_grant(void *context, const struct barlease_server_lessee *lessee,
		     const struct barlease_server_lease *lease)
{
	(void)context;
	(void)lessee;
	(void)lease;
	world.called_grants++;
}

static void on_recall(void *context, const struct barlease_server_lessee *lessee,
		      const struct barlease_server_lease *lease)
{
	(void)context;
	expect(client_of(lessee->id), BARLEASE_PACKET_RECALLED, 0, lease->id,
	       0);
}

static bool may_end(const struct model_lease *lease, enum barlease_end why)
{
	switch (why) {
	case BARLEASE_END_RELEASED:
		return lease->to_release;
	case BARLEASE_END_DIED:
		return world.clients[lease->client].killed;
	case BARLEASE_END_EXPIRED:
		return lease->due <= world.now && !lease->due_by_recall;
	case BARLEASE_END_RECALLED:
		return lease->due <= world.now && lease->due_by_recall;
	case BARLEASE_END_REVOKED:
		return lease->to_revoke;
	case BARLEASE_END_DEVICE:
		return world.devices[world.offers[lease->offer].device].lost;
	default:
		return !world.steps;
	}
}

static void on_end(void *context, const struct barlease_server_lessee *lessee,
		   const struct barlease_server_lease *view,
		   enum barlease_end why)
{
	struct model_lease *lease = watch_lease(view->id);

	(void)context;
	CHECK(lease && lease->live, "lease %u has ended twice",
	      (unsigned int)view->id);
	CHECK(world.clients[lease->client].id == lessee->id, "whose is it?");
	CHECK(may_end(lease, why), "lease %u ends: %d", (unsigned int)view->id,
	      why);
	lease->live = false;
	lease->stuck = view->stuck;
	world.ends[why]++;
	world.stuck += view->stuck;
	if (why == BARLEASE_END_RELEASED && !view->stuck)
		expect(lease->client, BARLEASE_PACKET_RELEASED, 0, view->id, 0);
	else if (why >= BARLEASE_END_EXPIRED)
		expect(lease->client, BARLEASE_PACKET_REVOKED, 0, view->id,
		       why);
}

static void on_gone(void *context, const struct barlease_server_lessee *lessee,
		    const char *reason)
{
	unsigned int client = client_of(lessee->id);

	(void)context;
	CHECK(client < CLIENTS && world.clients[client].killed, "%s", reason);
	for (unsigned int i = 0; i < world.lease_count; i++)
		CHECK(!world.leases[i].live ||
			      world.leases[i].client != client,
		      "it still has a lease");
	world.clients[client].there = false;
	close(world.clients[client].sock);
	close(world.clients[client].process);
}

static void on_offer_gone(void *context, uint64_t id)
{
	unsigned int offer = offer_of(id);

	(void)context;
	CHECK(world.offers[offer].removed, "offer %u is gone", offer);
	world.offers[offer].there = false;
	for (unsigned int i = 0; i < world.lease_count; i++)
		CHECK(!(world.leases[i].live || world.leases[i].stuck) ||
			      world.leases[i].offer != offer,
		      "it still has a lease");
}

const struct barlease_server_calls watch_calls = {
	.request = on_request,
	.grant = on_grant,
	.recall = on_recall,
	.end = on_end,
	.gone = on_gone,
	.offer_gone = on_offer_gone,
};

static void take_queued(unsigned int client, const union packet *packet)
{
	struct model_request *request =
		request_of(client, packet->header.serial);

	/* It may have been served since. */
	if (!request)
		return;
	CHECK(packet->queued.position &&
		      (!request->told ||
		       packet->queued.position < request->told),
	      "at %u and then at %u", request->told, packet->queued.position);
	request->told = packet->queued.position;
}

static void take_device(const union packet *packet)
{
	struct model_lease *lease = watch_lease(packet->device.lease);
	uint32_t before;

	if (!lease)
		return;
	before = lease->device_told ? lease->device_told : BARLEASE_DEVICE_BACK;
	CHECK(packet->device.state != before, "told twice: %u", before);
	lease->device_told = packet->device.state;
}

static void take(unsigned int client, const union packet *packet)
{
	struct model_client *who = &world.clients[client];
	const struct expected *expected;
	uint64_t lease = 0;
	uint32_t value = 0;

	switch (packet->header.type) {
	case BARLEASE_PACKET_QUEUED:
		take_queued(client, packet);
		return;
	case BARLEASE_PACKET_DEVICE:
		take_device(packet);
		return;
	case BARLEASE_PACKET_GRANT:
		lease = packet->grant.lease;
		break;
	case BARLEASE_PACKET_REFUSED:
		value = packet->refused.error;
		break;
	case BARLEASE_PACKET_RELEASED:
		lease = packet->released.lease;
		break;
	case BARLEASE_PACKET_RECALLED:
		lease = packet->recalled.lease;
		break;
	case BARLEASE_PACKET_REVOKED:
		lease = packet->revoked.lease;
		value = packet->revoked.why;
		break;
	}
	CHECK(who->log_first != who->log_last, "%u gets %u, not expected",
	      client, packet->header.type);
	expected = &who->log[who->log_first++ % LOG];
	CHECK(expected->type == packet->header.type &&
		      (expected->serial == packet->header.serial ||
		       expected->type == BARLEASE_PACKET_RELEASED) &&
		      expected->lease == lease && expected->value == value,
	      "%u gets %u %u %u %u, not %u %u %u %u", client,
	      packet->header.type, packet->header.serial, (unsigned int)lease,
	      value, expected->type, expected->serial,
	      (unsigned int)expected->lease, expected->value);
}

void watch_drain(unsigned int client)
{
	struct model_client *who = &world.clients[client];
	struct received received;
	const char *reason;
	int err;

	for (;;) {
		err = barlease_packet_receive(who->sock, &received);
		if (err == -EAGAIN) {
			world_settle();
			if (!who->there)
				return;
			err = barlease_packet_receive(who->sock, &received);
		}
		if (err)
			break;
		CHECK(!barlease_packet_check(&received.packet, received.length,
					     PACKET_OF_SERVER, &reason),
		      "%s", reason);
		CHECK((received.fd >= 0) ==
			      (received.packet.header.type ==
			       BARLEASE_PACKET_GRANT),
		      "an fd, or none");
		if (received.fd >= 0)
			close(received.fd);
		take(client, &received.packet);
	}
	CHECK(err == -EAGAIN, "%u: %s", client, strerror(-err));
	CHECK(who->log_first == who->log_last, "%u was not told everything",
	      client);
}
