/* SPDX-License-Identifier: MIT */
/*
 * What operators and barleased say to each other: docs/protocol.md, "Operators",
 * has it in words. The framing is that of barlease/protocol.h.
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include <stdint.h>

#include <barlease/protocol.h>

/* Bytes of texts, with the 0 that ends each and the zeros that fill it up. */
#define CONTROL_DEVICE_SIZE 32
#define CONTROL_SOCKET_SIZE 112
#define CONTROL_COMMAND_SIZE 32
#define CONTROL_CGROUP_SIZE 512
#define CONTROL_LABEL_SIZE 16
#define CONTROL_HELP_SIZE 96

/* A grace: that of the offer. */
#define CONTROL_GRACE_OF_OFFER (UINT64_MAX - 1)
/* What cannot be told. */
#define CONTROL_UNKNOWN UINT32_MAX

enum control_type {
	/* From the operator. */
	CONTROL_LIST = 64,
	CONTROL_RECALL = 65,
	CONTROL_REVOKE = 66,
	CONTROL_WATCH = 67,
	CONTROL_STAT = 68,

	/* Answers, with the serial of what they answer; and REFUSED. */
	CONTROL_OFFER = 80,
	CONTROL_LEASE = 81,
	CONTROL_WAITING = 82,
	CONTROL_DONE = 83,
	CONTROL_FIGURE = 84,

	/* With serial 0. */
	CONTROL_EVENT = 96,
};

/*
 * LIST: any number of OFFER, LEASE, WAITING; WATCH: the same; STAT: any number
 * of FIGURE. Then DONE.
 */
struct control_ask {
	struct barlease_packet header;
};

/* Answer: DONE or REFUSED. */
struct control_recall {
	struct barlease_packet header;
	uint64_t lease;
	uint64_t grace; /* ms; CONTROL_GRACE_OF_OFFER; 2^64 - 1: no end */
};

struct control_revoke {
	struct barlease_packet header;
	uint64_t lease;
};

/* A lessee, as of the moment when it connected. */
struct control_who {
	uint32_t pid; /* 0: not known */
	uint32_t uid;
	uint32_t gid;
	uint32_t reserved; /* 0 */
	char command[CONTROL_COMMAND_SIZE];
	char cgroup[CONTROL_CGROUP_SIZE]; /* the end of a longer one */
};

enum control_lease_flags {
	CONTROL_LEASE_RECALLED = 1 << 0,
	CONTROL_LEASE_STUCK = 1 << 1, /* nobody has it; "who" is unknown */
};

struct control_lease {
	uint64_t lease; /* its number; 0: a request that was denied */
	uint64_t age; /* ms */
	uint64_t time_left; /* ms; 2^64 - 1: no limit */
	uint64_t offset; /* in the BAR, bytes */
	uint64_t size; /* bytes */
	uint32_t index; /* of the slice in its pool, from 0 */
	uint32_t bar;
	uint32_t access; /* enum barlease_access */
	uint32_t attribute; /* enum barlease_attribute */
	uint32_t flags; /* enum control_lease_flags */
	uint32_t reserved; /* 0 */
	char offer[BARLEASE_NAME_SIZE];
	char device[CONTROL_DEVICE_SIZE];
	struct control_who who;
};

enum control_offer_flags {
	/* and those of enum barlease_offer_flags */
	CONTROL_OFFER_REMOVED = 1 << 3, /* leases of it are left */
};

struct control_packet_offer {
	struct barlease_packet header;
	char name[BARLEASE_NAME_SIZE];
	char device[CONTROL_DEVICE_SIZE];
	char socket[CONTROL_SOCKET_SIZE]; /* "": none */
	uint64_t offset; /* in the BAR, bytes */
	uint64_t length; /* of all slices, bytes */
	uint64_t slice_size; /* bytes */
	uint64_t time_limit; /* ms; 0: none */
	uint64_t grace; /* ms */
	uint32_t bar;
	uint32_t slices;
	uint32_t free;
	uint32_t stuck;
	uint32_t leases;
	uint32_t waiting; /* by name */
	uint32_t flags;
	uint32_t service; /* enum barlease_service; 0: not known */
};

struct control_packet_lease {
	struct barlease_packet header;
	struct control_lease lease;
};

struct control_packet_waiting {
	struct barlease_packet header;
	uint64_t minimum; /* bytes; 0: any */
	uint64_t wait; /* ms, as asked for */
	uint32_t access;
	uint32_t attribute;
	uint32_t position; /* 1: next */
	uint32_t reserved; /* 0 */
	char name[BARLEASE_NAME_SIZE]; /* "": anything that fits */
	struct control_who who;
};

struct control_packet_done {
	struct barlease_packet header;
	uint32_t count; /* of the packets before it */
	uint32_t reserved; /* 0 */
};

enum control_figure_kind {
	CONTROL_GAUGE = 1, /* what is now */
	CONTROL_COUNTER = 2, /* since the start of barleased */
};

struct control_packet_figure {
	struct barlease_packet header;
	uint64_t value;
	uint32_t kind; /* enum control_figure_kind */
	uint32_t reserved; /* 0 */
	char name[BARLEASE_NAME_SIZE]; /* as Prometheus has it */
	char label[CONTROL_LABEL_SIZE]; /* what "of" is; "": it has none */
	char of[BARLEASE_NAME_SIZE]; /* which offer, error, ... */
	char device[CONTROL_DEVICE_SIZE]; /* of an offer */
	char help[CONTROL_HELP_SIZE]; /* a sentence */
};

enum control_event {
	CONTROL_GRANTED = 1,
	CONTROL_RECALLED = 2,
	CONTROL_ENDED = 3, /* "why": enum barlease_end */
	CONTROL_STUCK = 4, /* "why": errno(3) */
	CONTROL_DENIED = 5, /* "why": errno(3) */
};

struct control_packet_event {
	struct barlease_packet header;
	uint32_t event; /* enum control_event */
	uint32_t why;
	struct control_lease lease;
	char sentence[BARLEASE_SENTENCE_SIZE]; /* of a denial */
};

#endif /* CONTROL_PROTOCOL_H */
