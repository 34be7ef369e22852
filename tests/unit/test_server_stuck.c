// SPDX-License-Identifier: MIT
/* Leases that the kernel does not take back. */
#include "server.h"

#include <errno.h>
#include <unistd.h>

/* What revoking answers, how often; then it does what it should. */
static int answer;
static unsigned int times;
static bool done_all_the_same;

int __real_barlease_lease_revoke(struct barlease_device *dev, int fd);
int __wrap_barlease_lease_revoke(struct barlease_device *dev, int fd);
int __wrap_barlease_lease_revoke(struct barlease_device *dev, int fd)
{
	if (!times)
		return __real_barlease_lease_revoke(dev, fd);
	times--;
	if (done_all_the_same)
		__real_barlease_lease_revoke(dev, fd);
	return answer;
}

static void fail_with(int err, unsigned int how_often, bool done)
{
	answer = err;
	times = how_often;
	done_all_the_same = done;
}

static int stuck_visit(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_lease *lease)
{
	assert_null(lessee);
	assert_true(lease->stuck);
	++*(int *)context;
	return 0;
}

static int state_visit(void *context,
		       const struct barlease_server_offer_state *state)
{
	*(struct barlease_server_offer_state *)context = *state;
	return 0;
}

static void what_is_stuck_is_not_lent_again(void **state)
{
	struct barlease_server_offer_state offer;
	struct shop *shop = *state;
	int sock = lessee_join(shop);
	int count = 0;
	uint64_t lease;

	shop_offer(shop, "pool", 0, 2, 1);
	lease = lessee_get(shop, sock, "pool", NULL);
	fail_with(-EIO, 2, false);
	lessee_release(sock, 1, lease);
	lessee_take_refused(shop, sock, 1, EIO);
	assert_journal(shop, "came 1\ngrant 1\nend 1 1\nstuck 1 -5\n");
	/* It is not the lessee's any more. */
	lessee_release(sock, 2, lease);
	lessee_take_refused(shop, sock, 2, ENOENT);
	lessee_get(shop, sock, "pool", NULL);
	lessee_request(sock, 3, "pool", 0);
	lessee_take_refused(shop, sock, 3, EBUSY);
	barlease_server_each_offer(shop->server, state_visit, &offer);
	assert_int_equal(offer.stuck, 1);
	assert_int_equal(offer.leases, 1);
	assert_int_equal(offer.free, 0);
	lessee_release(sock, 4, 2);
	lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 4);
	barlease_server_each_lease(shop->server, stuck_visit, &count);
	assert_int_equal(count, 1);
	close(sock);
}

static void what_is_stuck_comes_free_when_it_is_taken_back(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);
	uint64_t lease;

	shop_offer(shop, "slice", 0, 1, 0);
	lease = lessee_get(shop, sock, "slice", NULL);
	fail_with(-EIO, 3, false);
	assert_int_equal(barlease_server_revoke(shop->server, lease,
						BARLEASE_END_REVOKED),
			 -EIO);
	lessee_take_revoked(shop, sock, lease, BARLEASE_END_REVOKED);
	lessee_request(sock, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, sock, 1, 1);
	assert_int_equal(barlease_server_recall(shop->server, lease, 0),
			 -ENOENT);
	/* One of the two tries fails. */
	assert_int_equal(barlease_server_revoke(shop->server, lease,
						BARLEASE_END_REVOKED),
			 0);
	lessee_take_grant(shop, sock, 1, NULL);
	assert_journal(shop, "came 1\ngrant 1\nend 1 5\nstuck 1 -5\n"
			     "grant 2\n");
	assert_int_equal(barlease_server_revoke(shop->server, lease,
						BARLEASE_END_REVOKED),
			 -ENOENT);
	close(sock);
}

/* An interrupted wait, or what was not copied back; EBADFD says so then. */
static void an_error_of_what_was_done_all_the_same_does_no_harm(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	fail_with(-EINTR, 1, true);
	lessee_release(sock, 1, 1);
	lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 1);
	lessee_get(shop, sock, "slice", NULL);
	close(sock);
}

static void an_offer_with_what_is_stuck_does_not_go(void **state)
{
	const struct barlease_server_offer again = {
		.name = "again",
		.bar = SIM_BAR,
		.range = { 0, PAGE },
	};
	struct shop *shop = *state;
	int sock = lessee_join(shop);
	uint64_t offer = shop_offer(shop, "slice", 0, 1, 0), id;

	lessee_get(shop, sock, "slice", NULL);
	fail_with(-EIO, 2, false);
	assert_int_equal(barlease_server_remove_offer(shop->server, offer, 0),
			 0);
	assert_journal(shop, "came 1\ngrant 1\nend 1 4\nstuck 1 -5\n");
	assert_int_equal(barlease_server_add_offer(shop->server, shop->device,
						   &again, &id),
			 -EBUSY);
	assert_int_equal(barlease_server_revoke(shop->server, 1,
						BARLEASE_END_REVOKED),
			 0);
	assert_journal(shop, "offer_gone 1\n");
	assert_int_equal(barlease_server_add_offer(shop->server, shop->device,
						   &again, &id),
			 0);
	close(sock);
}

static void what_is_stuck_ends_with_its_device(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	fail_with(-EIO, 2, false);
	close(sock);
	shop_settle(shop);
	assert_journal(shop, "came 1\ngrant 1\nend 1 2\nstuck 1 -5\ngone 1\n");
	assert_int_equal(barlease_server_remove_device(shop->server,
						       shop->device),
			 0);
	assert_journal(shop, "offer_gone 1\n");
	assert_int_equal(barlease_server_add_device(shop->server, shop->device),
			 0);
	shop_offer(shop, "slice", 0, 1, 0);
	sock = lessee_join(shop);
	lessee_get(shop, sock, "slice", NULL);
	/* And with the server. */
	fail_with(-EIO, 2, false);
	close(sock);
	shop_settle(shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(what_is_stuck_is_not_lent_again),
		shop_test(what_is_stuck_comes_free_when_it_is_taken_back),
		shop_test(
			an_error_of_what_was_done_all_the_same_does_no_harm),
		shop_test(an_offer_with_what_is_stuck_does_not_go),
		shop_test(what_is_stuck_ends_with_its_device),
	};

	return cmocka_run_group_tests_name("server_stuck", tests, NULL, NULL);
}
