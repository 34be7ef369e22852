// SPDX-License-Identifier: MIT
/* What a lessor sets up: devices, offers and sockets, and changes of them. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct barlease_server_offer good = {
	.name = "good",
	.bar = SIM_BAR,
	.range = { 0, 4 * PAGE },
	.slice_size = PAGE,
};

static int add(struct shop *shop, const struct barlease_server_offer *offer)
{
	uint64_t id;

	return barlease_server_add_offer(shop->server, shop->device, offer,
					 &id);
}

/* BARs that only the lessor may read, as VFIO has them. */
static bool unmappable;

int __real_barlease_region_get(struct barlease_device *dev, unsigned int index,
			       struct barlease_region *region);
int __wrap_barlease_region_get(struct barlease_device *dev, unsigned int index,
			       struct barlease_region *region);
int __wrap_barlease_region_get(struct barlease_device *dev, unsigned int index,
			       struct barlease_region *region)
{
	int err = __real_barlease_region_get(dev, index, region);

	if (unmappable)
		region->mappable = false;
	return err;
}

static void only_what_can_be_lent_is_offered(void **state)
{
	struct shop *shop = *state;
	struct barlease_server_offer bad;
	char name[BARLEASE_NAME_SIZE + 1] = "";

#define ASSERT_BAD(member, value, err)                     \
	do {                                               \
		bad = good;                                \
		bad.member = value;                        \
		assert_int_equal(add(shop, &bad), err);    \
	} while (0)
	ASSERT_BAD(name, NULL, -EINVAL);
	ASSERT_BAD(name, "", -EINVAL);
	ASSERT_BAD(name, "a\nb", -EINVAL);
	memset(name, 'x', BARLEASE_NAME_SIZE);
	ASSERT_BAD(name, name, -ENAMETOOLONG);
	ASSERT_BAD(bar, 6, -EINVAL);
	ASSERT_BAD(bar, SIM_SMALL_BAR, -EINVAL);
	ASSERT_BAD(bar, 1, -EINVAL);
	ASSERT_BAD(range.offset, 1, -EINVAL);
	ASSERT_BAD(range.length, 0, -EINVAL);
	ASSERT_BAD(range.length, PAGE + 1, -EINVAL);
	ASSERT_BAD(range.offset, (SIM_PAGES - 3) * PAGE, -EINVAL);
	ASSERT_BAD(range.offset, -(uint64_t)PAGE, -EINVAL);
	ASSERT_BAD(slice_size, 100, -EINVAL);
	ASSERT_BAD(slice_size, 3 * PAGE, -EINVAL);
	ASSERT_BAD(access, 2, -EINVAL);
	ASSERT_BAD(attribute, 2, -EINVAL);
	bad = good;
	bad.bar = SIM_HUGE_BAR;
	bad.range.length = (BARLEASE_POOL_MAX + 1) * (uint64_t)PAGE;
	assert_int_equal(add(shop, &bad), -E2BIG);
	unmappable = true;
	assert_int_equal(add(shop, &good), -EINVAL);
	unmappable = false;
	assert_int_equal(barlease_server_add_offer(shop->server, NULL, &good,
						   &(uint64_t){ 0 }),
			 -ENOENT);
	name[BARLEASE_NAME_SIZE - 1] = '\0';
	bad = good;
	bad.name = name;
	assert_int_equal(add(shop, &bad), 0);
}

static void the_same_page_is_not_offered_twice(void **state)
{
	struct shop *shop = *state;
	struct barlease_server_offer other = good;

	assert_int_equal(add(shop, &good), 0);
	other.name = "other";
	other.slice_size = 0;
	other.range = (struct barlease_range){ 3 * PAGE, 2 * PAGE };
	assert_int_equal(add(shop, &other), -EEXIST);
	other.range.offset = 4 * PAGE;
	assert_int_equal(add(shop, &other), 0);
	other.bar = SIM_HUGE_BAR;
	assert_int_equal(add(shop, &other), 0);
	other.range.offset = PAGE;
	assert_int_equal(add(shop, &other), 0);
}

