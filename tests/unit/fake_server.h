/* SPDX-License-Identifier: MIT */
/* A lessee, and a server whose every packet a test writes by hand. */
#ifndef UNIT_FAKE_SERVER_H
#define UNIT_FAKE_SERVER_H

#include "support.h"

#include "lessee/lessee.h"

struct fake {
	struct barlease_lessee *lessee;
	int sock; /* the server's end */
	int memory; /* a file of two pages, to be granted */
	unsigned int fds; /* that were open before */
};

/* Fixtures for cmocka: *state is the struct fake. No fd is left by a test. */
int fake_setup(void **state);
int fake_teardown(void **state);

#define fake_test(function) \
	cmocka_unit_test_setup_teardown(function, fake_setup, fake_teardown)

/* A packet that is valid as it is; @about: the serial that it answers, or 0. */
void fake_packet(union packet *packet, enum barlease_packet_type type,
		 uint32_t about);

/* The same, sent. @number: lease, position or state that it is about. */
void fake_send(struct fake *fake, enum barlease_packet_type type,
	       uint32_t about, uint64_t number);

/* GRANT of that lease, with fds of the memory. */
void fake_grant(struct fake *fake, uint32_t about, uint64_t lease,
		unsigned int fds);

/* Anything. */
void fake_send_bytes(struct fake *fake, const void *bytes, size_t length,
		     unsigned int fds);

void fake_hang_up(struct fake *fake);

/* The serial that the lessee's next packet will have. */
uint32_t fake_next(const struct fake *fake);

/* What the lessee has sent: of that type. */
void fake_receive(struct fake *fake, enum barlease_packet_type type,
		  union packet *packet);
void fake_receive_nothing(struct fake *fake);

/* A lease that the lessee has, by barlease_lessee_request(). */
void fake_lend(struct fake *fake, uint64_t lease);

/* A request that waits; its serial. */
uint32_t fake_start(struct fake *fake);

/* Whether there is something on the fd for event loops. */
bool is_ready(const struct fake *fake);
void assert_event(struct fake *fake, enum barlease_event_type type,
		  struct barlease_event *event);
void assert_no_event(struct fake *fake);

/* The connection is over, for this reason, and events say so, once. */
void assert_over(struct fake *fake, int error);

#endif /* UNIT_FAKE_SERVER_H */
