// SPDX-License-Identifier: MIT
/* Lessees: the calls that wait, against a server that says what a test says. */
#include "fake_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct barlease_wanted anything;

static void what_is_no_connection_of_packets_is_refused(void **state)
{
	struct barlease_lessee *lessee;
	unsigned int before = fd_count();
	int ends[2], udp, alone;

	(void)state;
	assert_int_equal(barlease_lessee_connect_fd(-1, &lessee), -EBADF);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(barlease_lessee_connect_fd(ends[0], &lessee),
			 -ENOTSOCK);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(barlease_lessee_connect_fd(ends[0], &lessee),
			 -EPROTOTYPE);
	close(ends[0]);
	close(ends[1]);
	udp = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(barlease_lessee_connect_fd(udp, &lessee), -ENOTCONN);
	close(udp);
	alone = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(barlease_lessee_connect_fd(alone, &lessee), -ENOTCONN);
	close(alone);
	assert_int_equal(fd_count(), before);
}

static void a_path_that_leads_nowhere_is_refused(void **state)
{
	struct tree *tree = *state;
	unsigned int before = fd_count();
	struct barlease_lessee *lessee;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[128];
	int sock;

	assert_int_equal(barlease_lessee_connect("", &lessee), -EINVAL);
	snprintf(path, sizeof(path), "%s/none", tree->root);
	assert_int_equal(barlease_lessee_connect(path, &lessee), -ENOENT);
	memset(path, 'x', sizeof(path));
	path[108] = '\0';
	assert_int_equal(barlease_lessee_connect(path, &lessee),
			 -ENAMETOOLONG);
	path[107] = '\0';
	assert_int_equal(barlease_lessee_connect(path, &lessee), -ENOENT);

	sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/left",
		 tree->root);
	assert_int_equal(bind(sock, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(barlease_lessee_connect(address.sun_path, &lessee),
			 -ECONNREFUSED);
	close(sock);
	assert_int_equal(fd_count(), before);
}

static void a_connection_is_not_inherited_and_ends_once(void **state)
{
	struct fake *fake = *state;
	char byte;

	assert_int_equal(fcntl(fake->lessee->sock, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(barlease_lessee_get_fd(fake->lessee), F_GETFD),
			 FD_CLOEXEC);
	barlease_lessee_close(NULL);
	barlease_lessee_close(fake->lessee);
	fake->lessee = NULL;
	assert_int_equal(recv(fake->sock, &byte, 1, MSG_DONTWAIT), 0);
}

static void offers_are_listed_and_counted(void **state)
{
	struct fake *fake = *state;
	uint32_t serial = fake_next(fake);
	struct barlease_offer offers[3];
	union packet packet;
	unsigned int i;

	memset(offers, 0xee, sizeof(offers));
	for (i = 0; i < 3; i++) {
		fake_packet(&packet, BARLEASE_PACKET_OFFER, serial);
		snprintf(packet.offer.name, sizeof(packet.offer.name),
			 "pool %u", i);
		packet.offer.size = 0x100000000u + i;
		packet.offer.slices = 20 + i;
		packet.offer.free = 10 + i;
		packet.offer.waiting = 30 + i;
		packet.offer.flags = BARLEASE_OFFER_SHARED;
		packet.offer.time_limit = 0x200000000u + i;
		fake_send_bytes(fake, &packet, packet.header.size, 0);
	}
	fake_send(fake, BARLEASE_PACKET_LISTED, serial, 3);
	assert_int_equal(barlease_lessee_list(fake->lessee, offers, 2), 3);
	for (i = 0; i < 2; i++) {
		assert_string_equal(offers[i].name, i ? "pool 1" : "pool 0");
		assert_true(offers[i].size == 0x100000000u + i);
		assert_int_equal(offers[i].slices, 20 + i);
		assert_int_equal(offers[i].free, 10 + i);
		assert_int_equal(offers[i].waiting, 30 + i);
		assert_int_equal(offers[i].flags, BARLEASE_OFFER_SHARED);
		assert_true(offers[i].time_limit == 0x200000000u + i);
	}
	/* There was room for two. */
	assert_int_equal((unsigned char)offers[2].name[0], 0xee);
	fake_receive(fake, BARLEASE_PACKET_LIST, &packet);
	assert_int_equal(packet.header.serial, serial);
	fake_receive_nothing(fake);
}

static void a_list_that_is_refused_says_why(void **state)
{
	struct fake *fake = *state;

	fake_send(fake, BARLEASE_PACKET_REFUSED, fake_next(fake), ENOMEM);
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0), -ENOMEM);
	assert_string_equal(barlease_lessee_sentence(fake->lessee), "not now");
}

