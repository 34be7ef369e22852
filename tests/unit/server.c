// SPDX-License-Identifier: MIT
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void __attribute__((format(printf, 2, 3)))
note(struct shop *shop, const char *format, ...)
{
	size_t length = strlen(shop->journal);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(shop->journal + length, sizeof(shop->journal) - length,
		  format, arguments);
	va_end(arguments);
}

static int on_request(void *context, const struct barlease_server_lessee *lessee,
		      const struct barlease_server_request *request,
		      char *sentence)
{
	struct shop *shop = context;
	int deny = shop->deny;

	assert_true(lessee->pid > 0);
	assert_int_equal(request->position, 0);
	if (shop->deny_sentence)
		strcpy(sentence, shop->deny_sentence);
	if (shop->revoke_in_request)
		assert_int_equal(barlease_server_revoke(shop->server,
							shop->revoke_in_request,
							BARLEASE_END_REVOKED),
				 0);
	shop->revoke_in_request = 0;
	return deny;
}

static bool on_visible(void *context,
		       const struct barlease_server_lessee *lessee,
		       uint64_t offer)
{
	const struct shop *shop = context;

	assert_true(lessee->pid > 0);
	return offer != shop->hidden;
}

static void on_grant(void *context, const struct barlease_server_lessee *lessee,
		     const struct barlease_server_lease *lease)
{
	struct shop *shop = context;

	assert_true(lessee->leases > 0);
	note(shop, "grant %d\n", (int)lease->id);
	if (shop->revoke_in_grant)
		barlease_server_revoke(shop->server, lease->id,
				       BARLEASE_END_REVOKED);
	shop->revoke_in_grant = 0;
}

static void on_recall(void *context, const struct barlease_server_lessee *lessee,
		      const struct barlease_server_lease *lease)
{
	(void)lessee;
	assert_true(lease->recalled);
	note(context, "recall %d %lld\n", (int)lease->id,
	     (long long)lease->time_left);
}

static void on_end(void *context, const struct barlease_server_lessee *lessee,
		   const struct barlease_server_lease *lease,
		   enum barlease_end why)
{
	struct shop *shop = context;

	(void)lessee;
	note(shop, "end %d %d\n", (int)lease->id, why);
	if (shop->recall_in_end) {
		barlease_server_recall(shop->server, shop->recall_in_end, 0);
		shop->recall_in_end = 0;
		shop->depth_errors +=
			barlease_server_dispatch(shop->server) == -EDEADLK;
		shop->depth_errors +=
			barlease_server_device_lost(shop->server,
						    shop->device) == -EDEADLK;
		shop->depth_errors +=
			barlease_server_unlisten(shop->server,
						 shop->listener) == -EDEADLK;
	}
}

static void on_stuck(void *context, const struct barlease_server_lessee *lessee,
		     const struct barlease_server_lease *lease, int error)
{
	(void)lessee;
	assert_true(lease->stuck);
	note(context, "stuck %d %d\n", (int)lease->id, error);
}

static void on_refuse(void *context, const struct barlease_server_lessee *lessee,
		      const struct barlease_server_request *request, int error,
		      const char *sentence)
{
	(void)lessee;
	assert_true(sentence[0]);
	note(context, "refuse %s %d\n", request->name, error);
}

static void on_came(void *context, const struct barlease_server_lessee *lessee)
{
	note(context, "came %d\n", (int)lessee->id);
}

static void on_gone(void *context, const struct barlease_server_lessee *lessee,
		    const char *reason)
{
	assert_true(reason[0]);
	assert_int_equal(lessee->leases, 0);
	note(context, "gone %d\n", (int)lessee->id);
}

static void on_offer_gone(void *context, uint64_t offer)
{
	note(context, "offer_gone %d\n", (int)offer);
}

