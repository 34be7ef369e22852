// SPDX-License-Identifier: MIT
/* Lessees of the real server, which lends pieces of a simulated device. */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <barlease.h>
#include <barlease/guarded.h>
#include <barlease/server.h>

#define PAGE 4096u
#define PATIENCE 20000 /* ms; everything takes far less */

struct fixture {
	char folder[32];
	char path[64];
	struct barlease_device *device;
	struct barlease_server *server;
	struct barlease_lessee *lessee;
	uint64_t pool;
	unsigned int fds;

	/* Where the server runs while a call of the lessee waits. */
	pthread_t thread;
	int stop[2];
};

static const struct barlease_server_offer two_slices = {
	.name = "queues",
	.range = { .length = 4 * PAGE },
	.slice_size = 2 * PAGE,
	.sharers = 1,
};

static int setup(void **state)
{
	const struct barlease_sim_terms simulated = {
		.name = "sim:test",
		.bar_size = { 16 * PAGE },
	};
	const struct barlease_server_terms terms = { 0 };
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	uint64_t listener;

	if (!fixture)
		return -1;
	*state = fixture;
	fixture->fds = fd_count();
	strcpy(fixture->folder, "/tmp/barlease-test-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/socket",
		 fixture->folder);
	if (barlease_device_open_sim(&simulated, &fixture->device) ||
	    barlease_server_create(&terms, &fixture->server) ||
	    barlease_server_add_device(fixture->server, fixture->device) ||
	    barlease_server_add_offer(fixture->server, fixture->device,
				      &two_slices, &fixture->pool) ||
	    barlease_server_listen(fixture->server, fixture->path, 0600,
				   &listener) ||
	    barlease_server_show_offer(fixture->server, fixture->pool,
				       listener) ||
	    barlease_lessee_connect(fixture->path, &fixture->lessee))
		return -1;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	unsigned int before = fixture->fds;

	barlease_lessee_close(fixture->lessee);
	barlease_server_destroy(fixture->server);
	barlease_device_close(fixture->device);
	if (rmdir(fixture->folder))
		return -1;
	free(fixture);
	return fd_count() == before ? 0 : -1;
}

static void dispatch(struct fixture *fixture)
{
	int more;

	while ((more = barlease_server_dispatch(fixture->server)) > 0)
		;
	assert_int_equal(more, 0);
}

static void *serve(void *argument)
{
	struct fixture *fixture = argument;
	struct pollfd polled[] = {
		{ .fd = barlease_server_get_fd(fixture->server),
		  .events = POLLIN },
		{ .fd = fixture->stop[0], .events = POLLIN },
	};

	while (poll(polled, 2, -1) > 0 && !polled[1].revents)
		barlease_server_dispatch(fixture->server);
	return NULL;
}

static void serve_begin(struct fixture *fixture)
{
	assert_int_equal(pipe(fixture->stop), 0);
	assert_int_equal(pthread_create(&fixture->thread, NULL, serve, fixture),
			 0);
}

static void serve_end(struct fixture *fixture)
{
	close(fixture->stop[1]);
	assert_int_equal(pthread_join(fixture->thread, NULL), 0);
	close(fixture->stop[0]);
}

/* Whether it can be accessed. cmocka has a handler of its own for each test. */
static int look(const struct barlease_map *map)
{
	uint32_t value;
	int err;

	assert_int_equal(barlease_guard_install(), 0);
	err = barlease_guarded_read32(map->address, &value);
	assert_int_equal(barlease_guard_uninstall(), 0);
	return err;
}

/* The next event of a lessee, which must be of that type. */
static void expect(struct fixture *fixture, struct barlease_lessee *lessee,
		   enum barlease_event_type type, struct barlease_event *event)
{
	struct pollfd polled[] = {
		{ .fd = barlease_lessee_get_fd(lessee), .events = POLLIN },
		{ .events = POLLIN },
	};
	int err;

	for (;;) {
		polled[1].fd = -1;
		if (fixture->server) {
			dispatch(fixture);
			polled[1].fd = barlease_server_get_fd(fixture->server);
		}
		err = barlease_lessee_next_event(lessee, event);
		if (err != -EAGAIN)
			break;
		assert_true(poll(polled, 2, PATIENCE) > 0);
	}
	assert_int_equal(err, 0);
	assert_int_equal(event->type, type);
}