static void a_request_asks_for_what_is_wanted(void **state)
{
	const struct barlease_wanted wanted = {
		.name = "queues",
		.access = BARLEASE_READ_ONLY,
		.attribute = BARLEASE_WRITE_COMBINING,
		.minimum = 0x123456789,
		.wait = 0xabcdef012,
	};
	struct fake *fake = *state;
	struct barlease_granted granted;
	union packet packet;

	fake_send(fake, BARLEASE_PACKET_REFUSED, fake_next(fake), EBUSY);
	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 -EBUSY);
	fake_receive(fake, BARLEASE_PACKET_REQUEST, &packet);
	assert_string_equal(packet.request.name, "queues");
	assert_int_equal(packet.request.access, BARLEASE_READ_ONLY);
	assert_int_equal(packet.request.attribute, BARLEASE_WRITE_COMBINING);
	assert_true(packet.request.minimum == 0x123456789);
	assert_true(packet.request.wait == 0xabcdef012);
}

static void a_request_for_what_cannot_be_is_not_sent(void **state)
{
	struct barlease_wanted wanted = { .access = 2 };
	struct fake *fake = *state;
	struct barlease_granted granted;
	char name[BARLEASE_NAME_SIZE + 1];

	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 -EINVAL);
	wanted = (struct barlease_wanted){ .attribute = 2 };
	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 -EINVAL);
	memset(name, 'x', sizeof(name));
	name[BARLEASE_NAME_SIZE] = '\0';
	wanted = (struct barlease_wanted){ .name = name };
	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 -ENAMETOOLONG);
	fake_receive_nothing(fake);
	name[BARLEASE_NAME_SIZE - 1] = '\0';
	fake_send(fake, BARLEASE_PACKET_REFUSED, fake_next(fake), ENOENT);
	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 -ENOENT);
}

static void a_lease_is_granted_mapped_and_released(void **state)
{
	struct fake *fake = *state;
	struct barlease_granted granted;
	struct barlease_map map;
	union packet packet;
	uint32_t word = 0;

	fake_send(fake, BARLEASE_PACKET_QUEUED, fake_next(fake), 1);
	fake_grant(fake, fake_next(fake), 77, 1);
	assert_int_equal(barlease_lessee_request(fake->lessee, &anything,
						 &granted),
			 0);
	assert_int_equal(granted.lease, 77);
	assert_string_equal(granted.name, "queues");
	assert_int_equal(granted.index, 3);
	assert_int_equal(granted.bar, 2);
	assert_int_equal(granted.offset, 0x5000);
	assert_int_equal(granted.size, 8192);
	assert_int_equal(granted.access, BARLEASE_READ_WRITE);
	assert_int_equal(granted.attribute, BARLEASE_NON_CACHED);
	assert_int_equal(granted.time_limit, 0);
	assert_int_equal(fcntl(granted.fd, F_GETFD), FD_CLOEXEC);

	assert_int_equal(barlease_lessee_map(&granted, &map), 0);
	assert_int_equal(map.length, 8192);
	((uint32_t *)map.address)[1025] = 0x1234;
	assert_int_equal(pread(fake->memory, &word, 4, 4100), 4);
	assert_int_equal(word, 0x1234);
	barlease_map_end(&map);
	close(granted.fd);

	fake_send(fake, BARLEASE_PACKET_RELEASED, fake_next(fake), 77);
	assert_int_equal(barlease_lessee_release(fake->lessee, 77), 0);
	fake_receive(fake, BARLEASE_PACKET_REQUEST, &packet);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	assert_int_equal(packet.release.lease, 77);
	assert_int_equal(barlease_lessee_release(fake->lessee, 77), -ENOENT);
	fake_receive_nothing(fake);
	assert_no_event(fake);
}

