// SPDX-License-Identifier: MIT
/* How leases end: time limits, recalls, revocation, the device, the server. */
#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)

/* A slice for so many milliseconds, lent to one who has it mapped. */
struct tenant {
	int sock, fd;
	uint64_t lease;
	struct barlease_map map;
};

static struct tenant tenant_make(struct shop *shop, uint64_t time_limit)
{
	const struct barlease_server_offer offer = {
		.name = "slice",
		.bar = SIM_BAR,
		.range = { 0, PAGE },
		.time_limit = time_limit,
		.grace = 300,
	};
	struct tenant tenant;

	shop_offer_as(shop, &offer);
	tenant.sock = lessee_join(shop);
	tenant.lease = lessee_get(shop, tenant.sock, "slice", &tenant.fd);
	sim_map(tenant.fd, RW, &tenant.map);
	assert_journal(shop, "came 1\ngrant 1\n");
	return tenant;
}

static void tenant_end(struct tenant *tenant)
{
	barlease_map_end(&tenant->map);
	close(tenant->fd);
	close(tenant->sock);
}

/* Whether it is told so, and when that is told has nothing any more. */
static void assert_revoked(struct shop *shop, const struct tenant *tenant,
			   enum barlease_end why)
{
	lessee_take_revoked(shop, tenant->sock, tenant->lease, why);
	assert_sigbus(tenant->map.address);
	lessee_take_nothing(shop, tenant->sock);
}

static void a_lease_ends_when_its_time_is_over(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 100);
	struct received received;

	shop_pass(shop, 99);
	lessee_take_nothing(shop, tenant.sock);
	shop_pass(shop, 1);
	assert_revoked(shop, &tenant, BARLEASE_END_EXPIRED);
	assert_journal(shop, "end 1 3\n");
	lessee_request(tenant.sock, 1, "slice", 0);
	received = lessee_take(shop, tenant.sock, BARLEASE_PACKET_GRANT, 1);
	assert_int_equal(received.packet.grant.time_limit, 100);
	close(received.fd);
	tenant_end(&tenant);
}

static void who_releases_what_is_recalled_is_not_revoked(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);
	struct received received;

	assert_int_equal(barlease_server_recall(shop->server, 1, 200), 0);
	received = lessee_take(shop, tenant.sock, BARLEASE_PACKET_RECALLED, 0);
	assert_int_equal(received.packet.recalled.lease, 1);
	assert_int_equal(received.packet.recalled.deadline, 200);
	shop_pass(shop, 199);
	*(volatile uint32_t *)tenant.map.address = 1;
	lessee_release(tenant.sock, 1, 1);
	lessee_take(shop, tenant.sock, BARLEASE_PACKET_RELEASED, 1);
	shop_pass(shop, 1000);
	lessee_take_nothing(shop, tenant.sock);
	assert_journal(shop, "recall 1 200\nend 1 1\n");
	tenant_end(&tenant);
}

static void who_does_not_release_it_in_time_is_revoked(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);

	assert_int_equal(barlease_server_recall(shop->server, 1,
						BARLEASE_GRACE_OF_OFFER),
			 0);
	lessee_take(shop, tenant.sock, BARLEASE_PACKET_RECALLED, 0);
	shop_pass(shop, 299);
	lessee_take_nothing(shop, tenant.sock);
	shop_pass(shop, 1);
	assert_revoked(shop, &tenant, BARLEASE_END_RECALLED);
	assert_journal(shop, "recall 1 300\nend 1 4\n");
	tenant_end(&tenant);
}

static void recalled_again_the_earlier_end_counts(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 500);
	struct received received;

	/* Its time limit is over before that. */
	assert_int_equal(barlease_server_recall(shop->server, 1, 600), 0);
	received = lessee_take(shop, tenant.sock, BARLEASE_PACKET_RECALLED, 0);
	assert_int_equal(received.packet.recalled.deadline, 500);
	assert_int_equal(barlease_server_recall(shop->server, 1, 400), 0);
	received = lessee_take(shop, tenant.sock, BARLEASE_PACKET_RECALLED, 0);
	assert_int_equal(received.packet.recalled.deadline, 400);
	assert_int_equal(barlease_server_recall(shop->server, 1, 450), 0);
	lessee_take_nothing(shop, tenant.sock);
	shop_pass(shop, 400);
	assert_revoked(shop, &tenant, BARLEASE_END_RECALLED);
	assert_journal(shop, "recall 1 500\nrecall 1 400\nend 1 4\n");
	assert_int_equal(barlease_server_recall(shop->server, 1, 1), -ENOENT);
	tenant_end(&tenant);
}

static int recall_thrice(void *context,
			 const struct barlease_server_lessee *lessee,
			 const struct barlease_server_lease *lease)
{
	struct shop *shop = context;

	(void)lessee;
	barlease_server_recall(shop->server, lease->id, FOR_EVER);
	barlease_server_recall(shop->server, lease->id,
			       BARLEASE_GRACE_OF_OFFER);
	barlease_server_recall(shop->server, lease->id, 350);
	return 0;
}