/* What it is granted. */
static void lend(struct fixture *fixture, struct barlease_lessee *lessee,
		 struct barlease_granted *granted)
{
	const struct barlease_wanted wanted = { .name = "queues" };
	struct barlease_event event;
	uint32_t serial;

	assert_int_equal(barlease_lessee_start(lessee, &wanted, &serial), 0);
	expect(fixture, lessee, BARLEASE_EVENT_GRANTED, &event);
	assert_int_equal(event.serial, serial);
	*granted = event.granted;
}

static void release(struct fixture *fixture, struct barlease_lessee *lessee,
		    uint64_t lease)
{
	struct barlease_event event;

	assert_int_equal(barlease_lessee_start_release(lessee, lease), 0);
	expect(fixture, lessee, BARLEASE_EVENT_RELEASED, &event);
	assert_int_equal(event.lease, lease);
}

/* How many slices can be had. */
static uint32_t count_free(struct fixture *fixture)
{
	struct barlease_offer offer;
	int count;

	serve_begin(fixture);
	count = barlease_lessee_list(fixture->lessee, &offer, 1);
	serve_end(fixture);
	assert_int_equal(count, 1);
	return offer.free;
}

static void what_is_offered_is_listed(void **state)
{
	struct fixture *fixture = *state;
	struct barlease_offer offers[2];
	int count;

	serve_begin(fixture);
	count = barlease_lessee_list(fixture->lessee, offers, 2);
	serve_end(fixture);
	assert_int_equal(count, 1);
	assert_string_equal(offers[0].name, "queues");
	assert_int_equal(offers[0].size, 2 * PAGE);
	assert_int_equal(offers[0].slices, 2);
	assert_int_equal(offers[0].free, 2);
	assert_int_equal(offers[0].waiting, 0);
	assert_int_equal(offers[0].flags, 0);
	assert_int_equal(offers[0].time_limit, 0);
}

static void a_lease_is_used_and_released_by_calls_that_wait(void **state)
{
	const struct barlease_wanted wanted = {
		.wait = BARLEASE_WAIT_FOR_EVER,
	};
	struct fixture *fixture = *state;
	struct barlease_granted granted;
	struct barlease_map map;
	uint32_t value = 0;
	int err;

	serve_begin(fixture);
	err = barlease_lessee_request(fixture->lessee, &wanted, &granted);
	serve_end(fixture);
	assert_int_equal(err, 0);
	assert_int_equal(granted.size, 2 * PAGE);
	assert_int_equal(barlease_lessee_map(&granted, &map), 0);
	barlease_write32((uint32_t *)map.address + 3, 0xbeef);

	serve_begin(fixture);
	err = barlease_lessee_release(fixture->lessee, granted.lease);
	serve_end(fixture);
	assert_int_equal(err, 0);
	/* The access is gone, and what was written is there. */
	assert_int_equal(look(&map), -ENXIO);
	assert_int_equal(barlease_region_read(fixture->device, granted.bar,
					      &value, 4, granted.offset + 12),
			 0);
	assert_int_equal(value, 0xbeef);
	barlease_map_end(&map);
	close(granted.fd);
	assert_int_equal(count_free(fixture), 2);
}

static void requests_that_cannot_be_granted_are_refused(void **state)
{
	static const struct {
		struct barlease_wanted wanted;
		int error;
	} wrong[] = {
		{ { .name = "other" }, -ENOENT },
		{ { .minimum = 3 * PAGE }, -ERANGE },
		{ { .attribute = BARLEASE_WRITE_COMBINING }, -EOPNOTSUPP },
	};
	struct fixture *fixture = *state;
	struct barlease_granted granted;
	size_t i;

	serve_begin(fixture);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(barlease_lessee_request(fixture->lessee,
							 &wrong[i].wanted,
							 &granted),
				 wrong[i].error);
		assert_true(*barlease_lessee_sentence(fixture->lessee));
	}
	serve_end(fixture);
	assert_int_equal(count_free(fixture), 2);
}