static void a_mapping_keeps_to_access_and_size(void **state)
{
	struct fake *fake = *state;
	struct barlease_granted granted = {
		.fd = fake->memory,
		.size = 4096,
		.access = BARLEASE_READ_ONLY,
	};
	struct barlease_map map;

	assert_int_equal(barlease_lessee_map(&granted, &map), 0);
	assert_int_equal(map.length, 4096);
	assert_int_equal(pread(fake->memory, map.address, 4, 0), -1);
	assert_int_equal(errno, EFAULT);
	barlease_map_end(&map);
	/* A server that has more on offer than there is. */
	granted.size = 3 * 4096;
	assert_int_equal(barlease_lessee_map(&granted, &map), -EINVAL);
	granted.size = 0;
	assert_int_equal(barlease_lessee_map(&granted, &map), -EINVAL);
	granted.size = UINT64_MAX;
	assert_int_equal(barlease_lessee_map(&granted, &map), -EINVAL);
}

static void a_mapping_agrees_with_its_place_in_the_bar(void **state)
{
	struct barlease_granted granted = {
		.fd = memfd_create("lease", MFD_CLOEXEC),
		.size = 4 << 20,
		.offset = 0x40105000,
	};
	struct barlease_map map;

	(void)state;
	assert_int_equal(ftruncate(granted.fd, 4 << 20), 0);
	assert_int_equal(barlease_lessee_map(&granted, &map), 0);
	assert_int_equal((uintptr_t)map.address % (2 << 20), 0x105000);
	barlease_map_end(&map);
	close(granted.fd);
}

static void the_time_that_is_left_is_told_and_never_none(void **state)
{
	struct fake *fake = *state;
	struct barlease_granted granted;
	union packet packet;

	fake_packet(&packet, BARLEASE_PACKET_GRANT, fake_next(fake));
	packet.grant.time_limit = 3600000;
	fake_send_bytes(fake, &packet, packet.header.size, 1);
	assert_int_equal(barlease_lessee_request(fake->lessee, &anything,
						 &granted),
			 0);
	assert_true(granted.time_limit > 0 && granted.time_limit <= 3600000);
	close(granted.fd);
	/* Over since long, but not without an end. */
	granted.time_limit = 1;
	assert_int_equal(lessee_time_limit(&granted), 1);
	granted.time_limit = UINT64_MAX;
	assert_true(lessee_time_limit(&granted) == UINT64_MAX);
	assert_true(lessee_deadline(UINT64_MAX) == UINT64_MAX);
}

static void what_nobody_waits_for_any_more_is_given_back(void **state)
{
	struct fake *fake = *state;
	struct barlease_granted granted;
	union packet packet;
	uint32_t serial = fake_next(fake);

	barlease_lessee_set_timeout(fake->lessee, 1);
	assert_int_equal(barlease_lessee_request(fake->lessee, &anything,
						 &granted),
			 -ETIMEDOUT);
	fake_receive(fake, BARLEASE_PACKET_REQUEST, &packet);
	fake_receive(fake, BARLEASE_PACKET_CANCEL, &packet);
	assert_int_equal(packet.cancel.request, serial);
	assert_int_not_equal(packet.header.serial, serial);

	/* It was on its way. */
	fake_grant(fake, serial, 5, 1);
	assert_no_event(fake);
	assert_int_equal(fd_count(), fake->fds + 5);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	assert_int_equal(packet.release.lease, 5);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 5);
	fake_send(fake, BARLEASE_PACKET_REFUSED, packet.header.serial, ENOENT);
	assert_no_event(fake);
	assert_true(TAILQ_EMPTY(&fake->lessee->unanswered));
	assert_int_equal(fake->lessee->asked, 0);
}

