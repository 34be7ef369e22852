// SPDX-License-Identifier: MIT
/* Lessees in an event loop: what they are told, and in which order. */
#include "fake_server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct barlease_wanted anything;

static void a_request_is_queued_and_granted(void **state)
{
	struct fake *fake = *state;
	uint32_t serial = fake_start(fake);
	struct barlease_event event;

	assert_no_event(fake);
	fake_send(fake, BARLEASE_PACKET_QUEUED, serial, 9);
	assert_event(fake, BARLEASE_EVENT_QUEUED, &event);
	assert_int_equal(event.serial, serial);
	assert_int_equal(event.position, 9);
	assert_int_equal(event.granted.fd, -1);
	assert_no_event(fake);

	fake_grant(fake, serial, 4, 1);
	assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
	assert_int_equal(event.serial, serial);
	assert_int_equal(event.lease, 4);
	assert_int_equal(event.granted.lease, 4);
	assert_int_equal(event.granted.size, 8192);
	assert_int_equal(fcntl(event.granted.fd, F_GETFD), FD_CLOEXEC);
	close(event.granted.fd);
	assert_no_event(fake);
}

static void a_request_is_refused_and_says_why(void **state)
{
	struct fake *fake = *state;
	uint32_t serial = fake_start(fake);
	struct barlease_event event;

	fake_send(fake, BARLEASE_PACKET_QUEUED, serial, 1);
	fake_send(fake, BARLEASE_PACKET_REFUSED, serial, ETIMEDOUT);
	/* Both at a time: that it waits is no news any more. */
	assert_event(fake, BARLEASE_EVENT_REFUSED, &event);
	assert_int_equal(event.serial, serial);
	assert_int_equal(event.error, ETIMEDOUT);
	assert_string_equal(event.sentence, "not now");
	assert_int_equal(event.lease, 0);
	assert_no_event(fake);
}

static void a_cancelled_request_is_answered_once(void **state)
{
	struct fake *fake = *state;
	uint32_t serial = fake_start(fake);
	struct barlease_event event;
	union packet packet;

	assert_int_equal(barlease_lessee_cancel(fake->lessee, serial + 1),
			 -ENOENT);
	assert_int_equal(barlease_lessee_cancel(fake->lessee, serial), 0);
	fake_receive(fake, BARLEASE_PACKET_CANCEL, &packet);
	assert_int_equal(packet.cancel.request, serial);
	fake_send(fake, BARLEASE_PACKET_REFUSED, serial, ECANCELED);
	assert_event(fake, BARLEASE_EVENT_REFUSED, &event);
	assert_int_equal(event.error, ECANCELED);
	assert_int_equal(barlease_lessee_cancel(fake->lessee, serial), -ENOENT);
	fake_receive_nothing(fake);
}

static void requests_at_a_time_are_told_apart_and_bounded(void **state)
{
	uint32_t serials[BARLEASE_REQUESTS_MAX], serial;
	struct fake *fake = *state;
	struct barlease_event event;
	unsigned int i;

	for (i = 0; i < BARLEASE_REQUESTS_MAX; i++)
		serials[i] = fake_start(fake);
	assert_int_equal(barlease_lessee_start(fake->lessee, &anything,
					       &serial),
			 -EDQUOT);
	fake_receive_nothing(fake);
	for (i = BARLEASE_REQUESTS_MAX; i--;) {
		fake_grant(fake, serials[i], 100 + i, 1);
		assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
		assert_int_equal(event.serial, serials[i]);
		assert_int_equal(event.lease, 100 + i);
		close(event.granted.fd);
	}
	fake_start(fake);
}

static void serials_that_come_round_avoid_those_in_use(void **state)
{
	struct fake *fake = *state;
	uint32_t first = fake_start(fake);

	assert_int_equal(first, FIRST_SERIAL);
	fake->lessee->last_serial = UINT32_MAX;
	assert_int_equal(fake_start(fake), FIRST_SERIAL + 1);
}

static void a_recall_tells_how_much_time_is_left(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;

	fake_lend(fake, 6);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 6);
	assert_event(fake, BARLEASE_EVENT_RECALLED, &event);
	assert_int_equal(event.lease, 6);
	assert_true(event.left > 0 && event.left <= 60000);
	assert_int_equal(event.serial, 0);
	assert_no_event(fake);
}

