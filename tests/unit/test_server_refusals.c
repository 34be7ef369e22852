// SPDX-License-Identifier: MIT
/* What a lease server refuses: each line of the table in docs/protocol.md. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct barlease_packet_request request_of(const char *name)
{
	struct barlease_packet_request request = { .header.serial = 1 };

	strcpy(request.name, name);
	return request;
}

static void refused(struct shop *shop, int sock,
		    const struct barlease_packet_request *request, int error)
{
	lessee_request_as(sock, request);
	lessee_take_refused(shop, sock, request->header.serial, error);
}

static void what_is_not_offered_is_enoent(void **state)
{
	struct shop *shop = *state;
	struct barlease_packet_request request = request_of("slic");
	int sock = lessee_join(shop);

	refused(shop, sock, &request, ENOENT);
	memset(request.name, 0, sizeof(request.name));
	refused(shop, sock, &request, ENOENT);
	shop_offer(shop, "slice", 0, 1, 0);
	request = request_of("slic");
	refused(shop, sock, &request, ENOENT);
	request = request_of("slice2");
	refused(shop, sock, &request, ENOENT);
	assert_journal(shop, "came 1\nrefuse slic 2\nrefuse  2\n"
			     "refuse slic 2\nrefuse slice2 2\n");
	close(sock);
}

static void a_lease_that_is_not_ones_own_cannot_be_released(void **state)
{
	struct shop *shop = *state;
	int first = lessee_join(shop);
	int second = lessee_join(shop);
	uint64_t lease;
	int fd;

	shop_offer(shop, "slice", 0, 1, 0);
	lease = lessee_get(shop, first, "slice", &fd);
	lessee_release(second, 3, lease);
	lessee_take_refused(shop, second, 3, ENOENT);
	lessee_release(first, 4, lease + 1);
	lessee_take_refused(shop, first, 4, ENOENT);
	lessee_release(first, 5, lease);
	lessee_take(shop, first, BARLEASE_PACKET_RELEASED, 5);
	lessee_release(first, 6, lease);
	lessee_take_refused(shop, first, 6, ENOENT);
	close(fd);
	close(first);
	close(second);
}

static void who_may_not_have_it_is_told_why(void **state)
{
	struct shop *shop = *state;
	struct barlease_packet_request request = request_of("slice");
	int sock = lessee_join(shop);
	struct received received;

	shop_offer(shop, "slice", 0, 1, 0);
	shop->deny = -EACCES;
	shop->deny_sentence = "on Sundays nothing is lent";
	lessee_request_as(sock, &request);
	received = lessee_take(shop, sock, BARLEASE_PACKET_REFUSED, 1);
	assert_int_equal(received.packet.refused.error, EACCES);
	assert_string_equal(received.packet.refused.sentence,
			    "on Sundays nothing is lent");
	shop->deny_sentence = NULL;
	shop->deny = -ENOTSUP;
	refused(shop, sock, &request, ENOTSUP);
	/* What is no errno does not let anybody in. */
	shop->deny = 1;
	refused(shop, sock, &request, EACCES);
	shop->deny = -5000;
	refused(shop, sock, &request, EACCES);
	shop->deny = 0;
	lessee_get(shop, sock, "slice", NULL);
	close(sock);
}

static void what_is_read_only_is_not_lent_for_writing(void **state)
{
	struct shop *shop = *state;
	const struct barlease_server_offer offer = {
		.name = "slice",
		.bar = SIM_BAR,
		.range = { 0, PAGE },
		.access = BARLEASE_READ_ONLY,
	};
	struct barlease_packet_request request = request_of("slice");
	struct received received;
	int sock = lessee_join(shop);

	shop_offer_as(shop, &offer);
	refused(shop, sock, &request, EACCES);
	memset(request.name, 0, sizeof(request.name));
	refused(shop, sock, &request, EACCES);
	request.access = BARLEASE_READ_ONLY;
	lessee_request_as(sock, &request);
	received = lessee_take(shop, sock, BARLEASE_PACKET_GRANT, 1);
	assert_int_equal(received.packet.grant.access, BARLEASE_READ_ONLY);
	assert_int_equal(pwrite(received.fd, "x", 1, 0), -1);
	close(received.fd);
	close(sock);
}