static void on_slow(void *context, const struct barlease_server_lessee *lessee,
		    bool first)
{
	struct shop *shop = context;

	note(shop, "%s %d\n", first ? "slow" : "again", (int)lessee->id);
	snprintf(shop->slow_is, sizeof(shop->slow_is), "%s %s %d", lessee->cgroup,
		 lessee->command, lessee->cgroup_error);
}

static uint64_t now(void *context)
{
	const struct shop *shop = context;

	return shop->now;
}

static void shop_start(struct shop *shop,
		       const struct barlease_server_terms *terms)
{
	struct barlease_server_terms own = *terms;

	own.context = shop;
	own.now = now;
	own.calls = (struct barlease_server_calls){
		.request = on_request,
		.visible = on_visible,
		.grant = on_grant,
		.recall = on_recall,
		.end = on_end,
		.stuck = on_stuck,
		.refuse = on_refuse,
		.came = on_came,
		.gone = on_gone,
		.offer_gone = on_offer_gone,
		.slow = on_slow,
	};
	assert_int_equal(barlease_server_create(&own, &shop->server), 0);
	assert_int_equal(barlease_server_add_device(shop->server, shop->device),
			 0);
	assert_int_equal(barlease_server_listen(shop->server, shop->path, 0600,
						&shop->listener),
			 0);
}

void shop_restart(struct shop *shop, const struct barlease_server_terms *terms)
{
	barlease_server_destroy(shop->server);
	shop_start(shop, terms);
}

int shop_setup(void **state)
{
	struct shop *shop = calloc(1, sizeof(*shop));
	void *device;

	if (!shop)
		return -1;
	shop->fds = fd_count();
	shop->now = 1000000;
	snprintf(shop->path, sizeof(shop->path), "/tmp/barlease-server-%d",
		 getpid());
	if (sim_setup(&device)) {
		free(shop);
		return -1;
	}
	shop->device = device;
	shop_start(shop, &(struct barlease_server_terms){ 0 });
	*state = shop;
	return 0;
}

int shop_teardown(void **state)
{
	struct shop *shop = *state;
	unsigned int left;

	barlease_server_destroy(shop->server);
	barlease_device_close(shop->device);
	left = fd_count() - shop->fds;
	free(shop);
	if (left)
		print_error("%u fds are left\n", left);
	return left ? -1 : 0;
}

uint64_t shop_offer_as(struct shop *shop,
		       const struct barlease_server_offer *offer)
{
	uint64_t id;

	assert_int_equal(barlease_server_add_offer(shop->server, shop->device,
						   offer, &id),
			 0);
	assert_int_equal(barlease_server_show_offer(shop->server, id,
						    shop->listener),
			 0);
	return id;
}

uint64_t shop_offer(struct shop *shop, const char *name, uint64_t page,
		    uint64_t pages, uint64_t slice_pages)
{
	const struct barlease_server_offer offer = {
		.name = name,
		.bar = SIM_BAR,
		.range = { page * PAGE, pages * PAGE },
		.slice_size = slice_pages * PAGE,
	};

	return shop_offer_as(shop, &offer);
}

void shop_settle(struct shop *shop)
{
	int err;

	do {
		err = barlease_server_dispatch(shop->server);
	} while (err > 0);
	assert_int_equal(err, 0);
}

void shop_pass(struct shop *shop, uint64_t ms)
{
	shop->now += ms * 1000000;
	shop_settle(shop);
}

void assert_journal(struct shop *shop, const char *lines)
{
	assert_string_equal(shop->journal, lines);
	shop->journal[0] = '\0';
}

int lessee_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(sock >= 0);
	strcpy(address.sun_path, path);
	assert_int_equal(connect(sock, (struct sockaddr *)&address,
				 sizeof(address)),
			 0);
	return sock;
}

int lessee_join_at(struct shop *shop, const char *path)
{
	int sock = lessee_connect(path);

	shop_settle(shop);
	return sock;
}

int lessee_join(struct shop *shop)
{
	return lessee_join_at(shop, shop->path);
}

