// SPDX-License-Identifier: MIT
/* Requests that wait: their order, their positions, and their ends. */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WAITERS 5

/* A slice that is lent, and requests that wait for it. */
struct crowd {
	int holder;
	int waiters[WAITERS];
};

static struct crowd crowd_make(struct shop *shop)
{
	struct crowd crowd = { .holder = lessee_join(shop) };

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, crowd.holder, "slice", NULL);
	for (uint32_t i = 0; i < WAITERS; i++) {
		crowd.waiters[i] = lessee_join(shop);
		lessee_request(crowd.waiters[i], 1, "slice", FOR_EVER);
		lessee_take_queued(shop, crowd.waiters[i], 1, i + 1);
	}
	return crowd;
}

static void crowd_end(const struct crowd *crowd)
{
	close(crowd->holder);
	for (unsigned int i = 0; i < WAITERS; i++)
		close(crowd->waiters[i]);
}

static void who_came_first_is_served_first(void **state)
{
	struct shop *shop = *state;
	struct crowd crowd = crowd_make(shop);
	uint64_t lease = 1;

	for (unsigned int i = 0; i < WAITERS; i++) {
		int before = i ? crowd.waiters[i - 1] : crowd.holder;

		lessee_release(before, 2, lease);
		lessee_take(shop, before, BARLEASE_PACKET_RELEASED, 2);
		lease = lessee_take_grant(shop, crowd.waiters[i], 1, NULL);
		for (unsigned int j = i + 1; j < WAITERS; j++) {
			lessee_take_queued(shop, crowd.waiters[j], 1, j - i);
			lessee_take_nothing(shop, crowd.waiters[j]);
		}
	}
	crowd_end(&crowd);
}

static void those_behind_move_up_and_others_do_not(void **state)
{
	struct shop *shop = *state;
	struct crowd crowd = crowd_make(shop);

	close(crowd.waiters[2]);
	lessee_take_queued(shop, crowd.waiters[3], 1, 3);
	lessee_take_queued(shop, crowd.waiters[4], 1, 4);
	lessee_take_nothing(shop, crowd.waiters[0]);
	lessee_take_nothing(shop, crowd.waiters[1]);
	crowd.waiters[2] = lessee_join(shop);
	lessee_request(crowd.waiters[2], 1, "slice", FOR_EVER);
	lessee_take_queued(shop, crowd.waiters[2], 1, 5);
	lessee_take_nothing(shop, crowd.waiters[4]);
	crowd_end(&crowd);
}

static void who_cancels_is_told_and_waits_no_longer(void **state)
{
	struct shop *shop = *state;
	struct crowd crowd = crowd_make(shop);

	lessee_cancel(crowd.waiters[0], 7, 1);
	lessee_take_refused(shop, crowd.waiters[0], 1, ECANCELED);
	lessee_take_queued(shop, crowd.waiters[1], 1, 1);
	/* It is not there any more, or never was; no answer. */
	lessee_cancel(crowd.waiters[0], 8, 1);
	lessee_cancel(crowd.waiters[0], 9, 4711);
	lessee_take_nothing(shop, crowd.waiters[0]);
	/* Others have requests of that serial, which are theirs. */
	lessee_release(crowd.holder, 2, 1);
	lessee_take_grant(shop, crowd.waiters[1], 1, NULL);
	crowd_end(&crowd);
}

static void nobody_waits_longer_than_he_wants(void **state)
{
	struct shop *shop = *state;
	int holder = lessee_join(shop);
	int waiter = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, holder, "slice", NULL);
	lessee_request(waiter, 1, "slice", 100);
	lessee_request(waiter, 2, "slice", 50);
	lessee_request(waiter, 3, "", FOR_EVER);
	lessee_request(waiter, 4, "slice", FOR_EVER - 1);
	lessee_take_queued(shop, waiter, 1, 1);
	lessee_take_queued(shop, waiter, 2, 2);
	lessee_take_queued(shop, waiter, 3, 1);
	lessee_take_queued(shop, waiter, 4, 3);
	shop_pass(shop, 49);
	lessee_take_nothing(shop, waiter);
	shop_pass(shop, 1);
	lessee_take_refused(shop, waiter, 2, ETIMEDOUT);
	lessee_take_queued(shop, waiter, 4, 2);
	shop_pass(shop, 50);
	lessee_take_refused(shop, waiter, 1, ETIMEDOUT);
	lessee_take_queued(shop, waiter, 4, 1);
	shop_pass(shop, 1000 * 1000 * 1000);
	lessee_take_nothing(shop, waiter);
	/* First the one that came first. */
	close(holder);
	lessee_take_grant(shop, waiter, 3, NULL);
	lessee_release(waiter, 9, 2);
	lessee_take(shop, waiter, BARLEASE_PACKET_RELEASED, 9);
	lessee_take_grant(shop, waiter, 4, NULL);
	close(waiter);
}

