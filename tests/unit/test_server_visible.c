// SPDX-License-Identifier: MIT
/* What a lessee may not know of is not there for him. */
#include "server.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

/* Three on a socket, of which nobody may know the second. */
static uint64_t three_offer(struct shop *shop)
{
	shop_offer(shop, "first", 0, 1, 0);
	shop->hidden = shop_offer(shop, "second", 1, 1, 0);
	shop_offer(shop, "third", 2, 1, 0);
	return shop->hidden;
}

static void terms_repeat(struct shop *shop, uint64_t offer)
{
	const struct barlease_server_offer terms = {
		.name = "second",
		.bar = SIM_BAR,
		.range = { PAGE, PAGE },
	};

	assert_int_equal(barlease_server_change_offer(shop->server, offer,
						      &terms),
			 0);
}

static void a_list_leaves_out_what_is_hidden(void **state)
{
	struct shop *shop = *state;
	struct received received;
	int sock;

	three_offer(shop);
	sock = lessee_join(shop);
	lessee_list(sock, 1);
	received = lessee_take(shop, sock, BARLEASE_PACKET_OFFER, 1);
	assert_string_equal(received.packet.offer.name, "first");
	received = lessee_take(shop, sock, BARLEASE_PACKET_OFFER, 1);
	assert_string_equal(received.packet.offer.name, "third");
	received = lessee_take(shop, sock, BARLEASE_PACKET_LISTED, 1);
	assert_int_equal(received.packet.listed.offers, 2);
	close(sock);
}

/* Not even the words differ, from which one could learn that it is there. */
static void a_request_for_what_is_hidden_is_as_for_what_is_not_there(void **state)
{
	struct shop *shop = *state;
	const struct barlease_packet_request request = {
		.header = { sizeof(request), BARLEASE_PACKET_REQUEST, 1, 2, 0 },
		.name = "second",
		.minimum = UINT64_MAX,
	};
	struct received hidden, absent;
	int sock;

	three_offer(shop);
	sock = lessee_join(shop);
	lessee_request(sock, 1, "fourth", 0);
	absent = lessee_take(shop, sock, BARLEASE_PACKET_REFUSED, 1);
	lessee_request(sock, 1, "second", FOR_EVER);
	hidden = lessee_take(shop, sock, BARLEASE_PACKET_REFUSED, 1);
	assert_memory_equal(&hidden.packet, &absent.packet,
			    sizeof(absent.packet.refused));
	assert_int_equal(hidden.packet.refused.error, ENOENT);
	lessee_request_as(sock, &request);
	lessee_take_refused(shop, sock, 2, ENOENT);
	close(sock);
}

static void a_request_for_anything_gets_nothing_hidden(void **state)
{
	struct shop *shop = *state;
	uint64_t hidden = three_offer(shop);
	int sock;

	sock = lessee_join(shop);
	lessee_get(shop, sock, "", NULL);
	lessee_get(shop, sock, "", NULL);
	lessee_request(sock, 1, "", 0);
	lessee_take_refused(shop, sock, 1, EBUSY);
	lessee_request(sock, 2, "", FOR_EVER);
	lessee_take_queued(shop, sock, 2, 1);
	/* It is looked through for who waits, and still not his. */
	terms_repeat(shop, hidden);
	shop_settle(shop);
	lessee_take_nothing(shop, sock);
	shop->hidden = 0;
	terms_repeat(shop, hidden);
	lessee_take_grant(shop, sock, 2, NULL);
	close(sock);
}

static void a_request_for_anything_is_measured_by_what_is_seen(void **state)
{
	struct shop *shop = *state;
	const struct barlease_server_offer offer = {
		.name = "limited",
		.bar = SIM_BAR,
		.range = { 0, 2 * PAGE },
		.slice_size = PAGE,
		.max_per_uid = 1,
	};
	int sock;

	shop_offer_as(shop, &offer);
	shop->hidden = shop_offer(shop, "hidden", 2, 1, 0);
	sock = lessee_join(shop);
	lessee_get(shop, sock, "", NULL);
	lessee_request(sock, 1, "", FOR_EVER);
	lessee_take_refused(shop, sock, 1, EDQUOT);
	close(sock);
}

static void who_sees_nothing_is_offered_nothing(void **state)
{
	struct shop *shop = *state;
	struct received received;
	int sock;

	shop->hidden = shop_offer(shop, "only", 0, 1, 0);
	sock = lessee_join(shop);
	lessee_list(sock, 1);
	received = lessee_take(shop, sock, BARLEASE_PACKET_LISTED, 1);
	assert_int_equal(received.packet.listed.offers, 0);
	lessee_request(sock, 2, "", FOR_EVER);
	lessee_take_refused(shop, sock, 2, ENOENT);
	close(sock);
}

static void who_waits_for_what_becomes_hidden_is_refused(void **state)
{
	struct shop *shop = *state;
	uint64_t offer;
	int holder, sock;

	offer = three_offer(shop);
	shop->hidden = 0;
	holder = lessee_join(shop);
	sock = lessee_join(shop);
	lessee_get(shop, holder, "second", NULL);
	lessee_request(sock, 1, "second", FOR_EVER);
	lessee_take_queued(shop, sock, 1, 1);
	shop->hidden = offer;
	terms_repeat(shop, offer);
	lessee_take_refused(shop, sock, 1, ENOENT);
	/* A lease that is there stays: to take it back is the lessor's. */
	lessee_take_nothing(shop, holder);
	close(holder);
	close(sock);
}

static size_t groups_seen;

static int groups_find(void *context,
		       const struct barlease_server_lessee *lessee)
{
	gid_t group = *(const gid_t *)context;

	groups_seen = lessee->group_count;
	for (size_t i = 0; i < lessee->group_count; i++)
		if (lessee->groups[i] == group)
			return 1;
	return 0;
}

static void a_lessee_has_its_supplementary_groups(void **state)
{
	struct shop *shop = *state;
	const gid_t groups[] = { 4242, 4343, 4444 };
	gid_t last = 4444, none = 1;
	int sock;

	if (geteuid())
		skip();
	assert_int_equal(setgroups(3, groups), 0);
	sock = lessee_join(shop);
	shop_settle(shop);
	/* As they were when it came. */
	assert_int_equal(setgroups(0, NULL), 0);
	assert_int_equal(barlease_server_each_lessee(shop->server, groups_find,
						     &last),
			 1);
	assert_int_equal(groups_seen, 3);
	assert_int_equal(barlease_server_each_lessee(shop->server, groups_find,
						     &none),
			 0);
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(a_list_leaves_out_what_is_hidden),
		shop_test(a_request_for_what_is_hidden_is_as_for_what_is_not_there),
		shop_test(a_request_for_anything_gets_nothing_hidden),
		shop_test(a_request_for_anything_is_measured_by_what_is_seen),
		shop_test(who_sees_nothing_is_offered_nothing),
		shop_test(who_waits_for_what_becomes_hidden_is_refused),
		shop_test(a_lessee_has_its_supplementary_groups),
	};

	return cmocka_run_group_tests_name("server_visible", tests, NULL, NULL);
}