static void the_msix_table_is_offered_to_who_insists_alone(void **state)
{
	const struct barlease_sim_terms terms = {
		.name = "sim:msix",
		.bar_size = { [SIM_BAR] = 4 * PAGE },
		.msix = { .vectors = 4,
			  .table_bar = SIM_BAR,
			  .table = { .offset = 2 * PAGE },
			  .pba_bar = SIM_BAR,
			  .pba = { .offset = 3 * PAGE } },
	};
	struct shop *shop = *state;
	struct barlease_server_offer offer = good;
	struct barlease_device *device;
	uint64_t id;
	int sock;

	assert_int_equal(barlease_device_open_sim(&terms, &device), 0);
	assert_int_equal(barlease_server_add_device(shop->server, device), 0);
	assert_int_equal(barlease_server_add_device(shop->server, device),
			 -EEXIST);
	assert_int_equal(barlease_server_add_offer(shop->server, device, &offer,
						   &id),
			 -EPERM);
	offer.over_msix = true;
	assert_int_equal(barlease_server_add_offer(shop->server, device, &offer,
						   &id),
			 0);
	assert_int_equal(barlease_server_show_offer(shop->server, id,
						    shop->listener),
			 0);
	sock = lessee_join(shop);
	for (unsigned int i = 0; i < 4; i++)
		lessee_get(shop, sock, "good", NULL);
	assert_int_equal(barlease_server_remove_device(shop->server, device),
			 0);
	for (uint64_t i = 1; i <= 4; i++)
		lessee_take_revoked(shop, sock, i, BARLEASE_END_REVOKED);
	assert_int_equal(barlease_server_remove_device(shop->server, device),
			 -ENOENT);
	assert_int_equal(barlease_server_device_lost(shop->server, device),
			 -ENOENT);
	assert_int_equal(barlease_server_device_away(shop->server, device),
			 -ENOENT);
	barlease_device_close(device);
	close(sock);
}

static void new_terms_are_for_what_comes(void **state)
{
	struct shop *shop = *state;
	struct barlease_server_offer terms = good;
	uint64_t id = shop_offer_as(shop, &terms);
	int sock = lessee_join(shop);
	struct received received;

	lessee_get(shop, sock, "good", NULL);
	lessee_get(shop, sock, "good", NULL);
	terms.max_per_uid = 1;
	assert_int_equal(barlease_server_change_offer(shop->server, id, &terms),
			 0);
	lessee_take_nothing(shop, sock);
	lessee_request(sock, 1, "good", 0);
	lessee_take_refused(shop, sock, 1, EDQUOT);
	terms.max_per_uid = 0;
	terms.time_limit = 77;
	assert_int_equal(barlease_server_change_offer(shop->server, id, &terms),
			 0);
	lessee_request(sock, 1, "good", 0);
	received = lessee_take(shop, sock, BARLEASE_PACKET_GRANT, 1);
	assert_int_equal(received.packet.grant.time_limit, 77);
	close(received.fd);
	lessee_get(shop, sock, "good", NULL);
	/* More may share it, and one who waits does. */
	lessee_request(sock, 2, "good", FOR_EVER);
	lessee_take_queued(shop, sock, 2, 1);
	terms.sharers = 2;
	assert_int_equal(barlease_server_change_offer(shop->server, id, &terms),
			 0);
	lessee_take_grant(shop, sock, 2, NULL);
	assert_int_equal(barlease_server_change_offer(shop->server, 99, &terms),
			 -ENOENT);
	terms.access = 2;
	assert_int_equal(barlease_server_change_offer(shop->server, id, &terms),
			 -EINVAL);
	close(sock);
}

static void what_an_offer_is_cannot_change(void **state)
{
	struct shop *shop = *state;
	struct barlease_server_offer other;
	uint64_t id = shop_offer_as(shop, &good);

#define ASSERT_SAME(member, value)                                          \
	do {                                                                \
		other = good;                                               \
		other.member = value;                                       \
		assert_int_equal(barlease_server_change_offer(shop->server, \
							      id, &other),  \
				 -EINVAL);                                  \
	} while (0)
	ASSERT_SAME(name, "other");
	ASSERT_SAME(name, NULL);
	ASSERT_SAME(bar, SIM_HUGE_BAR);
	ASSERT_SAME(range.offset, PAGE);
	ASSERT_SAME(range.length, 2 * PAGE);
	ASSERT_SAME(slice_size, 2 * PAGE);
	ASSERT_SAME(over_msix, true);
}