void lessee_send(int sock, const union packet *packet)
{
	assert_int_equal(barlease_packet_send(sock, packet, -1), 0);
}

void lessee_list(int sock, uint32_t serial)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, serial);
	lessee_send(sock, &packet);
}

void lessee_request_as(int sock, const struct barlease_packet_request *request)
{
	union packet packet;
	struct barlease_packet header;

	barlease_packet_begin(&packet, BARLEASE_PACKET_REQUEST,
			      request->header.serial);
	header = packet.header;
	packet.request = *request;
	packet.header = header;
	lessee_send(sock, &packet);
}

void lessee_request(int sock, uint32_t serial, const char *name, uint64_t wait)
{
	struct barlease_packet_request request = { .wait = wait };

	request.header.serial = serial;
	strcpy(request.name, name);
	lessee_request_as(sock, &request);
}

void lessee_cancel(int sock, uint32_t serial, uint32_t request)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_CANCEL, serial);
	packet.cancel.request = request;
	lessee_send(sock, &packet);
}

void lessee_release(int sock, uint32_t serial, uint64_t lease)
{
	union packet packet;

	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, serial);
	packet.release.lease = lease;
	lessee_send(sock, &packet);
}

struct received lessee_take(struct shop *shop, int sock,
			    enum barlease_packet_type type, uint32_t serial)
{
	struct received received;
	const char *reason = "";

	shop_settle(shop);
	assert_int_equal(barlease_packet_receive(sock, &received), 0);
	if (barlease_packet_check(&received.packet, received.length,
				  PACKET_OF_SERVER, &reason))
		fail_msg("%s", reason);
	if (received.packet.header.type != type &&
	    received.packet.header.type == BARLEASE_PACKET_REFUSED)
		print_error("%s\n", received.packet.refused.sentence);
	assert_int_equal(received.packet.header.type, type);
	assert_int_equal(received.packet.header.serial, serial);
	assert_int_equal(received.fd >= 0, type == BARLEASE_PACKET_GRANT);
	return received;
}

void lessee_take_refused(struct shop *shop, int sock, uint32_t serial,
			 int error)
{
	struct received received =
		lessee_take(shop, sock, BARLEASE_PACKET_REFUSED, serial);

	assert_int_equal(received.packet.refused.error, error);
	assert_true(received.packet.refused.sentence[0]);
}

void lessee_take_queued(struct shop *shop, int sock, uint32_t serial,
			uint32_t position)
{
	struct received received =
		lessee_take(shop, sock, BARLEASE_PACKET_QUEUED, serial);

	assert_int_equal(received.packet.queued.position, position);
}

void lessee_take_revoked(struct shop *shop, int sock, uint64_t lease,
			 enum barlease_end why)
{
	struct received received =
		lessee_take(shop, sock, BARLEASE_PACKET_REVOKED, 0);

	assert_int_equal(received.packet.revoked.lease, lease);
	assert_int_equal(received.packet.revoked.why, why);
}

uint64_t lessee_take_grant(struct shop *shop, int sock, uint32_t serial,
			   int *fd)
{
	struct received received =
		lessee_take(shop, sock, BARLEASE_PACKET_GRANT, serial);

	if (fd)
		*fd = received.fd;
	else
		close(received.fd);
	return received.packet.grant.lease;
}

uint64_t lessee_get(struct shop *shop, int sock, const char *name, int *fd)
{
	lessee_request(sock, 1000, name, 0);
	return lessee_take_grant(shop, sock, 1000, fd);
}

void lessee_take_nothing(struct shop *shop, int sock)
{
	struct received received;

	shop_settle(shop);
	assert_int_equal(barlease_packet_receive(sock, &received), -EAGAIN);
}

void lessee_take_end(struct shop *shop, int sock)
{
	struct received received;

	shop_settle(shop);
	assert_int_equal(barlease_packet_receive(sock, &received), -ECONNRESET);
}
