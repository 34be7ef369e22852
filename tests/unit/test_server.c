// SPDX-License-Identifier: MIT
/* A lease server: what it offers, lends and gets back. */
#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)

static void what_is_asked_for_is_lent(void **state)
{
	struct shop *shop = *state;
	struct received received;
	struct barlease_map map;
	int sock, fd;

	shop_offer(shop, "pool", 8, 4, 2);
	sock = lessee_join(shop);
	lessee_request(sock, 7, "pool", 0);
	received = lessee_take(shop, sock, BARLEASE_PACKET_GRANT, 7);
	assert_int_equal(received.packet.grant.lease, 1);
	assert_string_equal(received.packet.grant.name, "pool");
	assert_int_equal(received.packet.grant.index, 0);
	assert_int_equal(received.packet.grant.bar, SIM_BAR);
	assert_int_equal(received.packet.grant.offset, 8 * PAGE);
	assert_int_equal(received.packet.grant.size, 2 * PAGE);
	assert_int_equal(received.packet.grant.access, BARLEASE_READ_WRITE);
	assert_int_equal(received.packet.grant.attribute, BARLEASE_NON_CACHED);
	assert_int_equal(received.packet.grant.time_limit, 0);
	*sim_map(received.fd, RW, &map) = 0x1234;
	assert_int_equal(sim_read(shop->device, 8 * PAGE), 0x1234);
	barlease_map_end(&map);
	close(received.fd);

	lessee_request(sock, 8, "pool", 0);
	received = lessee_take(shop, sock, BARLEASE_PACKET_GRANT, 8);
	assert_int_equal(received.packet.grant.lease, 2);
	assert_int_equal(received.packet.grant.index, 1);
	assert_int_equal(received.packet.grant.offset, 10 * PAGE);
	fd = received.fd;
	assert_journal(shop, "came 1\ngrant 1\ngrant 2\n");
	close(fd);
	close(sock);
	shop_settle(shop);
	assert_journal(shop, "end 1 2\nend 2 2\ngone 1\n");
}

static void what_is_released_is_gone_when_that_is_told(void **state)
{
	struct shop *shop = *state;
	volatile uint32_t *word;
	struct barlease_map map;
	struct received received;
	uint64_t lease;
	int sock, fd;

	shop_offer(shop, "slice", 0, 1, 0);
	sock = lessee_join(shop);
	lease = lessee_get(shop, sock, "slice", &fd);
	word = sim_map(fd, RW, &map);
	lessee_release(sock, 5, lease);
	received = lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 5);
	assert_int_equal(received.packet.released.lease, lease);
	assert_sigbus(word);
	barlease_map_end(&map);
	close(fd);
	assert_true(lessee_get(shop, sock, "slice", NULL) != lease);
	assert_journal(shop, "came 1\ngrant 1\nend 1 1\ngrant 2\n");
	close(sock);
}

/* The first has nothing any more when the second has its GRANT. */
static void it_is_taken_back_before_it_is_lent_again(void **state)
{
	struct shop *shop = *state;
	volatile uint32_t *word;
	struct barlease_map map;
	int first, second, fd;

	shop_offer(shop, "slice", 0, 1, 0);
	first = lessee_join(shop);
	second = lessee_join(shop);
	lessee_get(shop, first, "slice", &fd);
	word = sim_map(fd, RW, &map);
	lessee_request(second, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, second, 1, 1);
	close(first);
	lessee_take_grant(shop, second, 1, NULL);
	assert_sigbus(word);
	barlease_map_end(&map);
	close(fd);
	close(second);
}

