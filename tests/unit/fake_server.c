// SPDX-License-Identifier: MIT
#include "fake_server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX 250

int fake_setup(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	int ends[2];

	if (!fake)
		return -1;
	fake->fds = fd_count();
	fake->memory = memfd_create("lease", MFD_CLOEXEC);
	if (fake->memory < 0 || ftruncate(fake->memory, 8192) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0 ||
	    barlease_lessee_connect_fd(ends[1], &fake->lessee))
		return -1;
	fake->sock = ends[0];
	*state = fake;
	return 0;
}

int fake_teardown(void **state)
{
	struct fake *fake = *state;
	unsigned int before = fake->fds;

	barlease_lessee_close(fake->lessee);
	fake_hang_up(fake);
	close(fake->memory);
	free(fake);
	return fd_count() == before ? 0 : -1;
}

void fake_packet(union packet *packet, enum barlease_packet_type type,
		 uint32_t about)
{
	barlease_packet_begin(packet, type, about);
	if (type == BARLEASE_PACKET_REFUSED) {
		packet->refused.error = EBUSY;
		strcpy(packet->refused.sentence, "not now");
	}
	if (type == BARLEASE_PACKET_DEVICE)
		packet->device.state = BARLEASE_DEVICE_AWAY;
}

void fake_send_bytes(struct fake *fake, const void *bytes, size_t length,
		     unsigned int fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec vec = { .iov_base = (void *)(uintptr_t)bytes,
			     .iov_len = length };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };
	unsigned int i;

	assert_true(fds <= FDS_MAX);
	for (i = 0; i < fds; i++)
		((int *)CMSG_DATA(&control.header))[i] = fake->memory;
	if (fds) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fds * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = control.header.cmsg_len;
	}
	assert_int_equal(sendmsg(fake->sock, &message, MSG_NOSIGNAL), length);
}

void fake_send(struct fake *fake, enum barlease_packet_type type,
	       uint32_t about, uint64_t number)
{
	union packet packet;

	fake_packet(&packet, type, about);
	switch (type) {
	case BARLEASE_PACKET_QUEUED:
		packet.queued.position = (uint32_t)number;
		break;
	case BARLEASE_PACKET_LISTED:
		packet.listed.offers = (uint32_t)number;
		break;
	case BARLEASE_PACKET_REFUSED:
		packet.refused.error = (uint32_t)number;
		break;
	case BARLEASE_PACKET_RELEASED:
		packet.released.lease = number;
		break;
	case BARLEASE_PACKET_RECALLED:
		packet.recalled.lease = number;
		packet.recalled.deadline = 60000;
		break;
	case BARLEASE_PACKET_REVOKED:
		packet.revoked.lease = number;
		packet.revoked.why = BARLEASE_END_EXPIRED;
		break;
	case BARLEASE_PACKET_DEVICE:
		packet.device.lease = number;
		break;
	default:
		break;
	}
	fake_send_bytes(fake, &packet, packet.header.size, 0);
}

void fake_grant(struct fake *fake, uint32_t about, uint64_t lease,
		unsigned int fds)
{
	union packet packet;

	fake_packet(&packet, BARLEASE_PACKET_GRANT, about);
	packet.grant.lease = lease;
	strcpy(packet.grant.name, "queues");
	packet.grant.index = 3;
	packet.grant.bar = 2;
	packet.grant.offset = 0x5000;
	packet.grant.size = 8192;
	fake_send_bytes(fake, &packet, packet.header.size, fds);
}

void fake_hang_up(struct fake *fake)
{
	if (fake->sock >= 0)
		close(fake->sock);
	fake->sock = -1;
}

uint32_t fake_next(const struct fake *fake)
{
	return fake->lessee->last_serial + 1;
}

void fake_receive(struct fake *fake, enum barlease_packet_type type,
		  union packet *packet)
{
	struct received received;
	const char *reason;

	assert_int_equal(barlease_packet_receive(fake->sock, &received), 0);
	assert_int_equal(barlease_packet_check(&received.packet,
					       received.length,
					       PACKET_OF_LESSEE, &reason),
			 0);
	assert_int_equal(received.packet.header.type, type);
	assert_int_equal(received.fd, -1);
	*packet = received.packet;
}

void fake_receive_nothing(struct fake *fake)
{
	struct received received;

	assert_int_equal(barlease_packet_receive(fake->sock, &received),
			 -EAGAIN);
}

void fake_lend(struct fake *fake, uint64_t lease)
{
	const struct barlease_wanted wanted = { 0 };
	struct barlease_granted granted;
	union packet packet;

	fake_grant(fake, fake_next(fake), lease, 1);
	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 0);
	assert_int_equal(granted.lease, lease);
	close(granted.fd);
	fake_receive(fake, BARLEASE_PACKET_REQUEST, &packet);
}

uint32_t fake_start(struct fake *fake)
{
	const struct barlease_wanted wanted = { .wait = 1000 };
	union packet packet;
	uint32_t serial;

	assert_int_equal(barlease_lessee_start(fake->lessee, &wanted, &serial),
			 0);
	fake_receive(fake, BARLEASE_PACKET_REQUEST, &packet);
	assert_int_equal(packet.header.serial, serial);
	return serial;
}

bool is_ready(const struct fake *fake)
{
	struct pollfd polled = {
		.fd = barlease_lessee_get_fd(fake->lessee),
		.events = POLLIN,
	};

	assert_true(poll(&polled, 1, 0) >= 0);
	return polled.revents & POLLIN;
}

void assert_event(struct fake *fake, enum barlease_event_type type,
		  struct barlease_event *event)
{
	assert_true(is_ready(fake));
	assert_int_equal(barlease_lessee_next_event(fake->lessee, event), 0);
	assert_int_equal(event->type, type);
}

void assert_no_event(struct fake *fake)
{
	struct barlease_event event;

	assert_int_equal(barlease_lessee_next_event(fake->lessee, &event),
			 -EAGAIN);
	assert_false(is_ready(fake));
}

void assert_over(struct fake *fake, int error)
{
	const struct barlease_wanted wanted = { 0 };
	struct barlease_granted granted;
	struct barlease_event event;
	uint32_t serial;

	assert_event(fake, BARLEASE_EVENT_HANGUP, &event);
	assert_int_equal(event.error, -error);
	assert_string_equal(event.sentence,
			    barlease_lessee_sentence(fake->lessee));
	assert_true(*event.sentence);
	assert_int_equal(barlease_lessee_next_event(fake->lessee, &event),
			 error);
	assert_false(is_ready(fake));
	assert_int_equal(barlease_lessee_list(fake->lessee, NULL, 0), error);
	assert_int_equal(barlease_lessee_request(fake->lessee, &wanted,
						 &granted),
			 error);
	assert_int_equal(barlease_lessee_start(fake->lessee, &wanted, &serial),
			 error);
	assert_int_equal(barlease_lessee_cancel(fake->lessee, 5), error);
	assert_int_equal(barlease_lessee_release(fake->lessee, 1), error);
	assert_int_equal(barlease_lessee_start_release(fake->lessee, 1),
			 error);
	assert_int_equal(fake->lessee->sock, -1);
}
