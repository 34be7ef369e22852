// SPDX-License-Identifier: MIT
/* Lessees of servers that keep to nothing, or go away at any time. */
#include "fake_server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct barlease_wanted anything;

static const enum barlease_packet_type of_server[] = {
	BARLEASE_PACKET_OFFER,	  BARLEASE_PACKET_LISTED,
	BARLEASE_PACKET_QUEUED,	  BARLEASE_PACKET_GRANT,
	BARLEASE_PACKET_REFUSED,  BARLEASE_PACKET_RELEASED,
	BARLEASE_PACKET_RECALLED, BARLEASE_PACKET_REVOKED,
	BARLEASE_PACKET_DEVICE,
};

#define OF_SERVER (sizeof(of_server) / sizeof(*of_server))

/* A connection of its own for each of many tries. */
static struct fake *begin(void)
{
	void *state;

	assert_int_equal(fake_setup(&state), 0);
	return state;
}

static void end(struct fake *fake)
{
	void *state = fake;

	assert_int_equal(fake_teardown(&state), 0);
}

static void make(struct fake *fake, union packet *packet, size_t i)
{
	bool event = of_server[i] >= BARLEASE_PACKET_RECALLED;

	fake_packet(packet, of_server[i], event ? 0 : fake_start(fake));
}

static void a_packet_of_another_size_ends_the_connection(void **state)
{
	static char bytes[sizeof(union packet) + 1];
	struct fake *fake;
	size_t i, length;

	(void)state;
	for (i = 0; i < OF_SERVER; i++)
		for (length = 1; length <= sizeof(bytes); length += 3) {
			fake = begin();
			make(fake, (union packet *)bytes, i);
			if (length != ((union packet *)bytes)->header.size) {
				fake_send_bytes(fake, bytes, length, 0);
				assert_over(fake, -EPROTO);
			}
			end(fake);
		}
}

static void another_version_ends_the_connection(void **state)
{
	struct fake *fake = *state;
	union packet packet;

	make(fake, &packet, 0);
	packet.header.version = 2;
	fake_send_bytes(fake, &packet, packet.header.size, 0);
	assert_over(fake, -EPROTONOSUPPORT);
}

static void an_empty_packet_ends_the_connection(void **state)
{
	struct fake *fake = *state;

	fake_send_bytes(fake, "", 0, 0);
	assert_over(fake, -ECONNRESET);
}

static void a_text_without_an_end_ends_the_connection(void **state)
{
	struct fake *fake = *state;
	union packet packet;

	fake_packet(&packet, BARLEASE_PACKET_REFUSED, fake_start(fake));
	memset(packet.refused.sentence, 'x', sizeof(packet.refused.sentence));
	fake_send_bytes(fake, &packet, packet.header.size, 0);
	assert_over(fake, -EPROTO);
}

static void an_fd_where_none_belongs_ends_the_connection(void **state)
{
	unsigned int fds;
	union packet packet;
	struct fake *fake;
	size_t i;

	(void)state;
	for (i = 0; i < OF_SERVER; i++)
		for (fds = 1; fds < 250; fds += 83) {
			fake = begin();
			make(fake, &packet, i);
			if (of_server[i] != BARLEASE_PACKET_GRANT) {
				fake_send_bytes(fake, &packet,
						packet.header.size, fds);
				assert_over(fake, -EPROTO);
			}
			end(fake);
		}
}

static void an_fd_that_found_no_room_does_not_belong_either(void **state)
{
	struct fake *fake = *state;
	union packet packet;
	int err;

	fake_packet(&packet, BARLEASE_PACKET_REVOKED, 0);
	fake_send_bytes(fake, &packet, packet.header.size, 1);
	fds_exhaust(true);
	err = lessee_receive(fake->lessee);
	fds_exhaust(false);
	assert_int_equal(err, -EPROTO);
	lessee_update_fd(fake->lessee);
	assert_over(fake, -EPROTO);
}

static void a_lease_without_one_fd_ends_the_connection(void **state)
{
	unsigned int counts[] = { 0, 2, 3, 250 };
	struct fake *fake;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		fake = begin();
		fake_grant(fake, fake_start(fake), 8, counts[i]);
		assert_over(fake, -EPROTO);
		end(fake);
	}
}