static void a_list_tells_what_there_is(void **state)
{
	struct shop *shop = *state;
	const struct barlease_server_offer offer = {
		.name = "some",
		.bar = SIM_BAR,
		.range = { 16 * PAGE, 8 * PAGE },
		.slice_size = 2 * PAGE,
		.access = BARLEASE_READ_ONLY,
		.attribute = BARLEASE_WRITE_COMBINING,
		.sharers = 2,
		.time_limit = 500,
	};
	struct received received;
	int sock;

	shop_offer(shop, "one", 0, 3, 0);
	shop_offer_as(shop, &offer);
	sock = lessee_join(shop);
	lessee_get(shop, sock, "one", NULL);
	lessee_request(sock, 1, "one", FOR_EVER);
	lessee_take_queued(shop, sock, 1, 1);
	lessee_list(sock, 9);
	received = lessee_take(shop, sock, BARLEASE_PACKET_OFFER, 9);
	assert_string_equal(received.packet.offer.name, "one");
	assert_int_equal(received.packet.offer.size, 3 * PAGE);
	assert_int_equal(received.packet.offer.slices, 1);
	assert_int_equal(received.packet.offer.free, 0);
	assert_int_equal(received.packet.offer.waiting, 1);
	assert_int_equal(received.packet.offer.flags, 0);
	assert_int_equal(received.packet.offer.time_limit, 0);
	received = lessee_take(shop, sock, BARLEASE_PACKET_OFFER, 9);
	assert_string_equal(received.packet.offer.name, "some");
	assert_int_equal(received.packet.offer.size, 2 * PAGE);
	assert_int_equal(received.packet.offer.slices, 4);
	assert_int_equal(received.packet.offer.free, 4);
	assert_int_equal(received.packet.offer.waiting, 0);
	assert_int_equal(received.packet.offer.flags,
			 BARLEASE_OFFER_SHARED | BARLEASE_OFFER_READ_ONLY |
				 BARLEASE_OFFER_WRITE_COMBINING);
	assert_int_equal(received.packet.offer.time_limit, 500);
	received = lessee_take(shop, sock, BARLEASE_PACKET_LISTED, 9);
	assert_int_equal(received.packet.listed.offers, 2);
	lessee_take_nothing(shop, sock);
	close(sock);
}

static void a_shared_slice_is_lent_to_several(void **state)
{
	struct shop *shop = *state;
	const struct barlease_server_offer offer = {
		.name = "shared",
		.bar = SIM_BAR,
		.range = { 0, 2 * PAGE },
		.slice_size = PAGE,
		.sharers = 2,
	};
	struct received received;
	unsigned int given[2] = { 0 };
	int sock;

	shop_offer_as(shop, &offer);
	sock = lessee_join(shop);
	for (uint32_t i = 1; i <= 4; i++) {
		lessee_request(sock, i, "shared", 0);
		received = lessee_take(shop, sock, BARLEASE_PACKET_GRANT, i);
		given[received.packet.grant.index]++;
		close(received.fd);
	}
	assert_int_equal(given[0], 2);
	assert_int_equal(given[1], 2);
	lessee_request(sock, 5, "shared", 0);
	lessee_take_refused(shop, sock, 5, EBUSY);
	lessee_release(sock, 6, 3);
	lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 6);
	lessee_get(shop, sock, "shared", NULL);
	close(sock);
}

static void each_socket_offers_its_own(void **state)
{
	struct shop *shop = *state;
	uint64_t own, other, listener;
	char path[80];
	int here, there;

	own = shop_offer(shop, "own", 0, 1, 0);
	other = shop_offer(shop, "other", 1, 1, 0);
	strcpy(path, shop->path);
	strcat(path, "-2");
	assert_int_equal(barlease_server_listen(shop->server, path, 0600,
						&listener),
			 0);
	assert_int_equal(barlease_server_hide_offer(shop->server, other,
						    shop->listener),
			 0);
	assert_int_equal(barlease_server_show_offer(shop->server, other,
						    listener),
			 0);
	here = lessee_join(shop);
	there = lessee_join_at(shop, path);
	lessee_request(here, 1, "other", 0);
	lessee_take_refused(shop, here, 1, ENOENT);
	lessee_request(there, 1, "own", 0);
	lessee_take_refused(shop, there, 1, ENOENT);
	lessee_get(shop, here, "own", NULL);
	lessee_get(shop, there, "other", NULL);
	lessee_request(here, 2, "", 0);
	lessee_take_refused(shop, here, 2, EBUSY);
	/* One on both. */
	assert_int_equal(barlease_server_show_offer(shop->server, own,
						    listener),
			 0);
	lessee_request(there, 2, "own", 0);
	lessee_take_refused(shop, there, 2, EBUSY);
	close(here);
	shop_settle(shop);
	lessee_get(shop, there, "own", NULL);
	close(there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(what_is_asked_for_is_lent),
		shop_test(what_is_released_is_gone_when_that_is_told),
		shop_test(it_is_taken_back_before_it_is_lent_again),
		shop_test(a_list_tells_what_there_is),
		shop_test(a_shared_slice_is_lent_to_several),
		shop_test(each_socket_offers_its_own),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
