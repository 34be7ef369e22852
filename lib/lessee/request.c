// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lessee/lessee.h"

static int make_packet(const struct barlease_wanted *wanted,
		       union packet *packet)
{
	const char *name = wanted->name ? wanted->name : "";

	if (wanted->access != BARLEASE_READ_WRITE &&
	    wanted->access != BARLEASE_READ_ONLY)
		return -EINVAL;
	if (wanted->attribute != BARLEASE_NON_CACHED &&
	    wanted->attribute != BARLEASE_WRITE_COMBINING)
		return -EINVAL;
	if (strlen(name) >= sizeof(packet->request.name))
		return -ENAMETOOLONG;
	barlease_packet_begin(packet, BARLEASE_PACKET_REQUEST, 0);
	strcpy(packet->request.name, name);
	packet->request.access = wanted->access;
	packet->request.attribute = wanted->attribute;
	packet->request.minimum = wanted->minimum;
	packet->request.wait = wanted->wait;
	return 0;
}

int lessee_ask(struct barlease_lessee *lessee, union packet *packet,
	       uint64_t deadline, struct record **asked)
{
	struct record *record;
	int err;

	if (lessee->error)
		return lessee->error;
	if (lessee->asked >= BARLEASE_REQUESTS_MAX)
		return -EDQUOT;
	record = record_create();
	if (!record)
		return -ENOMEM;
	packet->header.serial = lessee_next_serial(lessee);
	record->request = packet->header.serial;
	err = lessee_send(lessee, packet, deadline);
	if (err) {
		free(record);
		return err;
	}
	record_ask(lessee, record, packet->header.type, packet->header.serial);
	*asked = record;
	return 0;
}

/* When the call has waited as long as it may. */
static uint64_t request_deadline(const struct barlease_lessee *lessee,
				 const struct barlease_wanted *wanted)
{
	uint64_t time;

	if (__builtin_add_overflow(wanted->wait, lessee->timeout, &time))
		return UINT64_MAX;
	return lessee_deadline(time);
}

static int request(struct barlease_lessee *lessee,
		   const struct barlease_wanted *wanted,
		   struct barlease_granted *granted)
{
	uint64_t deadline = request_deadline(lessee, wanted);
	struct answer answer = { 0 };
	struct record *record;
	union packet packet;
	int err;

	err = make_packet(wanted, &packet);
	if (!err)
		err = lessee_ask(lessee, &packet, deadline, &record);
	if (err)
		return err;
	record->answer = &answer;
	err = lessee_wait(lessee, &answer, deadline);
	if (!answer.there) {
		record->answer = NULL;
		lessee_cancel_soon(lessee, record);
	}
	if (!err) {
		*granted = answer.granted;
		granted->time_limit = lessee_time_limit(&answer.granted);
	}
	return err;
}

int barlease_lessee_request(struct barlease_lessee *lessee,
			    const struct barlease_wanted *wanted,
			    struct barlease_granted *granted)
{
	int err = request(lessee, wanted, granted);

	lessee_update_fd(lessee);
	return err;
}

int barlease_lessee_start(struct barlease_lessee *lessee,
			  const struct barlease_wanted *wanted,
			  uint32_t *serial)
{
	struct record *record;
	union packet packet;
	int err;

	err = make_packet(wanted, &packet);
	if (!err)
		err = lessee_ask(lessee, &packet, 0, &record);
	if (!err) {
		record->told = true;
		*serial = record->request;
	}
	lessee_update_fd(lessee);
	return err;
}

static int cancel(struct barlease_lessee *lessee, uint32_t serial)
{
	struct record *record = record_of_serial(lessee, serial);
	union packet packet;

	if (lessee->error)
		return lessee->error;
	if (!record || record->asked != BARLEASE_PACKET_REQUEST)
		return -ENOENT;
	barlease_packet_begin(&packet, BARLEASE_PACKET_CANCEL,
			      lessee_next_serial(lessee));
	packet.cancel.request = serial;
	return lessee_send(lessee, &packet, 0);
}

int barlease_lessee_cancel(struct barlease_lessee *lessee, uint32_t serial)
{
	int err = cancel(lessee, serial);

	lessee_update_fd(lessee);
	return err;
}
