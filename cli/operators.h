/* SPDX-License-Identifier: MIT */
/* The operators' socket of barleased, from the side of an operator. */
#ifndef CLI_OPERATORS_H
#define CLI_OPERATORS_H

#include <stdbool.h>

#include "control/packet.h"
#include "machine.h"

/**
 * operators_path() - where the socket is
 * @machine: where
 * @chosen: by the command line, or NULL
 * @path: where to put it, PATH_MAX bytes
 *
 * Return: 0 or -ENAMETOOLONG.
 */
int operators_path(const struct machine *machine, const char *chosen,
		   char *path);

/**
 * operators_connect() - be an operator
 * @path: of the socket
 *
 * Return: an fd, or -errno of socket(2) and connect(2).
 */
int operators_connect(const char *path);

/* The same for a command that needs it: says what is wrong, and what to do. */
int operators_connect_or_say(const char *path);

/**
 * operators_open() - be an operator of this machine's barleased
 * @chosen: its socket by the command line, or NULL
 * @path: where to put which one it is, PATH_MAX bytes
 * @fd: where to put the connection
 *
 * Says what is wrong, and what to do.
 *
 * Return: STATUS_OK, STATUS_USAGE or STATUS_FAILED.
 */
int operators_open(const char *chosen, char *path, int *fd);

/* Return: 0 or -errno. */
int operators_ask(int fd, const union control_packet *packet);

/**
 * operators_receive() - wait for the next packet
 * @fd: connection
 * @packet: where to put it, when it is one
 * @wait: whether as long as it takes
 *
 * Return: 0; -ETIMEDOUT; -ECONNRESET when barleased has closed it; -EPROTO or
 * -EPROTONOSUPPORT for what is no packet; or -errno.
 */
int operators_receive(int fd, union control_packet *packet, bool wait);

/* What is offered, held and waited for. */
struct holdings {
	struct control_packet_offer *offers;
	size_t offer_count;
	struct control_lease *leases;
	size_t lease_count;
	struct control_packet_waiting *waiting;
	size_t waiting_count;
};

/**
 * holdings_ask() - have barleased tell
 * @fd: connection
 * @type: CONTROL_LIST, or CONTROL_WATCH: events follow
 * @holdings: where to put them, for holdings_free() in any case
 *
 * Return: 0 or -errno.
 */
int holdings_ask(int fd, unsigned int type, struct holdings *holdings);
void holdings_free(struct holdings *holdings);

struct figures {
	struct control_packet_figure *all;
	size_t count;
};

/**
 * figures_ask() - have barleased tell its figures
 * @fd: connection
 * @figures: where to put them, for figures_free() in any case
 *
 * Return: 0; -EPROTO also from a barleased that has none to tell; or -errno.
 */
int figures_ask(int fd, struct figures *figures);
void figures_free(struct figures *figures);

#endif /* CLI_OPERATORS_H */
