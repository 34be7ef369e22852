// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>

#include "lessee/lessee.h"

/* The other side is gone; it may have said why before. */
static int find_end(struct barlease_lessee *lessee)
{
	int err = lessee_receive(lessee);

	return err ? err : lessee_hang_up(lessee, -ECONNRESET, NULL);
}

int lessee_send(struct barlease_lessee *lessee, const union packet *packet,
		uint64_t deadline)
{
	int err = lessee->error;

	while (!err) {
		err = barlease_packet_send(lessee->sock, packet, -1);
		if (err == -EPIPE || err == -ECONNRESET)
			return find_end(lessee);
		if (err != -EAGAIN || !deadline)
			return err;
		/* A server may take nothing before what it sent is taken. */
		err = lessee_poll(lessee, POLLIN | POLLOUT, deadline);
		if (!err)
			err = lessee_receive(lessee);
	}
	return err;
}

/* What is sent later has no content but what it is about. */
static int send_due(struct barlease_lessee *lessee, struct record *record)
{
	union packet packet;
	int err;

	if (record->due == BARLEASE_PACKET_CANCEL) {
		barlease_packet_begin(&packet, BARLEASE_PACKET_CANCEL,
				      lessee_next_serial(lessee));
		packet.cancel.request = record->serial;
	} else {
		barlease_packet_begin(&packet, BARLEASE_PACKET_RELEASE,
				      record->serial);
		packet.release.lease = record->granted.lease;
	}
	err = barlease_packet_send(lessee->sock, &packet, -1);
	if (err)
		return err;
	record->due = 0;
	lessee->due--;
	return 0;
}

/* If it is not for want of room that this fails, reading tells of it. */
void lessee_send_due(struct barlease_lessee *lessee)
{
	struct record *record;

	TAILQ_FOREACH(record, &lessee->unanswered, unanswered) {
		if (!lessee->due || lessee->error)
			return;
		if (record->due && send_due(lessee, record))
			return;
	}
}

static void set_due(struct barlease_lessee *lessee, struct record *record,
		    enum barlease_packet_type type)
{
	lessee->due += !record->due;
	record->due = type;
	lessee_send_due(lessee);
}

void lessee_cancel_soon(struct barlease_lessee *lessee, struct record *record)
{
	set_due(lessee, record, BARLEASE_PACKET_CANCEL);
}

void lessee_release_soon(struct barlease_lessee *lessee, struct record *record)
{
	record_ask(lessee, record, BARLEASE_PACKET_RELEASE,
		   lessee_next_serial(lessee));
	set_due(lessee, record, BARLEASE_PACKET_RELEASE);
}