static void write_combining_must_be_allowed(void **state)
{
	struct shop *shop = *state;
	const struct barlease_server_offer offer = {
		.name = "wc",
		.bar = SIM_BAR,
		.range = { PAGE, PAGE },
		.attribute = BARLEASE_WRITE_COMBINING,
	};
	struct barlease_packet_request request = request_of("slice");
	struct barlease_info info;
	struct received received;
	int sock = lessee_join(shop);

	request.attribute = BARLEASE_WRITE_COMBINING;
	shop_offer(shop, "slice", 0, 1, 0);
	refused(shop, sock, &request, EOPNOTSUPP);
	shop_offer_as(shop, &offer);
	/* The first one that fits. */
	memset(request.name, 0, sizeof(request.name));
	lessee_request_as(sock, &request);
	received = lessee_take(shop, sock, BARLEASE_PACKET_GRANT, 1);
	assert_string_equal(received.packet.grant.name, "wc");
	assert_int_equal(received.packet.grant.attribute,
			 BARLEASE_WRITE_COMBINING);
	assert_int_equal(barlease_lease_info(shop->device, received.fd, &info,
					     NULL, 0),
			 0);
	assert_int_equal(info.attribute, BARLEASE_WRITE_COMBINING);
	close(received.fd);
	close(sock);
}

static void what_is_too_small_is_erange(void **state)
{
	struct shop *shop = *state;
	struct barlease_packet_request request = request_of("slice");
	struct received received;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 2, 1);
	shop_offer(shop, "large", 2, 2, 2);
	request.minimum = PAGE + 1;
	refused(shop, sock, &request, ERANGE);
	memset(request.name, 0, sizeof(request.name));
	lessee_request_as(sock, &request);
	received = lessee_take(shop, sock, BARLEASE_PACKET_GRANT, 1);
	assert_string_equal(received.packet.grant.name, "large");
	close(received.fd);
	request.minimum = UINT64_MAX;
	refused(shop, sock, &request, ERANGE);
	request = request_of("slice");
	request.minimum = PAGE;
	lessee_request_as(sock, &request);
	lessee_take_grant(shop, sock, 1, NULL);
	close(sock);
}

static void what_is_lent_is_ebusy_and_has_a_holder(void **state)
{
	struct shop *shop = *state;
	struct barlease_packet_request request = request_of("slice");
	struct received received;
	int sock = lessee_join(shop);
	char holder[32];

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	lessee_request_as(sock, &request);
	received = lessee_take(shop, sock, BARLEASE_PACKET_REFUSED, 1);
	assert_int_equal(received.packet.refused.error, EBUSY);
	snprintf(holder, sizeof(holder), "process %d ", getpid());
	assert_contains(received.packet.refused.sentence, holder);
	memset(request.name, 0, sizeof(request.name));
	refused(shop, sock, &request, EBUSY);
	close(sock);
}

static void a_serial_that_waits_is_eexist(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	lessee_request(sock, 5, "slice", FOR_EVER);
	lessee_take_queued(shop, sock, 5, 1);
	lessee_request(sock, 5, "slice", FOR_EVER);
	lessee_take_refused(shop, sock, 5, EEXIST);
	lessee_release(sock, 6, 1);
	lessee_take(shop, sock, BARLEASE_PACKET_RELEASED, 6);
	lessee_take_grant(shop, sock, 5, NULL);
	lessee_request(sock, 5, "slice", FOR_EVER);
	lessee_take_queued(shop, sock, 5, 1);
	close(sock);
}

static void more_than_16_requests_cannot_wait(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);
	uint32_t i;

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	for (i = 1; i <= BARLEASE_REQUESTS_MAX; i++) {
		lessee_request(sock, i, i % 2 ? "slice" : "", FOR_EVER);
		lessee_take(shop, sock, BARLEASE_PACKET_QUEUED, i);
	}
	lessee_request(sock, i, "slice", FOR_EVER);
	lessee_take_refused(shop, sock, i, EDQUOT);
	lessee_cancel(sock, 100, 4);
	lessee_take_refused(shop, sock, 4, ECANCELED);
	lessee_request(sock, i, "slice", FOR_EVER);
	/* Those behind the one that went have moved up first. */
	lessee_take(shop, sock, BARLEASE_PACKET_QUEUED, 6);
	close(sock);
}

static void only_so_many_requests_wait(void **state)
{
	struct shop *shop = *state;
	const struct barlease_server_terms terms = { .waiting_max = 3 };
	const struct barlease_server_offer offer = {
		.name = "slice",
		.bar = SIM_BAR,
		.range = { 0, PAGE },
		.max_waiting = 1,
	};
	int sock;

	shop_restart(shop, &terms);
	shop_offer_as(shop, &offer);
	shop_offer(shop, "other", 1, 1, 0);
	sock = lessee_join(shop);
	lessee_get(shop, sock, "slice", NULL);
	lessee_get(shop, sock, "other", NULL);
	lessee_request(sock, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, sock, 1, 1);
	lessee_request(sock, 2, "slice", FOR_EVER);
	lessee_take_refused(shop, sock, 2, EBUSY);
	lessee_request(sock, 3, "other", FOR_EVER);
	lessee_take_queued(shop, sock, 3, 1);
	lessee_request(sock, 4, "", FOR_EVER);
	lessee_take_queued(shop, sock, 4, 1);
	lessee_request(sock, 5, "other", FOR_EVER);
	lessee_take_refused(shop, sock, 5, EBUSY);
	close(sock);
}