static void what_comes_free_goes_to_who_can_use_it(void **state)
{
	struct shop *shop = *state;
	struct barlease_packet_request large = {
		.header.serial = 1,
		.minimum = 2 * PAGE,
		.wait = FOR_EVER,
	};
	int holder = lessee_join(shop);
	int waiter = lessee_join(shop);

	shop_offer(shop, "small", 0, 1, 0);
	shop_offer(shop, "large", 2, 2, 0);
	lessee_get(shop, holder, "small", NULL);
	lessee_get(shop, holder, "large", NULL);
	lessee_request_as(waiter, &large);
	lessee_take_queued(shop, waiter, 1, 1);
	lessee_request(waiter, 2, "", FOR_EVER);
	lessee_take_queued(shop, waiter, 2, 2);
	lessee_release(holder, 2, 1);
	lessee_take_grant(shop, waiter, 2, NULL);
	lessee_release(holder, 3, 2);
	lessee_take_grant(shop, waiter, 1, NULL);
	close(holder);
	close(waiter);
}

static void anything_and_a_name_are_served_by_arrival(void **state)
{
	struct shop *shop = *state;
	int holder = lessee_join(shop);
	int waiter = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, holder, "slice", NULL);
	lessee_request(waiter, 1, "slice", FOR_EVER);
	lessee_request(waiter, 2, "", FOR_EVER);
	lessee_request(waiter, 3, "slice", FOR_EVER);
	lessee_take_queued(shop, waiter, 1, 1);
	lessee_take_queued(shop, waiter, 2, 1);
	lessee_take_queued(shop, waiter, 3, 2);
	close(holder);
	lessee_take_grant(shop, waiter, 1, NULL);
	lessee_take_queued(shop, waiter, 3, 1);
	lessee_release(waiter, 4, 2);
	lessee_take(shop, waiter, BARLEASE_PACKET_RELEASED, 4);
	lessee_take_grant(shop, waiter, 2, NULL);
	lessee_release(waiter, 5, 3);
	lessee_take(shop, waiter, BARLEASE_PACKET_RELEASED, 5);
	lessee_take_grant(shop, waiter, 3, NULL);
	close(waiter);
}

/* What others wait for may be what it must not know of. */
static void who_waits_for_anything_is_told_of_itself_alone(void **state)
{
	struct shop *shop = *state;
	int holder = lessee_join(shop);
	int other = lessee_join(shop);
	int waiter = lessee_join(shop);
	struct received received;

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, holder, "slice", NULL);
	lessee_request(other, 1, "", FOR_EVER);
	lessee_take_queued(shop, other, 1, 1);
	lessee_request(waiter, 1, "", FOR_EVER);
	lessee_take_queued(shop, waiter, 1, 1);
	lessee_request(waiter, 2, "slice", FOR_EVER);
	lessee_take_queued(shop, waiter, 2, 1);
	lessee_request(waiter, 3, "", FOR_EVER);
	lessee_take_queued(shop, waiter, 3, 2);
	lessee_list(waiter, 4);
	received = lessee_take(shop, waiter, BARLEASE_PACKET_OFFER, 4);
	assert_int_equal(received.packet.offer.waiting, 1);
	lessee_take(shop, waiter, BARLEASE_PACKET_LISTED, 4);
	lessee_cancel(other, 2, 1);
	lessee_take_refused(shop, other, 1, ECANCELED);
	lessee_take_nothing(shop, waiter);
	lessee_cancel(waiter, 5, 1);
	lessee_take_refused(shop, waiter, 1, ECANCELED);
	lessee_take_queued(shop, waiter, 3, 1);
	lessee_take_nothing(shop, waiter);
	close(holder);
	close(other);
	close(waiter);
}

#define MANY 400

