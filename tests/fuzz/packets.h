/* SPDX-License-Identifier: MIT */
/*
 * Packets from the bytes of a fuzzer: valid ones with fields of its choice, which
 * it may spoil, or nothing but its bytes. Left alone, it would hardly ever get
 * past the first check.
 */
#ifndef FUZZ_PACKETS_H
#define FUZZ_PACKETS_H

#include "input.h"
#include "protocol/packet.h"

/* More than the largest packet. */
#define FUZZ_PACKET_MAX 300

struct fuzz_packet {
	union {
		union packet packet;
		uint8_t bytes[FUZZ_PACKET_MAX];
	};
	size_t length;
	unsigned int fds; /* to go with it */
};

/* What a packet may be about, so that it means something now and then. */
struct fuzz_topics {
	uint32_t serial;
	uint32_t request; /* for CANCEL */
	uint64_t lease;
};

void fuzz_packet_make(struct input *input, enum packet_side side,
		      const struct fuzz_topics *topics,
		      struct fuzz_packet *made);

/* The names that they use; offers should have some of these. */
extern const char *const fuzz_names[];
#define FUZZ_NAMES 8

#endif /* FUZZ_PACKETS_H */