static void an_answer_to_nothing_ends_the_connection(void **state)
{
	struct fake *fake;
	size_t i;

	(void)state;
	for (i = 0; of_server[i] < BARLEASE_PACKET_RECALLED; i++) {
		fake = begin();
		fake_start(fake);
		if (of_server[i] == BARLEASE_PACKET_GRANT)
			fake_grant(fake, fake_next(fake), 8, 1);
		else
			fake_send(fake, of_server[i], fake_next(fake), EPROTO);
		assert_over(fake, -EPROTO);
		end(fake);
	}
}

static void an_answer_to_something_else_ends_the_connection(void **state)
{
	static const struct {
		enum barlease_packet_type asked;
		enum barlease_packet_type answer;
	} mixed[] = {
		{ BARLEASE_PACKET_LIST, BARLEASE_PACKET_QUEUED },
		{ BARLEASE_PACKET_LIST, BARLEASE_PACKET_GRANT },
		{ BARLEASE_PACKET_LIST, BARLEASE_PACKET_RELEASED },
		{ BARLEASE_PACKET_REQUEST, BARLEASE_PACKET_OFFER },
		{ BARLEASE_PACKET_REQUEST, BARLEASE_PACKET_LISTED },
		{ BARLEASE_PACKET_REQUEST, BARLEASE_PACKET_RELEASED },
		{ BARLEASE_PACKET_RELEASE, BARLEASE_PACKET_OFFER },
		{ BARLEASE_PACKET_RELEASE, BARLEASE_PACKET_LISTED },
		{ BARLEASE_PACKET_RELEASE, BARLEASE_PACKET_QUEUED },
		{ BARLEASE_PACKET_RELEASE, BARLEASE_PACKET_GRANT },
	};
	struct barlease_granted granted;
	struct fake *fake;
	uint32_t serial;
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < sizeof(mixed) / sizeof(*mixed); i++) {
		fake = begin();
		fake_lend(fake, 5);
		serial = fake_next(fake);
		if (mixed[i].answer == BARLEASE_PACKET_GRANT)
			fake_grant(fake, serial, 8, 1);
		else
			fake_send(fake, mixed[i].answer, serial, 5);
		if (mixed[i].asked == BARLEASE_PACKET_LIST)
			err = barlease_lessee_list(fake->lessee, NULL, 0);
		else if (mixed[i].asked == BARLEASE_PACKET_REQUEST)
			err = barlease_lessee_request(fake->lessee, &anything,
						      &granted);
		else
			err = barlease_lessee_release(fake->lessee, 5);
		assert_int_equal(err, -EPROTO);
		assert_over(fake, -EPROTO);
		end(fake);
	}
}

static void a_second_answer_ends_the_connection(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	uint32_t serial = fake_start(fake);

	fake_grant(fake, serial, 8, 1);
	assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
	close(event.granted.fd);
	fake_grant(fake, serial, 9, 1);
	assert_over(fake, -EPROTO);
}

/* By a server that follows one which was killed just when it had told it. */
static void a_grant_that_is_told_twice_is_one(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	uint32_t serial = fake_start(fake);

	fake_grant(fake, serial, 8, 1);
	assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
	close(event.granted.fd);
	fake_grant(fake, serial, 8, 1);
	assert_no_event(fake);
	/* And it goes on. */
	fake_grant(fake, fake_start(fake), 9, 1);
	assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
	assert_int_equal(event.lease, 9);
	close(event.granted.fd);
}

static void a_number_that_is_lent_already_ends_the_connection(void **state)
{
	struct fake *fake = *state;

	fake_lend(fake, 8);
	fake_grant(fake, fake_start(fake), 8, 1);
	assert_over(fake, -EPROTO);
}

static void another_lease_given_back_ends_the_connection(void **state)
{
	struct fake *fake = *state;

	fake_lend(fake, 8);
	fake_lend(fake, 9);
	fake_send(fake, BARLEASE_PACKET_RELEASED, fake_next(fake), 9);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), -EPROTO);
	assert_over(fake, -EPROTO);
}

static void offers_that_are_miscounted_end_the_connection(void **state)
{
	struct fake *fake = *state;

	fake_send(fake, BARLEASE_PACKET_OFFER, fake_next(fake), 0);
	fake_send(fake, BARLEASE_PACKET_LISTED, fake_next(fake), 2);
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0), -EPROTO);
	assert_over(fake, -EPROTO);
}

static void events_of_leases_of_others_are_nothing(void **state)
{
	struct fake *fake = *state;

	fake_lend(fake, 8);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 9);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 9);
	fake_send(fake, BARLEASE_PACKET_DEVICE, 0, 9);
	assert_no_event(fake);
}

