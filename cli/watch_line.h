/* SPDX-License-Identifier: MIT */
/* What happens to leases, in a line each. */
#ifndef CLI_WATCH_LINE_H
#define CLI_WATCH_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "control/packet.h"

/* Was there before. */
#define EVENT_HELD 0

struct watch_line {
	uint32_t event; /* enum control_event, or EVENT_HELD */
	uint32_t why;
	const struct control_lease *lease;
	const char *sentence;
};

/* The line of a packet: what it points at is the packet's. */
struct watch_line watch_line_of(const struct control_packet_event *event);

/* Print it with the time it is now, for people or as an object of JSON. */
void watch_line_print(FILE *out, const struct watch_line *line, bool json);

#endif /* CLI_WATCH_LINE_H */