static void who_waits_is_told_its_position_and_its_turn(void **state)
{
	const struct barlease_wanted wanted = { .name = "queues",
						.wait = 60000 };
	struct fixture *fixture = *state;
	struct barlease_lessee *others[2];
	struct barlease_granted first, second;
	struct barlease_event event;
	uint32_t serials[2];
	unsigned int i;

	lend(fixture, fixture->lessee, &first);
	lend(fixture, fixture->lessee, &second);
	for (i = 0; i < 2; i++) {
		assert_int_equal(barlease_lessee_connect(fixture->path,
							 &others[i]),
				 0);
		assert_int_equal(barlease_lessee_start(others[i], &wanted,
						       &serials[i]),
				 0);
		expect(fixture, others[i], BARLEASE_EVENT_QUEUED, &event);
		assert_int_equal(event.serial, serials[i]);
		assert_int_equal(event.position, i + 1);
	}
	/* One leaves the queue, the other one moves up and is next. */
	assert_int_equal(barlease_lessee_cancel(others[0], serials[0]), 0);
	expect(fixture, others[0], BARLEASE_EVENT_REFUSED, &event);
	assert_int_equal(event.error, ECANCELED);
	expect(fixture, others[1], BARLEASE_EVENT_QUEUED, &event);
	assert_int_equal(event.position, 1);
	release(fixture, fixture->lessee, second.lease);
	expect(fixture, others[1], BARLEASE_EVENT_GRANTED, &event);
	assert_int_equal(event.granted.index, second.index);
	close(event.granted.fd);
	close(first.fd);
	close(second.fd);
	barlease_lessee_close(others[0]);
	barlease_lessee_close(others[1]);
}

static void a_recall_can_be_obeyed(void **state)
{
	struct fixture *fixture = *state;
	struct barlease_granted granted;
	struct barlease_event event;

	lend(fixture, fixture->lessee, &granted);
	close(granted.fd);
	assert_int_equal(barlease_server_recall(fixture->server, granted.lease,
						60000),
			 0);
	expect(fixture, fixture->lessee, BARLEASE_EVENT_RECALLED, &event);
	assert_int_equal(event.lease, granted.lease);
	assert_true(event.left > 0 && event.left <= 60000);
	release(fixture, fixture->lessee, granted.lease);
	assert_int_equal(count_free(fixture), 2);
}

/* Told once, and gone by then. */
static void expect_revoked(struct fixture *fixture,
			   struct barlease_granted *granted,
			   enum barlease_end why)
{
	struct barlease_event event;
	struct barlease_map map;

	assert_int_equal(barlease_lessee_map(granted, &map), 0);
	assert_int_equal(look(&map), 0);
	if (why == BARLEASE_END_RECALLED)
		barlease_server_recall(fixture->server, granted->lease, 1);
	else if (why == BARLEASE_END_DEVICE)
		barlease_server_device_lost(fixture->server, fixture->device);
	else if (why == BARLEASE_END_REVOKED)
		barlease_server_revoke(fixture->server, granted->lease, why);
	if (why == BARLEASE_END_RECALLED)
		expect(fixture, fixture->lessee, BARLEASE_EVENT_RECALLED,
		       &event);
	expect(fixture, fixture->lessee, BARLEASE_EVENT_REVOKED, &event);
	assert_int_equal(event.lease, granted->lease);
	assert_int_equal(event.why, why);
	assert_int_equal(look(&map), -ENXIO);
	assert_int_equal(barlease_lessee_release(fixture->lessee,
						 granted->lease),
			 -ENOENT);
	barlease_map_end(&map);
	close(granted->fd);
}

static void each_end_of_a_lease_is_told(void **state)
{
	static const enum barlease_end ends[] = {
		BARLEASE_END_REVOKED,
		BARLEASE_END_RECALLED,
		BARLEASE_END_EXPIRED,
		BARLEASE_END_DEVICE,
	};
	struct barlease_server_offer terms = two_slices;
	struct fixture *fixture = *state;
	struct barlease_granted granted;
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		terms.time_limit = ends[i] == BARLEASE_END_EXPIRED ? 200 : 0;
		assert_int_equal(barlease_server_change_offer(fixture->server,
							      fixture->pool,
							      &terms),
				 0);
		lend(fixture, fixture->lessee, &granted);
		assert_int_equal(!!granted.time_limit, !!terms.time_limit);
		expect_revoked(fixture, &granted, ends[i]);
	}
}

