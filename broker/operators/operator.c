// SPDX-License-Identifier: MIT
/* A connection of an operator: packets in and out, without waiting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "operators/control.h"

void operator_end(struct operator *operator)
{
	close(operator->fd);
	free(operator->unsent);
	*operator = (struct operator){ .fd = -1 };
}

/* While something is unsent nothing is read: answers do not pile up. */
static void interest_set(struct control *control, struct operator *operator)
{
	struct epoll_event event = {
		.events = operator->begin < operator->end ? EPOLLOUT : EPOLLIN,
		.data.ptr = operator,
	};

	if (epoll_ctl(control->epoll, EPOLL_CTL_MOD, operator->fd, &event) < 0)
		operator_end(operator);
}

static int room_make(struct operator *operator, size_t size)
{
	size_t length = operator->end - operator->begin;
	size_t room = operator->room;
	char *larger;

	if (length)
		memmove(operator->unsent, operator->unsent + operator->begin,
			length);
	operator->begin = 0;
	operator->end = length;
	if (length + size > OPERATOR_UNSENT_MAX)
		return -ENOBUFS;
	if (length + size <= room)
		return 0;
	room = 2 * (length + size);
	if (room > OPERATOR_UNSENT_MAX)
		room = OPERATOR_UNSENT_MAX;
	larger = realloc(operator->unsent, room);
	if (!larger)
		return -ENOMEM;
	operator->unsent = larger;
	operator->room = room;
	return 0;
}

/* What one was slow once must not take memory for as long as it is there. */
static void unsent_free(struct operator *operator)
{
	free(operator->unsent);
	operator->unsent = NULL;
	operator->begin = 0;
	operator->end = 0;
	operator->room = 0;
}

static void flush(struct operator *operator)
{
	while (operator->begin < operator->end) {
		const char *next = operator->unsent + operator->begin;
		struct barlease_packet header;

		memcpy(&header, next, sizeof(header));
		if (send(operator->fd, next, header.size,
			 MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			if (errno == EAGAIN)
				return;
			operator_end(operator);
			return;
		}
		operator->begin += header.size;
	}
	unsent_free(operator);
	if (operator->closing)
		operator_end(operator);
}

void operator_put(struct control *control, struct operator *operator,
		  const union control_packet *packet)
{
	size_t size = packet->header.size;
	bool first = operator->begin == operator->end;

	/* It may have ended in the midst of an answer. */
	if (operator->fd < 0)
		return;
	if (operator->room - operator->end < size &&
	    room_make(operator, size)) {
		operator_end(operator);
		return;
	}
	memcpy(operator->unsent + operator->end, packet, size);
	operator->end += size;
	if (first)
		interest_set(control, operator);
}

void operator_refuse(struct control *control, struct operator *operator,
		     uint32_t serial, int error, const char *sentence)
{
	union control_packet packet;

	control_packet_begin(&packet, BARLEASE_PACKET_REFUSED, serial);
	packet.refused.error = (uint32_t)error;
	control_text(packet.refused.sentence, sizeof(packet.refused.sentence),
		     sentence);
	operator_put(control, operator, &packet);
}

static void packet_take(struct control *control, struct operator *operator)
{
	union control_packet packet;
	const char *reason;
	ssize_t length;
	int err;

	/* Without room for fds the kernel closes those that come with it. */
	length = recv(operator->fd, &packet, sizeof(packet),
		      MSG_DONTWAIT | MSG_TRUNC);
	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0) {
		operator_end(operator);
		return;
	}
	err = control_packet_check(&packet, (size_t)length, CONTROL_OF_OPERATOR,
				   &reason);
	if (err) {
		operator->closing = true;
		operator_refuse(control, operator, 1, -err, reason);
		return;
	}
	operator_obey(control, operator, &packet);
}

void operator_serve(struct control *control, struct operator *operator,
		    uint32_t events)
{
	/* Who has gone is found out by reading, or by sending. */
	if (events & EPOLLIN)
		packet_take(control, operator);
	if (operator->fd >= 0)
		flush(operator);
	if (operator->fd >= 0)
		interest_set(control, operator);
}
