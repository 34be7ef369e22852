// SPDX-License-Identifier: MIT
#include "operators.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SERIAL 7

int operators_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(sock);
		return -1;
	}
	return sock;
}

static bool packet_send(int sock, const union control_packet *packet)
{
	return send(sock, packet, packet->header.size, MSG_NOSIGNAL) ==
	       packet->header.size;
}

bool operators_ask(int sock, enum control_type type)
{
	union control_packet packet;

	control_packet_begin(&packet, type, SERIAL);
	return packet_send(sock, &packet);
}

bool operators_recall(int sock, uint64_t lease, uint64_t grace)
{
	union control_packet packet;

	control_packet_begin(&packet, CONTROL_RECALL, SERIAL);
	packet.recall.lease = lease;
	packet.recall.grace = grace;
	return packet_send(sock, &packet);
}

bool operators_next(int sock, union control_packet *packet)
{
	const char *reason;
	ssize_t length = recv(sock, packet, sizeof(*packet), MSG_TRUNC);

	return length > 0 && !control_packet_check(packet, (size_t)length,
						   CONTROL_OF_DAEMON, &reason);
}
