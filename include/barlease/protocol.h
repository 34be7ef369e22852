/* SPDX-License-Identifier: MIT */
/*
 * What a lessee and a lease server say to each other: docs/protocol.md has it in
 * words. An AF_UNIX socket of type SOCK_SEQPACKET, one struct per packet, in the
 * machine's own byte order, without holes. Nobody needs this header who uses
 * barlease/lessee.h.
 */
#ifndef BARLEASE_PROTOCOL_H
#define BARLEASE_PROTOCOL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BARLEASE_PROTOCOL_VERSION 1

/* Bytes of texts, with the 0 that ends each and the zeros that fill it up. */
#define BARLEASE_NAME_SIZE 64
#define BARLEASE_SENTENCE_SIZE 256

/* A wait time: for as long as it takes. */
#define BARLEASE_WAIT_FOR_EVER UINT64_MAX

/* Requests of one connection that wait at the same time. */
#define BARLEASE_REQUESTS_MAX 16

enum barlease_packet_type {
	/* From the lessee. */
	BARLEASE_PACKET_LIST = 1,
	BARLEASE_PACKET_REQUEST = 2,
	BARLEASE_PACKET_CANCEL = 3,
	BARLEASE_PACKET_RELEASE = 4,

	/* Answers, with the serial of what they answer. */
	BARLEASE_PACKET_OFFER = 16,
	BARLEASE_PACKET_LISTED = 17,
	BARLEASE_PACKET_QUEUED = 18,
	BARLEASE_PACKET_GRANT = 19,	/* with one fd */
	BARLEASE_PACKET_REFUSED = 20,
	BARLEASE_PACKET_RELEASED = 21,

	/* Events, with serial 0. */
	BARLEASE_PACKET_RECALLED = 32,
	BARLEASE_PACKET_REVOKED = 33,
	BARLEASE_PACKET_DEVICE = 34,
};

struct barlease_packet {
	uint32_t size;		/* of the whole packet, bytes */
	uint16_t type;		/* enum barlease_packet_type */
	uint16_t version;	/* BARLEASE_PROTOCOL_VERSION */
	uint32_t serial;	/* the lessee's choice, not 0, for its packets */
	uint32_t reserved;	/* 0 */
};

/* What is offered here? Answer: an OFFER for each, then LISTED. */
struct barlease_packet_list {
	struct barlease_packet header;
};

/* Answer: GRANT or REFUSED, after any number of QUEUED. */
struct barlease_packet_request {
	struct barlease_packet header;
	char name[BARLEASE_NAME_SIZE];	/* of an offer; "": the first that fits */
	uint32_t access;		/* enum barlease_access */
	uint32_t attribute;		/* enum barlease_attribute */
	uint64_t minimum;		/* bytes; 0: whatever there is */
	uint64_t wait;			/* ms; 0: not at all */
};

/*
 * Do not wait for this request any longer. No answer of its own: the request
 * has one, be it GRANT because that was already on its way.
 */
struct barlease_packet_cancel {
	struct barlease_packet header;
	uint32_t request;		/* its serial */
	uint32_t reserved;		/* 0 */
};

/* Answer: RELEASED or REFUSED. */
struct barlease_packet_release {
	struct barlease_packet header;
	uint64_t lease;
};

enum barlease_offer_flags {
	BARLEASE_OFFER_SHARED = 1 << 0,		/* to several at a time */
	BARLEASE_OFFER_READ_ONLY = 1 << 1,	/* never for writing */
	BARLEASE_OFFER_WRITE_COMBINING = 1 << 2,/* may be write-combining */
};

struct barlease_packet_offer {
	struct barlease_packet header;
	char name[BARLEASE_NAME_SIZE];
	uint64_t size;		/* of each slice, bytes */
	uint32_t slices;	/* 1, or those of a pool */
	uint32_t free;		/* of them, now */
	uint32_t waiting;	/* requests for it by name, of anybody */
	uint32_t flags;		/* enum barlease_offer_flags */
	uint64_t time_limit;	/* of a lease, ms; 0: none */
};

struct barlease_packet_listed {
	struct barlease_packet header;
	uint32_t offers;	/* how many there were */
	uint32_t reserved;	/* 0 */
};

struct barlease_packet_queued {
	struct barlease_packet header;
	uint32_t position;	/* 1: next; for anything, of this lessee */
	uint32_t reserved;	/* 0 */
};

struct barlease_packet_grant {
	struct barlease_packet header;
	uint64_t lease;		/* its number, never used again by this server */
	char name[BARLEASE_NAME_SIZE];	/* of the offer */
	uint32_t index;		/* of the slice in its pool, from 0 */
	uint32_t bar;
	uint64_t offset;	/* in the BAR, bytes */
	uint64_t size;		/* bytes */
	uint32_t access;	/* enum barlease_access */
	uint32_t attribute;	/* enum barlease_attribute */
	uint64_t time_limit;	/* ms from now; 0: none */
};

struct barlease_packet_refused {
	struct barlease_packet header;
	uint32_t error;		/* an errno(3), positive */
	uint32_t reserved;	/* 0 */
	char sentence[BARLEASE_SENTENCE_SIZE];	/* for people, UTF-8 */
};

struct barlease_packet_released {
	struct barlease_packet header;
	uint64_t lease;
};

/* Release it, or it is revoked when the time is over. */
struct barlease_packet_recalled {
	struct barlease_packet header;
	uint64_t lease;
	uint64_t deadline;	/* ms from now */
};

enum barlease_end {
	BARLEASE_END_RELEASED = 1,	/* by the lessee */
	BARLEASE_END_DIED = 2,		/* the lessee, or its connection */
	BARLEASE_END_EXPIRED = 3,	/* the time limit */
	BARLEASE_END_RECALLED = 4,	/* and not released in time */
	BARLEASE_END_REVOKED = 5,	/* by the lessor */
	BARLEASE_END_DEVICE = 6,	/* lost */
	BARLEASE_END_SERVER = 7,	/* ended */
};

/* The access is gone already. */
struct barlease_packet_revoked {
	struct barlease_packet header;
	uint64_t lease;
	uint32_t why;		/* enum barlease_end */
	uint32_t reserved;	/* 0 */
};

enum barlease_device_state {
	BARLEASE_DEVICE_AWAY = 1,	/* accesses fail for now */
	BARLEASE_DEVICE_BACK = 2,
};

struct barlease_packet_device {
	struct barlease_packet header;
	uint64_t lease;		/* one that this lessee has on it */
	uint32_t state;		/* enum barlease_device_state */
	uint32_t reserved;	/* 0 */
};

/* The largest of them, bytes. */
#define BARLEASE_PACKET_MAX sizeof(struct barlease_packet_refused)

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_PROTOCOL_H */