static void a_late_answer_to_a_list_goes_nowhere(void **state)
{
	struct fake *fake = *state;
	uint32_t serial = fake_next(fake);
	struct barlease_offer offer;

	barlease_lessee_set_timeout(fake->lessee, 1);
	assert_int_equal(barlease_lessee_list(fake->lessee, &offer, 1),
			 -ETIMEDOUT);
	fake_send(fake, BARLEASE_PACKET_OFFER, serial, 0);
	fake_send(fake, BARLEASE_PACKET_LISTED, serial, 1);
	assert_no_event(fake);
	fake_send(fake, BARLEASE_PACKET_LISTED, fake_next(fake), 0);
	assert_int_equal(barlease_lessee_list(fake->lessee, &offer, 1), 0);
}

static void a_late_answer_to_a_release_goes_nowhere(void **state)
{
	struct fake *fake = *state;
	uint32_t serial;

	fake_lend(fake, 8);
	serial = fake_next(fake);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 8);
	barlease_lessee_set_timeout(fake->lessee, 1);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), -ETIMEDOUT);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), -ENOENT);
	assert_no_event(fake);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 8);
	fake_send(fake, BARLEASE_PACKET_RELEASED, serial, 8);
	assert_no_event(fake);
	assert_true(TAILQ_EMPTY(&fake->lessee->unanswered));
}

static void a_server_that_stands_still_does_not_collect_requests(void **state)
{
	struct fake *fake = *state;
	struct barlease_granted granted;
	unsigned int i;

	barlease_lessee_set_timeout(fake->lessee, 0);
	for (i = 0; i < BARLEASE_REQUESTS_MAX; i++)
		assert_int_equal(i % 2 ? barlease_lessee_list(fake->lessee,
							      NULL, 0) :
					 barlease_lessee_request(fake->lessee,
								 &anything,
								 &granted),
				 -ETIMEDOUT);
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0), -EDQUOT);
	assert_int_equal(barlease_lessee_request(fake->lessee, &anything,
						 &granted),
			 -EDQUOT);
	fake_send(fake, BARLEASE_PACKET_LISTED, FIRST_SERIAL + 2, 0);
	assert_no_event(fake);
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0),
			 -ETIMEDOUT);
}

static void a_revocation_on_the_way_counts_as_released(void **state)
{
	struct fake *fake = *state;
	union packet packet;

	fake_lend(fake, 8);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 8);
	fake_send(fake, BARLEASE_PACKET_REFUSED, fake_next(fake), ENOENT);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), 0);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	assert_no_event(fake);
	/* Whatever it is that the server says to it then. */
	fake_lend(fake, 8);
	fake_send(fake, BARLEASE_PACKET_REVOKED, 0, 8);
	fake_send(fake, BARLEASE_PACKET_REFUSED, fake_next(fake), EINVAL);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), 0);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	assert_no_event(fake);
	/* And without the event, which must not make a difference. */
	fake_lend(fake, 9);
	fake_send(fake, BARLEASE_PACKET_REFUSED, fake_next(fake), ENOENT);
	assert_int_equal(barlease_lessee_release(fake->lessee, 9), 0);
	assert_int_equal(barlease_lessee_release(fake->lessee, 9), -ENOENT);
}