static void recalled_by_several_callbacks_the_earlier_end_counts(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);

	shop->journal[0] = '\0';
	barlease_server_each_lease(shop->server, recall_thrice, shop);
	assert_journal(shop, "recall 1 300\n");
	lessee_take(shop, tenant.sock, BARLEASE_PACKET_RECALLED, 0);
	/* A later one is another one, and changes nothing. */
	barlease_server_each_lease(shop->server, recall_thrice, shop);
	assert_journal(shop, "");
	tenant_end(&tenant);
}

static void recalled_without_a_grace_it_ends_at_once(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);
	struct received received;

	assert_int_equal(barlease_server_recall(shop->server, 1, FOR_EVER), 0);
	received = lessee_take(shop, tenant.sock, BARLEASE_PACKET_RECALLED, 0);
	assert_int_equal(received.packet.recalled.deadline, FOR_EVER);
	shop_pass(shop, 1000000);
	assert_int_equal(barlease_server_recall(shop->server, 1, 0), 0);
	assert_revoked(shop, &tenant, BARLEASE_END_RECALLED);
	assert_journal(shop, "recall 1 -1\nend 1 4\n");
	tenant_end(&tenant);
}

static void the_lessor_revokes_when_he_likes(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);

	assert_int_equal(barlease_server_revoke(shop->server, 1,
						BARLEASE_END_DIED),
			 -EINVAL);
	assert_int_equal(barlease_server_revoke(shop->server, 1, 8), -EINVAL);
	assert_int_equal(barlease_server_revoke(shop->server, 2,
						BARLEASE_END_REVOKED),
			 -ENOENT);
	assert_int_equal(barlease_server_revoke(shop->server, 1,
						BARLEASE_END_REVOKED),
			 0);
	/* Not only when there is a dispatch. */
	assert_sigbus(tenant.map.address);
	assert_revoked(shop, &tenant, BARLEASE_END_REVOKED);
	assert_int_equal(barlease_server_revoke(shop->server, 1,
						BARLEASE_END_REVOKED),
			 -ENOENT);
	assert_journal(shop, "end 1 5\n");
	tenant_end(&tenant);
}

static void a_device_that_is_away_is_told_of_and_nothing_lent(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);
	int other = lessee_join(shop);
	struct received received;

	shop_offer(shop, "free", 1, 1, 0);
	assert_int_equal(barlease_server_device_away(shop->server,
						     shop->device),
			 0);
	assert_int_equal(barlease_server_device_away(shop->server,
						     shop->device),
			 -EALREADY);
	received = lessee_take(shop, tenant.sock, BARLEASE_PACKET_DEVICE, 0);
	assert_int_equal(received.packet.device.lease, 1);
	assert_int_equal(received.packet.device.state, BARLEASE_DEVICE_AWAY);
	lessee_take_nothing(shop, other);
	lessee_request(other, 1, "free", 0);
	lessee_take_refused(shop, other, 1, ENODEV);
	lessee_request(other, 2, "free", FOR_EVER);
	lessee_take_queued(shop, other, 2, 1);
	lessee_list(other, 3);
	lessee_take(shop, other, BARLEASE_PACKET_OFFER, 3);
	received = lessee_take(shop, other, BARLEASE_PACKET_OFFER, 3);
	assert_int_equal(received.packet.offer.free, 0);
	lessee_take(shop, other, BARLEASE_PACKET_LISTED, 3);
	/* It can be given back meanwhile. */
	assert_int_equal(barlease_server_device_back(shop->server,
						     shop->device),
			 0);
	received = lessee_take(shop, tenant.sock, BARLEASE_PACKET_DEVICE, 0);
	assert_int_equal(received.packet.device.state, BARLEASE_DEVICE_BACK);
	lessee_take_grant(shop, other, 2, NULL);
	assert_int_equal(barlease_server_device_back(shop->server,
						     shop->device),
			 -EALREADY);
	close(other);
	tenant_end(&tenant);
}

static void with_its_device_a_lease_ends(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);
	int other = lessee_join(shop);

	lessee_request(other, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, other, 1, 1);
	lessee_request(other, 2, "", FOR_EVER);
	lessee_take_queued(shop, other, 2, 1);
	assert_int_equal(barlease_server_device_lost(shop->server,
						     shop->device),
			 0);
	assert_revoked(shop, &tenant, BARLEASE_END_DEVICE);
	lessee_take_refused(shop, other, 1, ENODEV);
	lessee_take_refused(shop, other, 2, ENODEV);
	lessee_request(other, 3, "slice", FOR_EVER);
	lessee_take_refused(shop, other, 3, ENODEV);
	assert_int_equal(barlease_server_device_lost(shop->server,
						     shop->device),
			 -EALREADY);
	assert_int_equal(barlease_server_device_back(shop->server,
						     shop->device),
			 -ENODEV);
	close(other);
	tenant_end(&tenant);
}