static void a_revocation_tells_why_and_is_the_last_of_a_lease(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;

	fake_lend(fake, 6);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 6);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 6);
	fake_send(fake, BARLEASE_PACKET_DEVICE, 0, 6);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 6);
	assert_event(fake, BARLEASE_EVENT_REVOKED, &event);
	assert_int_equal(event.lease, 6);
	assert_int_equal(event.why, BARLEASE_END_EXPIRED);
	assert_no_event(fake);
	assert_int_equal(barlease_lessee_release(fake->lessee, 6), -ENOENT);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 6),
			 -ENOENT);
}

static void a_device_is_away_and_back(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	union packet packet;

	fake_lend(fake, 6);
	fake_send(fake, BARLEASE_PACKET_DEVICE, 0, 6);
	assert_event(fake, BARLEASE_EVENT_AWAY, &event);
	assert_int_equal(event.lease, 6);
	fake_packet(&packet, BARLEASE_PACKET_DEVICE, 0);
	packet.device.lease = 6;
	packet.device.state = BARLEASE_DEVICE_BACK;
	fake_send_bytes(fake, &packet, packet.header.size, 0);
	assert_event(fake, BARLEASE_EVENT_BACK, &event);
	assert_int_equal(event.lease, 6);
	assert_no_event(fake);
}

/* A call that waits takes what comes before its answer. */
static void answer_a_list(struct fake *fake)
{
	fake_send(fake, BARLEASE_PACKET_LISTED, fake_next(fake), 0);
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0), 0);
}

static void what_comes_while_a_call_waits_is_told_later(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	uint32_t granted, refused;

	fake_lend(fake, 1);
	fake_lend(fake, 2);
	fake_lend(fake, 3);
	granted = fake_start(fake);
	refused = fake_start(fake);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 2);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 1);
	fake_grant(fake, granted, 4, 1);
	fake_send(fake, BARLEASE_PACKET_REFUSED, refused, EBUSY);
	fake_send(fake, BARLEASE_PACKET_DEVICE, 0, 3);
	answer_a_list(fake);

	/* Nothing is left on the socket, and there is something to poll. */
	assert_event(fake, BARLEASE_EVENT_RECALLED, &event);
	assert_int_equal(event.lease, 2);
	assert_event(fake, BARLEASE_EVENT_REVOKED, &event);
	assert_int_equal(event.lease, 1);
	assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
	assert_int_equal(event.lease, 4);
	close(event.granted.fd);
	assert_event(fake, BARLEASE_EVENT_REFUSED, &event);
	assert_int_equal(event.serial, refused);
	assert_event(fake, BARLEASE_EVENT_AWAY, &event);
	assert_int_equal(event.lease, 3);
	assert_no_event(fake);
}

static void of_events_of_a_kind_the_latest_is_told(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	union packet packet;
	uint32_t serial;
	unsigned int i;

	fake_lend(fake, 7);
	serial = fake_start(fake);
	for (i = 50; i; i--)
		fake_send(fake, BARLEASE_PACKET_QUEUED, serial, i);
	for (i = 0; i < 5; i++) {
		fake_send(fake, BARLEASE_PACKET_DEVICE, 0, 7);
		fake_packet(&packet, BARLEASE_PACKET_DEVICE, 0);
		packet.device.lease = 7;
		packet.device.state = BARLEASE_DEVICE_BACK;
		fake_send_bytes(fake, &packet, packet.header.size, 0);
	}
	answer_a_list(fake);
	assert_event(fake, BARLEASE_EVENT_QUEUED, &event);
	assert_int_equal(event.position, 1);
	assert_event(fake, BARLEASE_EVENT_BACK, &event);
	assert_no_event(fake);
}

static void what_is_over_hides_what_was_before(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	uint32_t serial;

	serial = fake_start(fake);
	fake_lend(fake, 7);
	fake_send(fake, BARLEASE_PACKET_QUEUED, serial, 1);
	fake_send(fake, BARLEASE_PACKET_DEVICE, 0, 7);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 7);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 7);
	fake_grant(fake, serial, 8, 1);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 8);
	answer_a_list(fake);
	assert_event(fake, BARLEASE_EVENT_REVOKED, &event);
	assert_int_equal(event.lease, 7);
	assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
	assert_int_equal(event.lease, 8);
	close(event.granted.fd);
	assert_event(fake, BARLEASE_EVENT_RECALLED, &event);
	assert_int_equal(event.lease, 8);
	assert_no_event(fake);
}

