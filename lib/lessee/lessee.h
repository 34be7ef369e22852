/* SPDX-License-Identifier: MIT */
/* What a lessee knows of its connection, its requests and its leases. */
#ifndef LESSEE_LESSEE_H
#define LESSEE_LESSEE_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "protocol/socket.h"

/* Serial 1 is what a server may use when it says why it hangs up. */
#define FIRST_SERIAL 2

/* What is read before looking at the clock, or at the events, again. */
#define PACKETS_AT_ONCE 64

#define LEASE_BUCKETS 256

/* What a call that waits is answered; on its stack. */
struct answer {
	bool there;
	int error; /* 0 or -errno */
	struct barlease_granted granted; /* its time limit is yet a deadline */

	/* Of a list. */
	struct barlease_offer *offers;
	unsigned int room, found;
};

/*
 * One thing that was asked for, and the lease that may come of it. So nothing
 * has to be allocated when the lease is granted, and what there is to tell
 * is bounded by what was asked for.
 */
struct record {
	TAILQ_ENTRY(record) unanswered; /* while "serial" is not 0 */
	TAILQ_ENTRY(record) telling; /* while "events" is not 0 */
	LIST_ENTRY(record) bucket; /* while "live" */

	uint32_t serial; /* of a packet that has no answer yet, or 0 */
	enum barlease_packet_type asked; /* its type */
	enum barlease_packet_type due; /* of one that found no room, or 0 */
	/* Who gets the answer: a call, the events, or nobody. */
	struct answer *answer;
	bool told;

	unsigned int events; /* 1 << enum barlease_event_type */
	uint32_t request; /* serial that the lease was asked for by */
	uint32_t position;
	int error; /* positive */
	char sentence[BARLEASE_SENTENCE_SIZE];

	bool live; /* a lease that is not over */
	bool known; /* ... which the caller knows of, or will */
	struct barlease_granted granted; /* "fd" is -1 once it is told */
	uint64_t deadline; /* of the recall, see lessee_deadline() */
	uint32_t why; /* enum barlease_end */
};

TAILQ_HEAD(record_queue, record);
LIST_HEAD(record_bucket, record);

struct barlease_lessee {
	int sock; /* -1: the connection is over */
	int error; /* 0, or why it is over: -errno */
	bool reset; /* it is, but there may be packets to read */
	bool hangup_told;
	char sentence[BARLEASE_SENTENCE_SIZE];
	pid_t owner; /* not a child that has come by it */
	uint64_t timeout; /* ms */

	/* What the caller polls: the socket, and a counter that is not 0 while
	 * there are events to be told.
	 */
	int poll_fd, ready_fd;
	bool ready, watches_room;

	uint32_t last_serial;
	unsigned int asked; /* requests and lists in "unanswered" */
	unsigned int due; /* records with something due */
	struct record_queue unanswered, telling;
	struct record_bucket leases[LEASE_BUCKETS];
};

/* record.c */

/* One of which nothing is known yet; NULL when there is no memory. */
struct record *record_create(void);

/* A serial that no packet without an answer has. */
uint32_t lessee_next_serial(struct barlease_lessee *lessee);

/* The packet of that type and serial has no answer yet. */
void record_ask(struct barlease_lessee *lessee, struct record *record,
		enum barlease_packet_type type, uint32_t serial);
/* Now it has one. */
void record_answered(struct barlease_lessee *lessee, struct record *record);

void record_set_live(struct barlease_lessee *lessee, struct record *record);
void record_set_over(struct record *record);

/* Have an event told, or none of it any more. */
void record_tell(struct barlease_lessee *lessee, struct record *record,
		 enum barlease_event_type type);
void record_untell(struct barlease_lessee *lessee, struct record *record,
		   unsigned int events);

/* Free it if nothing holds it. */
void record_settle(struct barlease_lessee *lessee, struct record *record);
void record_destroy(struct barlease_lessee *lessee, struct record *record);

struct record *record_of_serial(struct barlease_lessee *lessee,
				uint32_t serial);
struct record *record_of_lease(struct barlease_lessee *lessee, uint64_t lease);

/* clock.c */

/* Milliseconds of CLOCK_MONOTONIC; UINT64_MAX is never. */
uint64_t lessee_deadline(uint64_t from_now);
uint64_t lessee_left(uint64_t deadline);

/* receive.c */

/**
 * lessee_take_packet() - have what was received change what is known
 * @lessee: connection
 * @received: it; its fd is taken
 *
 * Return: 0, or -errno that the connection was ended with.
 */
int lessee_take_packet(struct barlease_lessee *lessee,
		       struct received *received);

/**
 * lessee_receive() - take what is there, up to PACKETS_AT_ONCE
 * @lessee: connection
 *
 * Return: 0, or why the connection is over.
 */
int lessee_receive(struct barlease_lessee *lessee);

/**
 * lessee_hang_up() - the connection is over
 * @lessee: connection
 * @error: -errno
 * @sentence: why, or NULL to leave what is there
 *
 * Return: @error.
 */
int lessee_hang_up(struct barlease_lessee *lessee, int error,
		   const char *sentence);

/* send.c */

/**
 * lessee_send() - send a packet
 * @lessee: connection
 * @packet: packet
 * @deadline: until when to wait for room; 0: not at all
 *
 * Return: 0, -EAGAIN or -ETIMEDOUT when there is no room, why the connection is
 * over, or -errno of sendmsg(2) or poll(2).
 */
int lessee_send(struct barlease_lessee *lessee, const union packet *packet,
		uint64_t deadline);

/* Cancel the request, or give the lease back, now or when there is room. */
void lessee_cancel_soon(struct barlease_lessee *lessee, struct record *record);
void lessee_release_soon(struct barlease_lessee *lessee, struct record *record);
void lessee_send_due(struct barlease_lessee *lessee);

/* wait.c */

/**
 * lessee_poll() - wait for something on the socket
 * @lessee: connection
 * @events: POLLIN, POLLOUT or both
 * @deadline: until then
 *
 * Return: 0, -ETIMEDOUT, or -errno of poll(2).
 */
int lessee_poll(struct barlease_lessee *lessee, short events,
		uint64_t deadline);

/**
 * lessee_wait() - wait until a call is answered
 * @lessee: connection
 * @answer: its answer
 * @deadline: until then
 *
 * Return: the answer's error, -ETIMEDOUT, why the connection is over, or -errno
 * of poll(2).
 */
int lessee_wait(struct barlease_lessee *lessee, const struct answer *answer,
		uint64_t deadline);

/* Bring what the caller polls in step. The last thing that a call does. */
void lessee_update_fd(struct barlease_lessee *lessee);

/* request.c */

/**
 * lessee_ask() - send a packet that will be answered
 * @lessee: connection
 * @packet: packet; gets its serial here
 * @deadline: until when to wait for room; 0: not at all
 * @asked: where to put the record of it
 *
 * Return: 0, -EDQUOT, -ENOMEM, or as lessee_send().
 */
int lessee_ask(struct barlease_lessee *lessee, union packet *packet,
	       uint64_t deadline, struct record **asked);

/* event.c */

/* What is left of it, as barlease/lessee.h has it; it is yet a deadline. */
uint64_t lessee_time_limit(const struct barlease_granted *granted);

/* text.c */

/* Copy a sentence of a packet, without what a terminal would obey. */
void lessee_copy_sentence(char *to, const char *from);

#endif /* LESSEE_LESSEE_H */