/* A quota counts what one has and what one waits for. */
static void assert_quota(struct shop *shop,
			 const struct barlease_server_offer *offer)
{
	int sock;

	shop_offer_as(shop, offer);
	sock = lessee_join(shop);
	lessee_get(shop, sock, offer->name, NULL);
	lessee_get(shop, sock, offer->name, NULL);
	lessee_request(sock, 1, offer->name, FOR_EVER);
	lessee_take_refused(shop, sock, 1, EDQUOT);
	lessee_request(sock, 2, "", FOR_EVER);
	lessee_take_refused(shop, sock, 2, EDQUOT);
	close(sock);
	sock = lessee_join(shop);
	lessee_get(shop, sock, offer->name, NULL);
	close(sock);
	shop_settle(shop);
}

static void quotas_are_by_user_group_and_cgroup(void **state)
{
	struct barlease_server_offer offer = {
		.name = "by user",
		.bar = SIM_BAR,
		.range = { 0, 4 * PAGE },
		.slice_size = PAGE,
		.max_per_uid = 2,
	};
	struct shop *shop = *state;
	uint64_t id = 1;

	assert_quota(shop, &offer);
	assert_int_equal(barlease_server_remove_offer(shop->server, id++, 0),
			 0);
	offer.name = "by group";
	offer.max_per_uid = 0;
	offer.max_per_gid = 2;
	assert_quota(shop, &offer);
	assert_int_equal(barlease_server_remove_offer(shop->server, id++, 0),
			 0);
	offer.name = "by cgroup";
	offer.max_per_gid = 0;
	offer.max_per_cgroup = 2;
	assert_quota(shop, &offer);
}

static void who_waits_uses_its_quota_until_it_does_not(void **state)
{
	struct shop *shop = *state;
	const struct barlease_server_offer offer = {
		.name = "slice",
		.bar = SIM_BAR,
		.range = { 0, PAGE },
		.max_per_uid = 2,
	};
	int holder = lessee_join(shop);
	int waiter = lessee_join(shop);

	shop_offer_as(shop, &offer);
	lessee_get(shop, holder, "slice", NULL);
	lessee_request(waiter, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, waiter, 1, 1);
	lessee_request(holder, 2, "slice", FOR_EVER);
	lessee_take_refused(shop, holder, 2, EDQUOT);
	close(waiter);
	shop_settle(shop);
	lessee_request(holder, 3, "slice", FOR_EVER);
	lessee_take_queued(shop, holder, 3, 1);
	close(holder);
}

static void without_an_fd_for_the_lease_it_is_emfile(void **state)
{
	const struct barlease_server_offer offer = {
		.name = "slice",
		.bar = SIM_BAR,
		.range = { 0, PAGE },
		.max_per_uid = 1,
	};
	struct shop *shop = *state;
	struct rlimit limit, none;
	int sock;

	if (valgrind_runs_this())
		skip();
	sock = lessee_join(shop);
	shop_offer_as(shop, &offer);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = limit.rlim_max };
	lessee_request(sock, 1, "slice", FOR_EVER);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	shop_settle(shop);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	lessee_take_refused(shop, sock, 1, EMFILE);
	/* Neither its slice nor its quota is lost. */
	lessee_get(shop, sock, "slice", NULL);
	assert_journal(shop, "came 1\nrefuse slice 24\ngrant 1\n");
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(what_is_not_offered_is_enoent),
		shop_test(a_lease_that_is_not_ones_own_cannot_be_released),
		shop_test(who_may_not_have_it_is_told_why),
		shop_test(what_is_read_only_is_not_lent_for_writing),
		shop_test(write_combining_must_be_allowed),
		shop_test(what_is_too_small_is_erange),
		shop_test(what_is_lent_is_ebusy_and_has_a_holder),
		shop_test(a_serial_that_waits_is_eexist),
		shop_test(more_than_16_requests_cannot_wait),
		shop_test(only_so_many_requests_wait),
		shop_test(quotas_are_by_user_group_and_cgroup),
		shop_test(who_waits_uses_its_quota_until_it_does_not),
		shop_test(without_an_fd_for_the_lease_it_is_emfile),
	};

	return cmocka_run_group_tests_name("server_refusals", tests, NULL,
					   NULL);
}
