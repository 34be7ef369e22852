// SPDX-License-Identifier: MIT
/* What the server says. Nothing is believed before it is checked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lessee/lessee.h"

#define EVENTS_OF_A_LIFE                                            \
	(1u << BARLEASE_EVENT_RECALLED | 1u << BARLEASE_EVENT_AWAY | \
	 1u << BARLEASE_EVENT_BACK)

int lessee_hang_up(struct barlease_lessee *lessee, int error,
		   const char *sentence)
{
	if (lessee->error)
		return lessee->error;
	if (sentence)
		snprintf(lessee->sentence, sizeof(lessee->sentence), "%s",
			 sentence);
	lessee->error = error;
	/* Also where a child has a copy, which would keep them open. */
	epoll_ctl(lessee->poll_fd, EPOLL_CTL_DEL, lessee->sock, NULL);
	shutdown(lessee->sock, SHUT_RDWR);
	close(lessee->sock);
	lessee->sock = -1;
	return error;
}

static int violation(struct barlease_lessee *lessee, const char *sentence)
{
	return lessee_hang_up(lessee, -EPROTO, sentence);
}

/* The call that waits for it goes on. */
static void answer_call(struct record *record, int error)
{
	record->answer->there = true;
	record->answer->error = error;
	record->answer = NULL;
}

static void refuse(struct barlease_lessee *lessee, struct record *record,
		   int error, const char *sentence)
{
	if (record->answer) {
		lessee_copy_sentence(lessee->sentence, sentence);
		answer_call(record, -error);
	} else if (record->told) {
		lessee_copy_sentence(record->sentence, sentence);
		record->error = error;
		record_untell(lessee, record, 1u << BARLEASE_EVENT_QUEUED);
		record_tell(lessee, record, BARLEASE_EVENT_REFUSED);
	}
}

/* It will tell nothing more but how it ended. */
static void set_over(struct barlease_lessee *lessee, struct record *record)
{
	record_set_over(record);
	record_untell(lessee, record, EVENTS_OF_A_LIFE);
}

static int take_offer(struct record *record,
		      const struct barlease_packet_offer *packet)
{
	struct answer *answer = record->answer;
	struct barlease_offer *offer;

	if (!answer)
		return 0;
	if (answer->found < answer->room) {
		offer = &answer->offers[answer->found];
		*offer = (struct barlease_offer){
			.size = packet->size,
			.slices = packet->slices,
			.free = packet->free,
			.waiting = packet->waiting,
			.flags = packet->flags,
			.time_limit = packet->time_limit,
		};
		memcpy(offer->name, packet->name, sizeof(offer->name));
	}
	answer->found++;
	return 0;
}

static int take_listed(struct barlease_lessee *lessee, struct record *record,
		       const struct barlease_packet_listed *packet)
{
	if (record->answer) {
		if (packet->offers != record->answer->found)
			return violation(lessee,
					 "another number of offers came");
		answer_call(record, 0);
	}
	record_answered(lessee, record);
	record_settle(lessee, record);
	return 0;
}

static int take_queued(struct barlease_lessee *lessee, struct record *record,
		       const struct barlease_packet_queued *packet)
{
	record->position = packet->position;
	if (record->told)
		record_tell(lessee, record, BARLEASE_EVENT_QUEUED);
	return 0;
}

/* Nobody has it: not the caller any more, or it had no room for the fd. */
static void give_back(struct barlease_lessee *lessee, struct record *record)
{
	record->known = false;
	record->told = false;
	if (record->granted.fd >= 0)
		close(record->granted.fd);
	record->granted.fd = -1;
	lessee_release_soon(lessee, record);
}

static int take_grant(struct barlease_lessee *lessee, struct record *record,
		      struct received *received)
{
	const struct barlease_packet_grant *packet = &received->packet.grant;

	if (received->fds_several || (received->fd < 0 && !received->fds_lost))
		return violation(lessee, "a lease has not one fd");
	if (record_of_lease(lessee, packet->lease))
		return violation(lessee, "two leases have the same number");