static void who_waits_for_what_is_not_allowed_any_more_is_refused(void **state)
{
	struct shop *shop = *state;
	struct barlease_server_offer terms = good;
	struct barlease_packet_request reader = {
		.header.serial = 3,
		.name = "good",
		.access = BARLEASE_READ_ONLY,
		.wait = FOR_EVER,
	};
	int sock = lessee_join(shop);
	uint64_t id;

	terms.slice_size = 0;
	id = shop_offer_as(shop, &terms);
	lessee_get(shop, sock, "good", NULL);
	lessee_request(sock, 1, "good", FOR_EVER);
	lessee_request(sock, 2, "", FOR_EVER);
	lessee_request_as(sock, &reader);
	lessee_take_queued(shop, sock, 1, 1);
	lessee_take_queued(shop, sock, 2, 1);
	lessee_take_queued(shop, sock, 3, 2);
	terms.access = BARLEASE_READ_ONLY;
	assert_int_equal(barlease_server_change_offer(shop->server, id, &terms),
			 0);
	lessee_take_refused(shop, sock, 1, EACCES);
	lessee_take_refused(shop, sock, 2, EACCES);
	lessee_take_queued(shop, sock, 3, 1);
	close(sock);
}

static void what_is_removed_is_recalled_and_then_goes(void **state)
{
	struct shop *shop = *state;
	uint64_t id = shop_offer(shop, "slice", 0, 1, 0);
	const struct barlease_server_offer again = {
		.name = "slice",
		.bar = SIM_BAR,
		.range = { 0, PAGE },
	};
	int sock = lessee_join(shop);

	lessee_get(shop, sock, "slice", NULL);
	lessee_request(sock, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, sock, 1, 1);
	assert_int_equal(barlease_server_remove_offer(shop->server, id, 100),
			 0);
	lessee_take_refused(shop, sock, 1, ENOENT);
	lessee_take(shop, sock, BARLEASE_PACKET_RECALLED, 0);
	assert_int_equal(barlease_server_remove_offer(shop->server, id, 100),
			 -ENOENT);
	lessee_request(sock, 1, "slice", FOR_EVER);
	lessee_take_refused(shop, sock, 1, ENOENT);
	assert_int_equal(add(shop, &again), -EBUSY);
	assert_int_equal(barlease_server_show_offer(shop->server, id,
						    shop->listener),
			 -ENOENT);
	shop_pass(shop, 100);
	lessee_take_revoked(shop, sock, 1, BARLEASE_END_RECALLED);
	assert_journal(shop, "came 1\ngrant 1\nrefuse slice 2\nrecall 1 100\n"
			     "refuse slice 2\nend 1 4\noffer_gone 1\n");
	/* This one may last. */
	id = shop_offer_as(shop, &again);
	lessee_get(shop, sock, "slice", NULL);
	assert_int_equal(barlease_server_remove_offer(shop->server, id,
						      FOR_EVER),
			 0);
	shop_pass(shop, 1000000);
	lessee_take_nothing(shop, sock);
	lessee_release(sock, 2, 2);
	lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 2);
	assert_journal(shop, "grant 2\nend 2 1\noffer_gone 2\n");
	close(sock);
}

static void what_is_hidden_is_not_waited_for(void **state)
{
	struct shop *shop = *state;
	uint64_t id = shop_offer(shop, "slice", 0, 1, 0);
	uint64_t other = shop_offer(shop, "other", 1, 1, 0);
	int sock = lessee_join(shop);

	lessee_get(shop, sock, "slice", NULL);
	lessee_get(shop, sock, "other", NULL);
	lessee_request(sock, 1, "slice", FOR_EVER);
	lessee_request(sock, 2, "", FOR_EVER);
	lessee_take_queued(shop, sock, 1, 1);
	lessee_take_queued(shop, sock, 2, 1);
	assert_int_equal(barlease_server_hide_offer(shop->server, id,
						    shop->listener),
			 0);
	lessee_take_refused(shop, sock, 1, ENOENT);
	lessee_take_nothing(shop, sock);
	assert_int_equal(barlease_server_hide_offer(shop->server, id,
						    shop->listener),
			 -ENOENT);
	assert_int_equal(barlease_server_show_offer(shop->server, other,
						    shop->listener),
			 -EALREADY);
	assert_int_equal(barlease_server_hide_offer(shop->server, other,
						    shop->listener),
			 0);
	lessee_take_refused(shop, sock, 2, ENOENT);
	/* What is lent stays lent. */
	shop_pass(shop, 1000000);
	lessee_take_nothing(shop, sock);
	close(sock);
}

