// SPDX-License-Identifier: MIT
#include "answers.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/packet.h"

#define ANSWERS_MAX 8
/* The longest text that is made up, with its 0. */
#define TEXT_MAX 24

static struct input answers;
static bool there;

void answers_set(const struct input *input)
{
	answers = *input;
	there = true;
}

void answers_end(void)
{
	there = false;
}

/* Of any bytes, as those whom barleased has texts from may choose them. */
static void text_take(struct input *input, char *text, size_t size)
{
	char some[TEXT_MAX] = "";

	input_take(input, some, input_byte(input) % TEXT_MAX);
	memset(text, 0, size);
	memcpy(text, some, strnlen(some, size - 1));
}

static void who_take(struct input *input, struct control_who *who)
{
	who->pid = input_word(input);
	who->uid = input_byte(input) ? 1000 : CONTROL_UNKNOWN;
	who->gid = input_byte(input);
	text_take(input, who->command, sizeof(who->command));
	text_take(input, who->cgroup, sizeof(who->cgroup));
}

static void lease_take(struct input *input, struct control_lease *lease)
{
	lease->lease = input_number(input);
	lease->age = input_number(input);
	lease->time_left = input_number(input);
	lease->offset = input_number(input);
	lease->size = input_number(input);
	lease->index = input_byte(input);
	lease->bar = input_byte(input);
	lease->access = input_byte(input) & 1;
	lease->attribute = input_byte(input) & 1;
	lease->flags = input_byte(input);
	text_take(input, lease->offer, sizeof(lease->offer));
	text_take(input, lease->device, sizeof(lease->device));
	who_take(input, &lease->who);
}

static void offer_take(struct input *input, struct control_packet_offer *offer)
{
	text_take(input, offer->name, sizeof(offer->name));
	text_take(input, offer->device, sizeof(offer->device));
	text_take(input, offer->socket, sizeof(offer->socket));
	offer->offset = input_number(input);
	offer->length = input_number(input);
	offer->slice_size = input_number(input);
	offer->time_limit = input_number(input);
	offer->grace = input_number(input);
	offer->bar = input_byte(input);
	offer->slices = input_word(input);
	offer->free = input_word(input);
	offer->stuck = input_byte(input);
	offer->leases = input_byte(input);
	offer->waiting = input_byte(input);
	offer->flags = input_byte(input);
	offer->service = input_byte(input);
}

static void waiting_take(struct input *input,
			 struct control_packet_waiting *waiting)
{
	waiting->minimum = input_number(input);
	waiting->wait = input_number(input);
	waiting->access = input_byte(input) & 1;
	waiting->attribute = input_byte(input) & 1;
	waiting->position = input_word(input);
	text_take(input, waiting->name, sizeof(waiting->name));
	who_take(input, &waiting->who);
}

static void figure_take(struct input *input,
			struct control_packet_figure *figure)
{
	figure->value = input_number(input);
	figure->kind = input_byte(input) % 4;
	text_take(input, figure->name, sizeof(figure->name));
	text_take(input, figure->label, sizeof(figure->label));
	text_take(input, figure->of, sizeof(figure->of));
	text_take(input, figure->device, sizeof(figure->device));
	text_take(input, figure->help, sizeof(figure->help));
}

static void event_take(struct input *input, struct control_packet_event *event)
{
	event->header.serial = 0;
	event->event = input_byte(input);
	event->why = input_word(input);
	/* Now and then one that is negative to who does not look. */
	if (event->why & 0x8000)
		event->why <<= 16;
	lease_take(input, &event->lease);
	text_take(input, event->sentence, sizeof(event->sentence));
}

static void packet_take(struct input *input, union control_packet *packet)
{
	static const uint16_t types[] = {
		CONTROL_OFFER,		 CONTROL_LEASE,
		CONTROL_WAITING,	 CONTROL_DONE,
		CONTROL_EVENT,		 CONTROL_FIGURE,
		BARLEASE_PACKET_REFUSED,
	};
	uint16_t type =
		types[input_byte(input) % (sizeof(types) / sizeof(*types))];

	control_packet_begin(packet, type, 1);
	if (type == CONTROL_OFFER)
		offer_take(input, &packet->offer);
	else if (type == CONTROL_LEASE)
		lease_take(input, &packet->lease.lease);
	else if (type == CONTROL_WAITING)
		waiting_take(input, &packet->waiting);
	else if (type == CONTROL_FIGURE)
		figure_take(input, &packet->figure);
	else if (type == CONTROL_EVENT)
		event_take(input, &packet->event);
	else if (type == BARLEASE_PACKET_REFUSED)
		packet->refused.error = 1 + input_byte(input);
}

static void answers_send(int fd)
{
	struct input input = answers;
	union control_packet packet;

	for (unsigned int i = 0; i < ANSWERS_MAX && input.left; i++) {
		packet_take(&input, &packet);
		if (send(fd, &packet, packet.header.size, MSG_DONTWAIT) < 0)
			return;
	}
}

/* The linker sends them here. */
int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);

int __wrap_socket(int domain, int type, int protocol)
{
	int ends[2];

	promise(domain == AF_UNIX);
	if (!there) {
		errno = EMFILE;
		return -1;
	}
	if (socketpair(domain, type, protocol, ends) < 0)
		return -1;
	answers_send(ends[1]);
	close(ends[1]);
	return ends[0];
}

/* Whoever has no path to connect to does not ask. */
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	(void)fd;
	(void)size;
	promise(address->sa_data[0]);
	return 0;
}