	record_answered(lessee, record);
	record->granted = (struct barlease_granted){
		.lease = packet->lease,
		.fd = received->fd,
		.index = packet->index,
		.bar = packet->bar,
		.offset = packet->offset,
		.size = packet->size,
		.access = (enum barlease_access)packet->access,
		.attribute = (enum barlease_attribute)packet->attribute,
		.time_limit = packet->time_limit ?
				      lessee_deadline(packet->time_limit) :
				      0,
	};
	memcpy(record->granted.name, packet->name, sizeof(packet->name));
	received->fd = -1;
	record->known = true;
	record_set_live(lessee, record);

	if (record->granted.fd < 0) {
		refuse(lessee, record, EMFILE,
		       "no room for the fd of the lease: it was given back");
		give_back(lessee, record);
	} else if (record->answer) {
		record->answer->granted = record->granted;
		record->granted.fd = -1;
		answer_call(record, 0);
	} else if (record->told) {
		record_untell(lessee, record, 1u << BARLEASE_EVENT_QUEUED);
		record_tell(lessee, record, BARLEASE_EVENT_GRANTED);
	} else {
		give_back(lessee, record);
	}
	return 0;
}

static void end_release(struct barlease_lessee *lessee, struct record *record)
{
	if (record->answer)
		answer_call(record, 0);
	else if (record->told && record->live)
		record_tell(lessee, record, BARLEASE_EVENT_RELEASED);
	set_over(lessee, record);
}

static int take_refused(struct barlease_lessee *lessee, struct record *record,
			const struct barlease_packet_refused *packet)
{
	/* It was revoked before the server knew that it was given back. */
	bool is_over = record->asked == BARLEASE_PACKET_RELEASE &&
		       (!record->live || packet->error == ENOENT);

	record_answered(lessee, record);
	if (is_over)
		end_release(lessee, record);
	else
		refuse(lessee, record, (int)packet->error, packet->sentence);
	record_settle(lessee, record);
	return 0;
}

static int take_released(struct barlease_lessee *lessee, struct record *record,
			 const struct barlease_packet_released *packet)
{
	if (packet->lease != record->granted.lease)
		return violation(lessee, "another lease was given back");
	record_answered(lessee, record);
	end_release(lessee, record);
	record_settle(lessee, record);
	return 0;
}

/* Whom an event is about, if it is to be told. */
static struct record *told_of(struct barlease_lessee *lessee, uint64_t lease)
{
	struct record *record = record_of_lease(lessee, lease);

	/* Of one that was given back there may be events on their way. */
	return record && record->known ? record : NULL;
}

static int take_recalled(struct barlease_lessee *lessee,
			 const struct barlease_packet_recalled *packet)
{
	struct record *record = told_of(lessee, packet->lease);

	if (record) {
		record->deadline = lessee_deadline(packet->deadline);
		record_tell(lessee, record, BARLEASE_EVENT_RECALLED);
	}
	return 0;
}

static int take_revoked(struct barlease_lessee *lessee,
			const struct barlease_packet_revoked *packet)
{
	struct record *record = record_of_lease(lessee, packet->lease);

	if (!record)
		return 0;
	record->why = packet->why;
	set_over(lessee, record);
	/* A call that gives it back is answered soon. */
	if (record->known && !record->answer)
		record_tell(lessee, record, BARLEASE_EVENT_REVOKED);
	record_settle(lessee, record);
	return 0;
}

static int take_device(struct barlease_lessee *lessee,
		       const struct barlease_packet_device *packet)
{
	struct record *record = told_of(lessee, packet->lease);
	bool away = packet->state == BARLEASE_DEVICE_AWAY;

	if (record) {
		record_untell(lessee, record,
			      1u << (away ? BARLEASE_EVENT_BACK :
					    BARLEASE_EVENT_AWAY));
		record_tell(lessee, record,
			    away ? BARLEASE_EVENT_AWAY : BARLEASE_EVENT_BACK);
	}
	return 0;
}

