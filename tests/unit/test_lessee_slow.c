// SPDX-License-Identifier: MIT
/* Lessees and servers of which neither gets anything more through. */
#include "fake_server.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than a socket holds. */
#define EVENTS 2000

/* As a lease server does: it takes nothing before all that it says is taken. */
static void serve(struct fake *fake)
{
	struct barlease_packet header;

	for (unsigned int i = 0; i < EVENTS; i++)
		fake_send(fake, BARLEASE_PACKET_DEVICE, 0, 5);
	do {
		if (recv(fake->sock, &header, sizeof(header), 0) <= 0)
			_exit(1);
	} while (header.type != BARLEASE_PACKET_REQUEST);
	fake_send(fake, BARLEASE_PACKET_REFUSED, header.serial, EBUSY);
}

/* What fills the socket are events that nobody has looked at, and releases. */
static void who_finds_no_room_reads_what_there_is(void **state)
{
	const struct barlease_wanted wanted = { .wait = 0 };
	struct barlease_granted granted;
	struct fake *fake = *state;
	union packet packet;
	pid_t pid;

	fake_lend(fake, 5);
	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 7);
	while (!barlease_packet_send(fake->lessee->sock, &packet, -1))
		;
	pid = fork();
	if (!pid) {
		serve(fake);
		_exit(0);
	}
	barlease_lessee_set_timeout(fake->lessee, 5000);
	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 -EBUSY);
	assert_event(fake, BARLEASE_EVENT_AWAY,
		     &(struct barlease_event){ 0 });
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Whether it is in the midst of that or not. */
static void a_server_that_hangs_up_is_noticed_without_room(void **state)
{
	const struct barlease_wanted wanted = { .wait = 0 };
	struct barlease_granted granted;
	struct fake *fake = *state;
	union packet packet;
	pid_t pid;

	barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE, 7);
	while (!barlease_packet_send(fake->lessee->sock, &packet, -1))
		;
	pid = fork();
	if (!pid) {
		usleep(10000);
		fake_send(fake, BARLEASE_PACKET_REFUSED, 1, EPROTO);
		shutdown(fake->sock, SHUT_RDWR);
		_exit(0);
	}
	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 -EPROTO);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(who_finds_no_room_reads_what_there_is),
		fake_test(a_server_that_hangs_up_is_noticed_without_room),
	};

	return cmocka_run_group_tests_name("lessee_slow", tests, NULL, NULL);
}