/* A queue is gone through in pieces; who leaves meanwhile counts at once. */
static void nobody_is_told_a_position_that_is_past(void **state)
{
	struct shop *shop = *state;
	int socks[MANY / BARLEASE_REQUESTS_MAX];
	int holder = lessee_join(shop);
	struct received received;
	int *last = &socks[MANY / BARLEASE_REQUESTS_MAX - 1];
	struct pollfd poller = {
		.fd = barlease_server_get_fd(shop->server),
		.events = POLLIN,
	};

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, holder, "slice", NULL);
	for (uint32_t i = 0; i < MANY; i++) {
		int *sock = &socks[i / BARLEASE_REQUESTS_MAX];

		if (i % BARLEASE_REQUESTS_MAX == 0)
			*sock = lessee_join(shop);
		lessee_request(*sock, i + 1, "slice", FOR_EVER);
		lessee_take_queued(shop, *sock, i + 1, i + 1);
	}
	lessee_cancel(socks[0], MANY + 1, 1);
	assert_int_equal(barlease_server_dispatch(shop->server), 1);
	/* Not that far yet, which the fd tells. */
	assert_int_equal(poll(&poller, 1, 0), 1);
	assert_int_equal(barlease_packet_receive(*last, &received), -EAGAIN);
	lessee_cancel(socks[0], MANY + 2, 2);
	assert_int_equal(barlease_server_dispatch(shop->server), 1);
	for (uint32_t i = MANY - BARLEASE_REQUESTS_MAX; i < MANY; i++) {
		assert_int_equal(barlease_packet_receive(*last, &received), 0);
		assert_int_equal(received.packet.header.serial, i + 1);
		assert_int_equal(received.packet.queued.position, i - 1);
	}
	lessee_take_nothing(shop, *last);
	assert_int_equal(poll(&poller, 1, 0), 0);
	close(holder);
	for (unsigned int i = 0; i < MANY / BARLEASE_REQUESTS_MAX; i++)
		close(socks[i]);
}

/* It gets the last position, however often that has changed meanwhile. */
static void who_reads_slowly_gets_the_latest_position(void **state)
{
	struct shop *shop = *state;
	unsigned int read = 0;
	int holder, slow;
	struct received received;
	struct rlimit limit;
	uint32_t last = 0;
	int others[1000];

	/* Three fds for each. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < 4096)
		skip();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	holder = lessee_join(shop);
	slow = lessee_join(shop);
	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, holder, "slice", NULL);
	for (unsigned int i = 0; i < 1000; i++) {
		others[i] = lessee_join(shop);
		lessee_request(others[i], 1, "slice", FOR_EVER);
	}
	shop_settle(shop);
	lessee_request(slow, 1, "slice", FOR_EVER);
	shop_settle(shop);
	for (unsigned int i = 0; i < 1000; i++) {
		close(others[i]);
		shop_settle(shop);
	}
	while (!barlease_packet_receive(slow, &received)) {
		assert_int_equal(received.packet.header.type,
				 BARLEASE_PACKET_QUEUED);
		last = received.packet.queued.position;
		read++;
		shop_settle(shop);
	}
	assert_int_equal(last, 1);
	assert_true(read > 1 && read < 1000);
	/* It is listened to again. */
	lessee_release(holder, 2, 1);
	lessee_take_grant(shop, slow, 1, NULL);
	close(holder);
	close(slow);
}

/* With the real clock, the fd says when something is due. */
static void the_fd_is_readable_when_something_is_due(void **state)
{
	const struct barlease_server_terms terms = { 0 };
	struct shop *shop = *state;
	struct barlease_server *server = shop->server;
	struct pollfd poller = { .events = POLLIN };
	int sock;

	/* Another one, whose lessees it is. */
	assert_int_equal(barlease_server_create(&terms, &shop->server), 0);
	assert_int_equal(barlease_server_add_device(shop->server, shop->device),
			 0);
	strcat(shop->path, "-2");
	assert_int_equal(barlease_server_listen(shop->server, shop->path, 0600,
						&shop->listener),
			 0);
	shop_offer(shop, "slice", 0, 1, 0);
	poller.fd = barlease_server_get_fd(shop->server);
	assert_int_equal(poll(&poller, 1, 0), 0);
	sock = lessee_join(shop);
	lessee_get(shop, sock, "slice", NULL);
	assert_int_equal(poll(&poller, 1, 0), 0);
	lessee_request(sock, 1, "slice", 1);
	assert_int_equal(poll(&poller, 1, 0), 1);
	lessee_take_queued(shop, sock, 1, 1);
	assert_int_equal(poll(&poller, 1, 60000), 1);
	lessee_take_refused(shop, sock, 1, ETIMEDOUT);
	assert_int_equal(poll(&poller, 1, 0), 0);
	close(sock);
	assert_int_equal(poll(&poller, 1, 0), 1);
	barlease_server_destroy(shop->server);
	shop->server = server;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(who_came_first_is_served_first),
		shop_test(those_behind_move_up_and_others_do_not),
		shop_test(who_cancels_is_told_and_waits_no_longer),
		shop_test(nobody_waits_longer_than_he_wants),
		shop_test(what_comes_free_goes_to_who_can_use_it),
		shop_test(anything_and_a_name_are_served_by_arrival),
		shop_test(who_waits_for_anything_is_told_of_itself_alone),
		shop_test(nobody_is_told_a_position_that_is_past),
		shop_test(who_reads_slowly_gets_the_latest_position),
		shop_test(the_fd_is_readable_when_something_is_due),
	};

	return cmocka_run_group_tests_name("server_queue", tests, NULL, NULL);
}