static void a_flood_does_not_outlast_a_timeout(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	uint32_t serial;
	unsigned int i;

	serial = fake_start(fake);
	for (i = 0; i < 2 * PACKETS_AT_ONCE; i++)
		fake_send(fake, BARLEASE_PACKET_REVOKED, 0, i);
	/* There is more to read; it comes to the clock all the same. */
	barlease_lessee_set_timeout(fake->lessee, 0);
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0),
			 -ETIMEDOUT);
	assert_true(is_ready(fake));
	assert_int_equal(barlease_lessee_next_event(fake->lessee, &event),
			 -EAGAIN);
	fake_send(fake, BARLEASE_PACKET_QUEUED, serial, 1);
	assert_event(fake, BARLEASE_EVENT_QUEUED, &event);
}

static void a_server_that_hangs_up_ends_what_waits(void **state)
{
	struct barlease_granted granted;
	struct barlease_event event;
	struct fake *fake;
	int step, err;

	(void)state;
	/* Before each packet of the life of a lease. */
	for (step = 0; step < 6; step++) {
		fake = begin();
		err = 0;
		if (step >= 1)
			fake_lend(fake, 8);
		if (step >= 2)
			fake_start(fake);
		if (step == 3)
			fake_send(fake, BARLEASE_PACKET_QUEUED,
				  fake->lessee->last_serial, 1);
		if (step == 4)
			fake_grant(fake, fake->lessee->last_serial, 9, 1);
		if (step == 5)
			fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 8);
		fake_hang_up(fake);
		switch (step) {
		case 0:
			err = barlease_lessee_list(fake->lessee, NULL, 0);
			break;
		case 1:
			err = barlease_lessee_request(fake->lessee, &anything,
						      &granted);
			break;
		case 2:
			err = barlease_lessee_release(fake->lessee, 8);
			break;
		/* What came before is told before. */
		case 3:
			assert_event(fake, BARLEASE_EVENT_QUEUED, &event);
			break;
		case 4:
			assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
			close(event.granted.fd);
			break;
		case 5:
			assert_event(fake, BARLEASE_EVENT_RECALLED, &event);
			break;
		}
		assert_int_equal(err, step < 3 ? -ECONNRESET : 0);
		assert_over(fake, -ECONNRESET);
		end(fake);
	}
}

static void a_call_that_waits_ends_with_the_server(void **state)
{
	struct barlease_granted granted;
	struct fake *fake = *state;
	uint32_t serial = fake_next(fake);

	/* Not the end of the connection but of what is sent. */
	fake_send(fake, BARLEASE_PACKET_QUEUED, serial, 1);
	assert_int_equal(shutdown(fake->sock, SHUT_WR), 0);
	barlease_lessee_set_timeout(fake->lessee, BARLEASE_WAIT_FOR_EVER);
	assert_int_equal(barlease_lessee_request(fake->lessee, &anything,
						 &granted),
			 -ECONNRESET);
	assert_over(fake, -ECONNRESET);
}

static void the_last_word_of_a_server_is_why(void **state)
{
	struct fake *fake = *state;
	union packet packet;

	/* It closes with packets unread, which is told before all else. */
	fake_start(fake);
	assert_int_equal(barlease_lessee_start(fake->lessee, &anything,
					       &(uint32_t){ 0 }),
			 0);
	fake_packet(&packet, BARLEASE_PACKET_REFUSED, 1);
	packet.refused.error = EPROTO;
	strcpy(packet.refused.sentence, "go away");
	fake_send_bytes(fake, &packet, packet.header.size, 0);
	fake_hang_up(fake);
	assert_int_equal(barlease_lessee_start(fake->lessee, &anything,
					       &(uint32_t){ 0 }),
			 -EPROTO);
	assert_string_equal(barlease_lessee_sentence(fake->lessee), "go away");
	assert_over(fake, -EPROTO);
}

static void an_answer_before_a_hang_up_is_one(void **state)
{
	struct barlease_granted granted;
	struct fake *fake = *state;

	fake_grant(fake, fake_next(fake), 8, 1);
	assert_int_equal(shutdown(fake->sock, SHUT_WR), 0);
	assert_int_equal(barlease_lessee_request(fake->lessee, &anything,
						 &granted),
			 0);
	assert_int_equal(granted.lease, 8);
	close(granted.fd);
	assert_over(fake, -ECONNRESET);
}

static void a_hang_up_comes_before_too_many_requests(void **state)
{
	struct fake *fake = *state;
	unsigned int i;

	for (i = 0; i < BARLEASE_REQUESTS_MAX; i++)
		fake_start(fake);
	fake_hang_up(fake);
	assert_over(fake, -ECONNRESET);
}