static void a_lease_that_is_not_taken_back_stays(void **state)
{
	struct fake *fake = *state;
	struct barlease_event event;

	fake_lend(fake, 8);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 8);
	fake_send(fake, BARLEASE_PACKET_REFUSED, fake_next(fake), ENOMEM);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), -ENOMEM);
	/* And what has happened meanwhile is told. */
	assert_event(fake, BARLEASE_EVENT_RECALLED, &event);
	assert_int_equal(event.lease, 8);
	fake_send(fake, BARLEASE_PACKET_RELEASED, fake_next(fake), 8);
	assert_int_equal(barlease_lessee_release(fake->lessee, 8), 0);
}

static void a_lease_whose_fd_finds_no_room_is_given_back(void **state)
{
	struct fake *fake = *state;
	struct barlease_granted granted;
	union packet packet;
	int err;

	fake_grant(fake, fake_next(fake), 5, 1);
	fds_exhaust(true);
	err = barlease_lessee_request(fake->lessee, &anything, &granted);
	fds_exhaust(false);
	assert_int_equal(err, -EMFILE);
	fake_receive(fake, BARLEASE_PACKET_REQUEST, &packet);
	fake_receive(fake, BARLEASE_PACKET_RELEASE, &packet);
	assert_int_equal(packet.release.lease, 5);
	fake_send(fake, BARLEASE_PACKET_RECALLED, 0, 5);
	fake_send(fake, BARLEASE_PACKET_RELEASED, packet.header.serial, 5);
	assert_no_event(fake);
	assert_true(TAILQ_EMPTY(&fake->lessee->unanswered));
}

static void nothing(int number)
{
	(void)number;
}

static void signals_neither_end_nor_stretch_a_wait(void **state)
{
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	const struct itimerval never = { 0 };
	struct sigaction action = { .sa_handler = nothing }, before;
	struct fake *fake = *state;
	int err;

	barlease_lessee_set_timeout(fake->lessee, 50);
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	err = barlease_lessee_list(fake->lessee, NULL, 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_int_equal(err, -ETIMEDOUT);
}

static void a_child_that_closes_its_copy_leaves_the_parent_s(void **state)
{
	struct fake *fake = *state;
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		barlease_lessee_close(fake->lessee);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fake_send(fake, BARLEASE_PACKET_LISTED, fake_next(fake), 0);
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0), 0);
	assert_no_event(fake);
}

static void a_child_that_lives_does_not_keep_the_connection(void **state)
{
	struct fake *fake = *state;
	char byte;
	pid_t pid;

	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	barlease_lessee_close(fake->lessee);
	fake->lessee = NULL;
	assert_int_equal(recv(fake->sock, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_connection_of_packets_is_refused),
		cmocka_unit_test_setup_teardown(
			a_path_that_leads_nowhere_is_refused, tree_setup,
			tree_teardown),
		fake_test(a_connection_is_not_inherited_and_ends_once),
		fake_test(offers_are_listed_and_counted),
		fake_test(a_list_that_is_refused_says_why),
		fake_test(a_request_asks_for_what_is_wanted),
		fake_test(a_request_for_what_cannot_be_is_not_sent),
		fake_test(a_lease_is_granted_mapped_and_released),
		fake_test(a_mapping_keeps_to_access_and_size),
		fake_test(a_mapping_agrees_with_its_place_in_the_bar),
		fake_test(the_time_that_is_left_is_told_and_never_none),
		fake_test(what_nobody_waits_for_any_more_is_given_back),
		fake_test(a_late_answer_to_a_list_goes_nowhere),
		fake_test(a_late_answer_to_a_release_goes_nowhere),
		fake_test(a_server_that_stands_still_does_not_collect_requests),
		fake_test(a_revocation_on_the_way_counts_as_released),
		fake_test(a_lease_that_is_not_taken_back_stays),
		fake_test(a_lease_whose_fd_finds_no_room_is_given_back),
		fake_test(signals_neither_end_nor_stretch_a_wait),
		fake_test(a_child_that_closes_its_copy_leaves_the_parent_s),
		fake_test(a_child_that_lives_does_not_keep_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