static void a_device_is_away_and_back(void **state)
{
	struct fixture *fixture = *state;
	struct barlease_granted granted;
	struct barlease_event event;

	lend(fixture, fixture->lessee, &granted);
	close(granted.fd);
	assert_int_equal(barlease_server_device_away(fixture->server,
						     fixture->device),
			 0);
	expect(fixture, fixture->lessee, BARLEASE_EVENT_AWAY, &event);
	assert_int_equal(event.lease, granted.lease);
	assert_int_equal(barlease_server_device_back(fixture->server,
						     fixture->device),
			 0);
	expect(fixture, fixture->lessee, BARLEASE_EVENT_BACK, &event);
	assert_int_equal(event.lease, granted.lease);
}

static void the_end_of_a_server_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct barlease_granted granted;
	struct barlease_event event;

	lend(fixture, fixture->lessee, &granted);
	close(granted.fd);
	barlease_server_destroy(fixture->server);
	fixture->server = NULL;
	expect(fixture, fixture->lessee, BARLEASE_EVENT_REVOKED, &event);
	assert_int_equal(event.why, BARLEASE_END_SERVER);
	expect(fixture, fixture->lessee, BARLEASE_EVENT_HANGUP, &event);
	assert_int_equal(event.error, ECONNRESET);
}

static void a_lessee_that_closes_gives_everything_back(void **state)
{
	struct fixture *fixture = *state;
	struct barlease_granted first, second;
	struct barlease_map map;

	lend(fixture, fixture->lessee, &first);
	lend(fixture, fixture->lessee, &second);
	assert_int_equal(barlease_lessee_map(&second, &map), 0);
	barlease_lessee_close(fixture->lessee);
	assert_int_equal(barlease_lessee_connect(fixture->path,
						 &fixture->lessee),
			 0);
	assert_int_equal(count_free(fixture), 2);
	assert_int_equal(look(&map), -ENXIO);
	barlease_map_end(&map);
	close(first.fd);
	close(second.fd);
}

static void a_lease_that_finds_no_room_is_free_again(void **state)
{
	const struct barlease_wanted wanted = { 0 };
	struct fixture *fixture = *state;
	struct barlease_event event;
	uint32_t serial;
	int err;

	assert_int_equal(barlease_lessee_start(fixture->lessee, &wanted,
					       &serial),
			 0);
	dispatch(fixture);
	fds_exhaust(true);
	err = barlease_lessee_next_event(fixture->lessee, &event);
	fds_exhaust(false);
	assert_int_equal(err, 0);
	assert_int_equal(event.type, BARLEASE_EVENT_REFUSED);
	assert_int_equal(event.error, EMFILE);
	assert_int_equal(count_free(fixture), 2);
}

static void a_release_and_a_revocation_may_cross(void **state)
{
	struct fixture *fixture = *state;
	struct barlease_granted granted;
	struct barlease_event event;

	lend(fixture, fixture->lessee, &granted);
	close(granted.fd);
	assert_int_equal(barlease_server_revoke(fixture->server, granted.lease,
						BARLEASE_END_REVOKED),
			 0);
	assert_int_equal(barlease_lessee_start_release(fixture->lessee,
						       granted.lease),
			 0);
	expect(fixture, fixture->lessee, BARLEASE_EVENT_REVOKED, &event);
	/* The server has refused the release; that is no event, nor an end. */
	assert_int_equal(count_free(fixture), 2);
	assert_int_equal(barlease_lessee_next_event(fixture->lessee, &event),
			 -EAGAIN);
}

int main(void)
{
#define SERVED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		SERVED(what_is_offered_is_listed),
		SERVED(a_lease_is_used_and_released_by_calls_that_wait),
		SERVED(requests_that_cannot_be_granted_are_refused),
		SERVED(who_waits_is_told_its_position_and_its_turn),
		SERVED(a_recall_can_be_obeyed),
		SERVED(each_end_of_a_lease_is_told),
		SERVED(a_device_is_away_and_back),
		SERVED(the_end_of_a_server_is_told),
		SERVED(a_lessee_that_closes_gives_everything_back),
		SERVED(a_lease_that_finds_no_room_is_free_again),
		SERVED(a_release_and_a_revocation_may_cross),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