static void the_last_word_is_not_to_try_again(void **state)
{
	struct fake *fake = *state;

	fake_send(fake, BARLEASE_PACKET_REFUSED, 1, EAGAIN);
	assert_over(fake, -ECONNRESET);
}

static void a_lease_before_a_hang_up_is_not_lost(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;
	uint32_t serial = fake_start(fake);

	/* As above: what was granted before is told, with its fd. */
	fake_start(fake);
	assert_int_equal(barlease_lessee_cancel(fake->lessee, serial), 0);
	fake_grant(fake, serial, 8, 1);
	fake_hang_up(fake);
	assert_event(fake, BARLEASE_EVENT_GRANTED, &event);
	close(event.granted.fd);
	assert_over(fake, -ECONNRESET);
}

static void a_sentence_cannot_command_a_terminal(void **state)
{
	struct fake *fake = *state;
	union packet packet;

	fake_packet(&packet, BARLEASE_PACKET_REFUSED, fake_next(fake));
	strcpy(packet.refused.sentence,
	       "\033[2Ja\nb\177c\302\233d \303\244\302\240");
	fake_send_bytes(fake, &packet, packet.header.size, 0);
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0), -EBUSY);
	assert_string_equal(barlease_lessee_sentence(fake->lessee),
			    "?[2Ja?b?c?\233d \303\244\302\240");
}

static unsigned int next_random(unsigned int *seed, unsigned int below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

/* What is almost a packet, each a lessee of its own. */
static void what_is_almost_a_packet_is_taken_or_ends_it(void **state)
{
	unsigned int seed = 20261123, rounds, changes, taken = 0, ended = 0;
	struct barlease_event event;
	struct fake *fake;
	union packet packet;
	size_t size, at;
	int err;

	(void)state;
	for (rounds = 0; rounds < 3000; rounds++) {
		fake = begin();
		fake_lend(fake, 0);
		make(fake, &packet, rounds % OF_SERVER);
		size = packet.header.size;
		for (changes = next_random(&seed, 3); changes; changes--) {
			at = next_random(&seed, (unsigned int)size);
			((char *)&packet)[at] = (char)next_random(&seed, 256);
		}
		if (!next_random(&seed, 4))
			size = next_random(&seed, sizeof(packet) + 1);
		fake_send_bytes(fake, &packet, size, next_random(&seed, 3));
		while (!(err = barlease_lessee_next_event(fake->lessee,
							  &event)))
			if (event.granted.fd >= 0)
				close(event.granted.fd);
		taken += err == -EAGAIN;
		ended += err == fake->lessee->error;
		end(fake);
	}
	assert_int_equal(taken + ended, rounds);
	assert_true(taken > 100 && ended > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_of_another_size_ends_the_connection),
		fake_test(a_grant_that_is_told_twice_is_one),
		fake_test(another_version_ends_the_connection),
		fake_test(an_empty_packet_ends_the_connection),
		fake_test(a_text_without_an_end_ends_the_connection),
		cmocka_unit_test(an_fd_where_none_belongs_ends_the_connection),
		fake_test(an_fd_that_found_no_room_does_not_belong_either),
		cmocka_unit_test(a_lease_without_one_fd_ends_the_connection),
		cmocka_unit_test(an_answer_to_nothing_ends_the_connection),
		cmocka_unit_test(
			an_answer_to_something_else_ends_the_connection),
		fake_test(a_second_answer_ends_the_connection),
		fake_test(a_number_that_is_lent_already_ends_the_connection),
		fake_test(another_lease_given_back_ends_the_connection),
		fake_test(offers_that_are_miscounted_end_the_connection),
		fake_test(events_of_leases_of_others_are_nothing),
		fake_test(a_flood_does_not_outlast_a_timeout),
		cmocka_unit_test(a_server_that_hangs_up_ends_what_waits),
		fake_test(a_call_that_waits_ends_with_the_server),
		fake_test(the_last_word_of_a_server_is_why),
		fake_test(an_answer_before_a_hang_up_is_one),
		fake_test(a_hang_up_comes_before_too_many_requests),
		fake_test(the_last_word_is_not_to_try_again),
		fake_test(a_lease_before_a_hang_up_is_not_lost),
		fake_test(a_sentence_cannot_command_a_terminal),
		cmocka_unit_test(what_is_almost_a_packet_is_taken_or_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
