/* SPDX-License-Identifier: MIT */
/* Packets on a socket, with the fd that one of them carries. */
#ifndef PROTOCOL_SOCKET_H
#define PROTOCOL_SOCKET_H

#include <stdbool.h>

#include "protocol/packet.h"

struct received {
	union packet packet;
	size_t length; /* bytes; more than sizeof(packet): cut off */
	int fd; /* the receiver's own, or -1 */
	bool fds_lost; /* there were more, or no room for one */
	bool fds_several; /* there were more */
};

/**
 * barlease_socket_prepare() - have nothing come with packets that is not wanted
 * @sock: socket, whoever has made it; may be one that listens, for those that
 *	will connect
 * @takes_fds: whether fds are wanted
 *
 * Credentials and the like, which its maker may have asked for, would take the
 * room of the fd. Where no fds are wanted and the kernel can (Linux 6.16), they
 * cannot even be sent: to close what somebody else has opened can take as long
 * as he likes (a file of FUSE, a TCP socket that lingers).
 */
void barlease_socket_prepare(int sock, bool takes_fds);

/**
 * barlease_packet_receive() - take the next packet off a socket
 * @sock: socket
 * @received: where to put it. Nothing of it has been checked. It has at most
 *	one fd: where there were several, none is left open, and "fds_lost" is
 *	set. That is set, too, where this process can have no more fds.
 *
 * Does not wait.
 *
 * Return: 0, -EAGAIN when there is none, -ECONNRESET when the other side has
 * closed it or has sent an empty packet, or -errno of recvmsg(2).
 */
int barlease_packet_receive(int sock, struct received *received);

/**
 * barlease_packet_receive_alone() - the same, without an fd
 * @sock: socket
 * @received: where to put it. Where fds came with it, "fds_lost" is set; this
 *	process never had them.
 */
int barlease_packet_receive_alone(int sock, struct received *received);

/**
 * barlease_packet_peek() - look at what barlease_packet_receive_alone() takes
 *	next
 * @sock: socket
 * @received: as there
 *
 * Return: as there.
 */
int barlease_packet_peek(int sock, struct received *received);

/**
 * barlease_packet_send() - put a packet on a socket
 * @sock: socket
 * @packet: made by barlease_packet_begin() and filled in
 * @fd: an fd to go with it, which stays the caller's, or -1
 *
 * Does not wait, and raises no SIGPIPE.
 *
 * Return: 0, -EAGAIN when the other side does not keep up, -ETOOMANYREFS when
 * too many fds of this user are on their way, or -errno of sendmsg(2).
 */
int barlease_packet_send(int sock, const union packet *packet, int fd);

#endif /* PROTOCOL_SOCKET_H */
