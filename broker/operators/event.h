/* SPDX-License-Identifier: MIT */
#ifndef BROKER_CONTROL_EVENT_H
#define BROKER_CONTROL_EVENT_H

#include <barlease/server.h>

#include "control/protocol.h"

struct control;

/**
 * control_tell() - tell all operators who watch
 * @control: socket of operators, or NULL
 * @event: what has happened
 * @why: enum barlease_end, or a positive errno
 * @lessee: to whom
 * @lease: to what
 */
void control_tell(struct control *control, enum control_event event,
		  uint32_t why, const struct barlease_server_lessee *lessee,
		  const struct barlease_server_lease *lease);

/* The same for a request that was not granted. */
void control_tell_denied(struct control *control, int error,
			 const char *sentence,
			 const struct barlease_server_lessee *lessee,
			 const struct barlease_server_request *request);

#endif /* BROKER_CONTROL_EVENT_H */