static void a_name_is_one_offer_on_each_socket(void **state)
{
	struct shop *shop = *state;
	struct barlease_server_offer same = good;
	uint64_t id;

	shop_offer_as(shop, &good);
	same.range.offset = 8 * PAGE;
	assert_int_equal(barlease_server_add_offer(shop->server, shop->device,
						   &same, &id),
			 0);
	assert_int_equal(barlease_server_show_offer(shop->server, id,
						    shop->listener),
			 -EEXIST);
	assert_int_equal(barlease_server_hide_offer(shop->server, id,
						    shop->listener),
			 -ENOENT);
	assert_int_equal(barlease_server_show_offer(shop->server, id, 99),
			 -ENOENT);
}

/* What it has and waits for by a socket that is closed. */
static void with_its_socket_a_lessee_keeps_what_it_has(void **state)
{
	struct shop *shop = *state;
	struct stat status;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	lessee_request(sock, 1, "slice", FOR_EVER);
	lessee_request(sock, 2, "", FOR_EVER);
	lessee_take_queued(shop, sock, 1, 1);
	lessee_take_queued(shop, sock, 2, 1);
	assert_int_equal(barlease_server_unlisten(shop->server, shop->listener),
			 0);
	assert_int_equal(stat(shop->path, &status), -1);
	lessee_take_refused(shop, sock, 1, ENOENT);
	lessee_take_refused(shop, sock, 2, ENOENT);
	lessee_request(sock, 3, "slice", FOR_EVER);
	lessee_take_refused(shop, sock, 3, ENOENT);
	lessee_list(sock, 4);
	lessee_take(shop, sock, BARLEASE_PACKET_LISTED, 4);
	lessee_release(sock, 5, 1);
	lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 5);
	assert_int_equal(barlease_server_unlisten(shop->server, shop->listener),
			 -ENOENT);
	close(sock);
	shop_settle(shop);
}

/* An offer that goes while it is about to be told is left out. */
static void a_list_passes_what_is_hidden_meanwhile(void **state)
{
	struct shop *shop = *state;
	struct received received;
	uint64_t ids[60], shown = 0, packets = 0;
	char name[16];
	int sock = lessee_join(shop);

	for (unsigned int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "slice%u", i);
		ids[i] = shop_offer(shop, name, i, 1, 0);
	}
	/* Until it takes no more, in the midst of a list. */
	for (uint32_t i = 0; i < 10; i++)
		lessee_list(sock, i + 1);
	shop_settle(shop);
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(barlease_server_hide_offer(shop->server,
							    ids[i],
							    shop->listener),
				 0);
	while (!barlease_packet_receive(sock, &received)) {
		packets++;
		if (received.packet.header.type == BARLEASE_PACKET_LISTED) {
			assert_int_equal(received.packet.listed.offers, shown);
			shown = 0;
		} else {
			shown++;
		}
		shop_settle(shop);
	}
	assert_int_equal(shown, 0);
	assert_true(packets > 10 && packets < 610);
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(only_what_can_be_lent_is_offered),
		shop_test(the_same_page_is_not_offered_twice),
		shop_test(the_msix_table_is_offered_to_who_insists_alone),
		shop_test(new_terms_are_for_what_comes),
		shop_test(what_an_offer_is_cannot_change),
		shop_test(
			who_waits_for_what_is_not_allowed_any_more_is_refused),
		shop_test(what_is_removed_is_recalled_and_then_goes),
		shop_test(what_is_hidden_is_not_waited_for),
		shop_test(a_name_is_one_offer_on_each_socket),
		shop_test(with_its_socket_a_lessee_keeps_what_it_has),
		shop_test(a_list_passes_what_is_hidden_meanwhile),
	};

	return cmocka_run_group_tests_name("server_policy", tests, NULL, NULL);
}