static void a_lease_that_is_not_told_yet_cannot_be_released(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;

	fake_grant(fake, fake_start(fake), 8, 1);
	answer_a_list(fake);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), -ENOENT);
	assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
	close(event.granted.fd);
	fake_send(fake, BARLEASE_PACKET_RELEASED, fake_next(fake), 8);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), 0);
}

static void fds_that_nobody_was_told_of_are_closed(void **state)
{
	struct fake *fake = *state;

	/* The fixture counts. */
	fake_grant(fake, fake_start(fake), 8, 1);
	fake_grant(fake, fake_start(fake), 9, 1);
	fake_start(fake);
	answer_a_list(fake);
	assert_int_equal(fd_count(), fake->fds + 7);
}

static void a_release_without_waiting_is_told(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	union packet packet;

	fake_lend(fake, 8);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 8);
	answer_a_list(fake);
	fake_receive(fake, BARLEASE_PACKET_LIST, &packet);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 8), 0);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 8),
			 -EALREADY);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	assert_int_equal(packet.release.lease, 8);
	/* That it was recalled is no news any more. */
	fake_send(fake, BARLEASE_PACKET_RELEASED, packet.header.serial, 8);
	answer_a_list(fake);
	assert_event(fake, BARLEASE_EVENT_RELEASED, &event);
	assert_int_equal(event.lease, 8);
	assert_no_event(fake);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 8),
			 -ENOENT);
}

static void a_release_that_came_too_late_is_told_once(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	union packet packet;

	fake_lend(fake, 8);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 8), 0);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 8);
	fake_send(fake, BARLEASE_PACKET_REFUSED, packet.header.serial, ENOENT);
	assert_event(fake, BARLEASE_EVENT_REVOKED, &event);
	assert_no_event(fake);

	fake_lend(fake, 9);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 9), 0);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	fake_send(fake, BARLEASE_PACKET_REFUSED, packet.header.serial, ENOENT);
	assert_event(fake, BARLEASE_EVENT_RELEASED, &event);
	assert_no_event(fake);
	assert_true(TAILQ_EMPTY(&fake->lessee->unanswered));
}

static void a_release_that_is_refused_is_told_and_tried_again(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	union packet packet;

	fake_lend(fake, 8);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 8), 0);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	fake_send(fake, BARLEASE_PACKET_REFUSED, packet.header.serial, ENOMEM);
	assert_event(fake, BARLEASE_EVENT_REFUSED, &event);
	assert_int_equal(event.lease, 8);
	assert_int_equal(event.serial, 0);
	assert_int_equal(event.error, ENOMEM);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 8), 0);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	/* Who cannot go on without the answer waits for it now. */
	fake_send(fake, BARLEASE_PACKET_RELEASED, packet.header.serial, 8);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), 0);
	fake_receive_nothing(fake);
	assert_no_event(fake);
}

/* Its caller cannot tell it from a wait of its own that was too long. */
static void a_release_that_is_refused_with_etimedout_is_one_that_timed_out(
	void **state)
{
	struct fake *fake = *state;
	union packet packet;

	fake_lend(fake, 8);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 8), 0);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	fake_send(fake, BARLEASE_PACKET_REFUSED, packet.header.serial,
		  ETIMEDOUT);
	fake_send(fake, BARLEASE_PACKET_DEVICE, 0, 8);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), -ETIMEDOUT);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 8);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 8);
	assert_no_event(fake);
}

/* Both are there when it looks. */
static void a_release_that_is_refused_with_etimedout_may_be_over(void **state)
{
	struct fake *fake = *state;
	union packet packet;

	fake_lend(fake, 8);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 8), 0);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	fake_send(fake, BARLEASE_PACKET_REFUSED, packet.header.serial,
		  ETIMEDOUT);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 8);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), -ETIMEDOUT);
	assert_no_event(fake);
}