static void with_the_server_everything_ends(void **state)
{
	struct shop *shop = *state;
	const struct barlease_server_terms terms = { 0 };
	struct tenant tenant = tenant_make(shop, 100);
	struct received received;
	int other = lessee_join(shop);
	int idle = lessee_join(shop);
	int err;

	lessee_request(other, 1, "slice", 1000);
	lessee_take_queued(shop, other, 1, 1);
	/* That is not even looked at. */
	lessee_request(idle, 1, "slice", 0);
	shop_restart(shop, &terms);
	assert_int_equal(barlease_packet_receive(tenant.sock, &received), 0);
	assert_int_equal(received.packet.header.type, BARLEASE_PACKET_REVOKED);
	assert_int_equal(received.packet.revoked.why, BARLEASE_END_SERVER);
	assert_sigbus(tenant.map.address);
	lessee_take_end(shop, tenant.sock);
	lessee_take_refused(shop, other, 1, ECANCELED);
	lessee_take_end(shop, other);
	err = barlease_packet_receive(idle, &received);
	assert_int_equal(err, -ECONNRESET);
	assert_journal(shop, "came 2\ncame 3\nrefuse slice 125\nend 1 7\n"
			     "gone 1\ngone 2\ngone 3\n");
	close(other);
	close(idle);
	tenant_end(&tenant);
}

static void callbacks_may_take_back(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);
	int other = lessee_join(shop);
	uint64_t lease;

	/* It makes room for the one who asks. */
	shop->revoke_in_request = tenant.lease;
	lessee_request(other, 1, "slice", 0);
	lease = lessee_take_grant(shop, other, 1, NULL);
	assert_revoked(shop, &tenant, BARLEASE_END_REVOKED);
	assert_journal(shop, "came 2\nend 1 5\ngrant 2\n");
	/* What was granted just now. */
	shop_offer(shop, "second", 1, 1, 0);
	shop->revoke_in_grant = 1;
	lessee_request(other, 2, "second", 0);
	lessee_take_grant(shop, other, 2, NULL);
	lessee_take_revoked(shop, other, 3, BARLEASE_END_REVOKED);
	assert_journal(shop, "grant 3\nend 3 5\n");
	/* Another one, and nothing else. */
	lessee_get(shop, other, "second", NULL);
	shop->recall_in_end = lease;
	lessee_release(other, 3, 4);
	lessee_take(shop, other, BARLEASE_PACKET_RELEASED, 3);
	lessee_take_revoked(shop, other, lease, BARLEASE_END_RECALLED);
	assert_int_equal(shop->depth_errors, 3);
	assert_journal(shop, "grant 4\nend 4 1\nend 2 4\n");
	close(other);
	tenant_end(&tenant);
}

static int request_found(void *context,
			 const struct barlease_server_lessee *lessee,
			 const struct barlease_server_request *request)
{
	(void)context;
	(void)lessee;
	(void)request;
	return 1;
}

/* What a callback takes back can be what shows that nobody listens. */
static void who_ends_while_he_asks_does_not_wait(void **state)
{
	struct shop *shop = *state;
	struct tenant tenant = tenant_make(shop, 0);
	int other = lessee_join(shop);
	uint64_t lease;

	shop_offer(shop, "second", 1, 1, 0);
	lease = lessee_get(shop, other, "second", NULL);
	assert_journal(shop, "came 2\ngrant 2\n");
	assert_int_equal(shutdown(other, SHUT_RD), 0);
	shop->revoke_in_request = lease;
	lessee_request(other, 1, "slice", FOR_EVER);
	shop_settle(shop);
	assert_journal(shop, "end 2 5\nrefuse slice 104\ngone 2\n");
	assert_int_equal(barlease_server_each_request(shop->server,
						      request_found, NULL),
			 0);
	close(other);
	tenant_end(&tenant);
}

static void numbers_of_leases_do_not_come_again(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	for (uint64_t i = 1; i < 200; i++) {
		assert_int_equal(lessee_get(shop, sock, "slice", NULL), i);
		lessee_release(sock, 1, i);
		lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 1);
	}
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(a_lease_ends_when_its_time_is_over),
		shop_test(who_releases_what_is_recalled_is_not_revoked),
		shop_test(who_does_not_release_it_in_time_is_revoked),
		shop_test(recalled_again_the_earlier_end_counts),
		shop_test(recalled_by_several_callbacks_the_earlier_end_counts),
		shop_test(recalled_without_a_grace_it_ends_at_once),
		shop_test(the_lessor_revokes_when_he_likes),
		shop_test(a_device_that_is_away_is_told_of_and_nothing_lent),
		shop_test(with_its_device_a_lease_ends),
		shop_test(with_the_server_everything_ends),
		shop_test(callbacks_may_take_back),
		shop_test(who_ends_while_he_asks_does_not_wait),
		shop_test(numbers_of_leases_do_not_come_again),
	};

	return cmocka_run_group_tests_name("server_end", tests, NULL, NULL);
}
