// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <unistd.h>

#include "lessee/lessee.h"

struct record *record_create(void)
{
	struct record *record = calloc(1, sizeof(*record));

	if (record)
		record->granted.fd = -1;
	return record;
}

uint32_t lessee_next_serial(struct barlease_lessee *lessee)
{
	do {
		lessee->last_serial++;
		/* They have come round. */
		if (lessee->last_serial < FIRST_SERIAL)
			lessee->last_serial = FIRST_SERIAL;
	} while (record_of_serial(lessee, lessee->last_serial));
	return lessee->last_serial;
}

/* Those that a server need not have room for at all. */
static bool counts(const struct record *record)
{
	return record->asked == BARLEASE_PACKET_REQUEST ||
	       record->asked == BARLEASE_PACKET_LIST;
}

void record_ask(struct barlease_lessee *lessee, struct record *record,
		enum barlease_packet_type type, uint32_t serial)
{
	record->asked = type;
	record->serial = serial;
	TAILQ_INSERT_TAIL(&lessee->unanswered, record, unanswered);
	lessee->asked += counts(record);
}

void record_answered(struct barlease_lessee *lessee, struct record *record)
{
	if (!record->serial)
		return;
	TAILQ_REMOVE(&lessee->unanswered, record, unanswered);
	lessee->asked -= counts(record);
	lessee->due -= !!record->due;
	record->due = 0;
	record->serial = 0;
}

static struct record_bucket *bucket(struct barlease_lessee *lessee,
				    uint64_t lease)
{
	return &lessee->leases[lease % LEASE_BUCKETS];
}

void record_set_live(struct barlease_lessee *lessee, struct record *record)
{
	record->live = true;
	LIST_INSERT_HEAD(bucket(lessee, record->granted.lease), record, bucket);
}

void record_set_over(struct record *record)
{
	if (record->live)
		LIST_REMOVE(record, bucket);
	record->live = false;
}

void record_tell(struct barlease_lessee *lessee, struct record *record,
		 enum barlease_event_type type)
{
	if (!record->events)
		TAILQ_INSERT_TAIL(&lessee->telling, record, telling);
	record->events |= 1u << type;
}

void record_untell(struct barlease_lessee *lessee, struct record *record,
		   unsigned int events)
{
	if (record->events && !(record->events & ~events))
		TAILQ_REMOVE(&lessee->telling, record, telling);
	record->events &= ~events;
}

void record_settle(struct barlease_lessee *lessee, struct record *record)
{
	if (!record->serial && !record->events && !record->live)
		record_destroy(lessee, record);
}

void record_destroy(struct barlease_lessee *lessee, struct record *record)
{
	record_answered(lessee, record);
	record_untell(lessee, record, ~0u);
	record_set_over(record);
	if (record->granted.fd >= 0)
		close(record->granted.fd);
	free(record);
}

struct record *record_of_serial(struct barlease_lessee *lessee, uint32_t serial)
{
	struct record *record;

	TAILQ_FOREACH(record, &lessee->unanswered, unanswered)
		if (record->serial == serial)
			return record;
	return NULL;
}

struct record *record_of_lease(struct barlease_lessee *lessee, uint64_t lease)
{
	struct record *record;

	LIST_FOREACH(record, bucket(lessee, lease), bucket)
		if (record->granted.lease == lease)
			return record;
	return NULL;
}