static void a_lost_fd_is_a_refusal_and_a_release(void **state)
{
	struct fake *fake = *state;
	uint32_t serial = fake_start(fake);
	struct barlease_event event;
	union packet packet;
	int err;

	fake_grant(fake, serial, 8, 1);
	fds_exhaust(true);
	err = barlease_lessee_next_event(fake->lessee, &event);
	fds_exhaust(false);
	assert_int_equal(err, 0);
	assert_int_equal(event.type, BARLEASE_EVENT_REFUSED);
	assert_int_equal(event.serial, serial);
	assert_int_equal(event.lease, 0);
	assert_int_equal(event.error, EMFILE);
	assert_true(*event.sentence);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	assert_int_equal(packet.release.lease, 8);
	/* It is not taken back, but nobody has come to know it. */
	fake_send(fake, BARLEASE_PACKET_REFUSED, packet.header.serial, ENOMEM);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 8);
	assert_no_event(fake);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 8);
	assert_no_event(fake);
	assert_true(TAILQ_EMPTY(&fake->lessee->unanswered));
}

/* Until the server has no room; how many there are. */
static unsigned int fill_up(struct fake *fake, uint32_t serial)
{
	unsigned int count = 0;

	while (!barlease_lessee_cancel(fake->lessee, serial))
		count++;
	assert_int_equal(barlease_lessee_cancel(fake->lessee, serial),
			 -EAGAIN);
	return count;
}

static void what_finds_no_room_is_sent_as_soon_as_there_is(void **state)
{
	struct fake *fake = *state;
	uint32_t serial = fake_start(fake), other;
	unsigned int sent = fill_up(fake, serial);
	struct barlease_granted granted;
	union packet packet;

	assert_int_equal(barlease_lessee_start(fake->lessee, &anything, &other),
			 -EAGAIN);
	barlease_lessee_set_timeout(fake->lessee, 1);
	assert_int_equal(barlease_lessee_request(fake->lessee, &anything,
						 &granted),
			 -ETIMEDOUT);
	fake_grant(fake, serial, 8, 1);
	fds_exhaust(true);
	lessee_receive(fake->lessee);
	fds_exhaust(false);
	lessee_update_fd(fake->lessee);
	while (sent--)
		fake_receive(fake, BARLEASE_PACKET_CANCEL, &packet);
	fake_receive_nothing(fake);

	/* That there is room wakes the event loop. */
	assert_true(is_ready(fake));
	assert_int_equal(barlease_lessee_next_event(fake->lessee,
						    &(struct barlease_event){
							    0 }),
			 0);
	assert_true(is_ready(fake));
	assert_no_event(fake);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	assert_int_equal(packet.release.lease, 8);
	fake_receive_nothing(fake);
}

static void many_leases_are_found_by_their_numbers(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	uint64_t i;

	for (i = 0; i < 600; i++)
		fake_lend(fake, i << 56 | i);
	for (i = 0; i < 600; i++) {
		fake_send(fake, BARLEASE_PACKET_REVOKED, 0, i << 56 | i);
		assert_event(fake, BARLEASE_EVENT_REVOKED, &event);
		assert_true(event.lease == (i << 56 | i));
	}
	assert_no_event(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(a_request_is_queued_and_granted),
		fake_test(a_request_is_refused_and_says_why),
		fake_test(a_cancelled_request_is_answered_once),
		fake_test(requests_at_a_time_are_told_apart_and_bounded),
		fake_test(serials_that_come_round_avoid_those_in_use),
		fake_test(a_recall_tells_how_much_time_is_left),
		fake_test(a_revocation_tells_why_and_is_the_last_of_a_lease),
		fake_test(a_device_is_away_and_back),
		fake_test(what_comes_while_a_call_waits_is_told_later),
		fake_test(of_events_of_a_kind_the_latest_is_told),
		fake_test(what_is_over_hides_what_was_before),
		fake_test(a_lease_that_is_not_told_yet_cannot_be_released),
		fake_test(fds_that_nobody_was_told_of_are_closed),
		fake_test(a_release_without_waiting_is_told),
		fake_test(a_release_that_came_too_late_is_told_once),
		fake_test(a_release_that_is_refused_is_told_and_tried_again),
		fake_test(
			a_release_that_is_refused_with_etimedout_is_one_that_timed_out),
		fake_test(a_release_that_is_refused_with_etimedout_may_be_over),
		fake_test(a_lost_fd_is_a_refusal_and_a_release),
		fake_test(what_finds_no_room_is_sent_as_soon_as_there_is),
		fake_test(many_leases_are_found_by_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