/* The packet that each is an answer to; 0: any. */
static enum barlease_packet_type asked_by(enum barlease_packet_type type)
{
	switch (type) {
	case BARLEASE_PACKET_OFFER:
	case BARLEASE_PACKET_LISTED:
		return BARLEASE_PACKET_LIST;
	case BARLEASE_PACKET_QUEUED:
	case BARLEASE_PACKET_GRANT:
		return BARLEASE_PACKET_REQUEST;
	case BARLEASE_PACKET_RELEASED:
		return BARLEASE_PACKET_RELEASE;
	default:
		return 0;
	}
}

static int take_answer(struct barlease_lessee *lessee,
		       struct received *received)
{
	const union packet *packet = &received->packet;
	struct record *record =
		record_of_serial(lessee, packet->header.serial);
	enum barlease_packet_type type = packet->header.type;
	int error;

	/* What was not asked for is the last word of a server that hangs up. */
	if (!record && type == BARLEASE_PACKET_REFUSED) {
		lessee_copy_sentence(lessee->sentence,
				     packet->refused.sentence);
		error = -(int)packet->refused.error;
		/* To callers that would be: nothing now, try again. */
		return lessee_hang_up(
			lessee, error == -EAGAIN ? -ECONNRESET : error, NULL);
	}
	/* Its server was cut off when it had told it, and does not know. */
	if (!record && type == BARLEASE_PACKET_GRANT &&
	    record_of_lease(lessee, packet->grant.lease))
		return 0;
	if (!record)
		return violation(lessee, "an answer to nothing");
	if (asked_by(type) && asked_by(type) != record->asked)
		return violation(lessee, "an answer to something else");

	switch (type) {
	case BARLEASE_PACKET_OFFER:
		return take_offer(record, &packet->offer);
	case BARLEASE_PACKET_LISTED:
		return take_listed(lessee, record, &packet->listed);
	case BARLEASE_PACKET_QUEUED:
		return take_queued(lessee, record, &packet->queued);
	case BARLEASE_PACKET_GRANT:
		return take_grant(lessee, record, received);
	case BARLEASE_PACKET_RELEASED:
		return take_released(lessee, record, &packet->released);
	default:
		return take_refused(lessee, record, &packet->refused);
	}
}

static int take_valid(struct barlease_lessee *lessee, struct received *received)
{
	const union packet *packet = &received->packet;

	switch (packet->header.type) {
	case BARLEASE_PACKET_RECALLED:
		return take_recalled(lessee, &packet->recalled);
	case BARLEASE_PACKET_REVOKED:
		return take_revoked(lessee, &packet->revoked);
	case BARLEASE_PACKET_DEVICE:
		return take_device(lessee, &packet->device);
	default:
		return take_answer(lessee, received);
	}
}

int lessee_take_packet(struct barlease_lessee *lessee,
		       struct received *received)
{
	const char *reason;
	int err;

	err = barlease_packet_check(&received->packet, received->length,
				    PACKET_OF_SERVER, &reason);
	if (err)
		lessee_hang_up(lessee, err, reason);
	else if (received->packet.header.type != BARLEASE_PACKET_GRANT &&
		 (received->fd >= 0 || received->fds_lost))
		err = violation(lessee, "an fd came where none belongs");
	else
		err = take_valid(lessee, received);
	if (received->fd >= 0)
		close(received->fd);
	return err;
}

int lessee_receive(struct barlease_lessee *lessee)
{
	struct received received;
	int i, err = lessee->error;

	for (i = 0; i < PACKETS_AT_ONCE && !err; i++) {
		err = barlease_packet_receive(lessee->sock, &received);
		/*
		 * Of a server that has not read everything this is told first,
		 * once, before what it had sent.
		 */
		if (err == -ECONNRESET && !lessee->reset) {
			lessee->reset = true;
			err = 0;
			continue;
		}
		if (err == -EAGAIN && !lessee->reset)
			return 0;
		if (err)
			return lessee_hang_up(
				lessee, lessee->reset ? -ECONNRESET : err,
				"the server has closed the connection");
		err = lessee_take_packet(lessee, &received);
	}
	return err;
}
