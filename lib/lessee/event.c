// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lessee/lessee.h"

uint64_t lessee_time_limit(const struct barlease_granted *granted)
{
	uint64_t left;

	if (!granted->time_limit)
		return 0;
	/* 0 would be none. */
	left = lessee_left(granted->time_limit);
	return left ? left : 1;
}

static void fill(struct record *record, struct barlease_event *event)
{
	switch (event->type) {
	case BARLEASE_EVENT_QUEUED:
		event->serial = record->request;
		event->position = record->position;
		break;
	case BARLEASE_EVENT_GRANTED:
		event->serial = record->request;
		event->lease = record->granted.lease;
		event->granted = record->granted;
		event->granted.time_limit = lessee_time_limit(&record->granted);
		record->granted.fd = -1;
		break;
	case BARLEASE_EVENT_REFUSED:
		if (record->known)
			event->lease = record->granted.lease;
		else
			event->serial = record->request;
		event->error = record->error;
		memcpy(event->sentence, record->sentence,
		       sizeof(event->sentence));
		break;
	default:
		event->lease = record->granted.lease;
		break;
	}
	if (event->type == BARLEASE_EVENT_RECALLED)
		event->left = lessee_left(record->deadline);
	if (event->type == BARLEASE_EVENT_REVOKED)
		event->why = record->why;
}

static int next_event(struct barlease_lessee *lessee,
		      struct barlease_event *event)
{
	struct record *record;
	int err = 0;

	if (TAILQ_EMPTY(&lessee->telling)) {
		err = lessee_receive(lessee);
		lessee_send_due(lessee);
	}
	record = TAILQ_FIRST(&lessee->telling);
	memset(event, 0, sizeof(*event));
	event->granted.fd = -1;
	if (record) {
		event->type = (enum barlease_event_type)ffs(
				      (int)record->events) - 1;
		fill(record, event);
		record_untell(lessee, record, 1u << event->type);
		record_settle(lessee, record);
		return 0;
	}
	if (!err)
		return -EAGAIN;
	if (lessee->hangup_told)
		return err;
	lessee->hangup_told = true;
	event->type = BARLEASE_EVENT_HANGUP;
	event->error = -err;
	memcpy(event->sentence, lessee->sentence, sizeof(event->sentence));
	return 0;
}

int barlease_lessee_next_event(struct barlease_lessee *lessee,
			       struct barlease_event *event)
{
	int err = next_event(lessee, event);

	lessee_update_fd(lessee);
	return err;
}
