// SPDX-License-Identifier: MIT
#include "operators.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "attribute.h"
#include "command.h"
#include "message.h"

/* How long barleased may take to answer, ms. */
#define PATIENCE 10000

int operators_path(const struct machine *machine, const char *chosen,
		   char *path)
{
	if (chosen)
		return path_print(path, "%s", chosen);
	return path_print(path, "%s/barlease/control.sock", machine->run);
}

int operators_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int operators_connect_or_say(const char *path)
{
	int fd = operators_connect(path);

	if (fd >= 0)
		return fd;
	switch (fd) {
	case -ENOENT:
		message("there is no %s: barleased does not run here, or not "
			"with --control %s",
			path, path);
		break;
	case -EACCES:
		message("%s is for root and the user that barleased runs as; "
			"run it as root",
			path);
		break;
	case -ECONNREFUSED:
		message("nobody listens to %s: barleased has ended", path);
		break;
	default:
		message("cannot connect to %s: %s", path, error_words(fd));
	}
	return fd;
}

int operators_open(const char *chosen, char *path, int *fd)
{
	if (operators_path(&this_machine, chosen, path)) {
		message("the path of the socket is too long");
		return STATUS_USAGE;
	}
	*fd = operators_connect_or_say(path);
	return *fd < 0 ? STATUS_FAILED : STATUS_OK;
}

int operators_ask(int fd, const union control_packet *packet)
{
	ssize_t sent = send(fd, packet, packet->header.size, MSG_NOSIGNAL);

	/* Why it hangs up is there to be read. */
	return sent < 0 && errno != EPIPE ? -errno : 0;
}

int operators_receive(int fd, union control_packet *packet, bool wait)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	const char *reason;
	ssize_t length;
	int count;

	do {
		count = poll(&ready, 1, wait ? -1 : PATIENCE);
	} while (count < 0 && errno == EINTR);
	if (count <= 0)
		return count ? -errno : -ETIMEDOUT;
	memset(packet, 0, sizeof(*packet));
	/* Without room for fds the kernel closes those that come with it. */
	length = recv(fd, packet, sizeof(*packet), MSG_TRUNC);
	/* That something was not read is told before why it was not. */
	if (length < 0 && errno == ECONNRESET)
		length = recv(fd, packet, sizeof(*packet), MSG_TRUNC);
	if (length <= 0)
		return length ? -errno : -ECONNRESET;
	return control_packet_check(packet, (size_t)length, CONTROL_OF_DAEMON,
				    &reason);
}

static int keep(void **array, size_t *count, const void *item, size_t size)
{
	char *larger = *array;

	/* Room grows by powers of two. */
	if (!(*count & (*count - 1))) {
		larger = reallocarray(*array, *count ? 2 * *count : 1, size);
		if (!larger)
			return -ENOMEM;
		*array = larger;
	}
	memcpy(larger + *count * size, item, size);
	++*count;
	return 0;
}

/* What an answer of several packets is put into. */
typedef int (*take_packet)(void *where, const union control_packet *packet);

static int answer_take(int fd, unsigned int type, take_packet take, void *where)
{
	union control_packet packet;
	int err;

	control_packet_begin(&packet, type, 1);
	err = operators_ask(fd, &packet);
	while (!err) {
		err = operators_receive(fd, &packet, false);
		if (!err && packet.header.type == CONTROL_DONE)
			return 0;
		if (!err && packet.header.type == BARLEASE_PACKET_REFUSED)
			return -(int)packet.refused.error;
		if (!err)
			err = take(where, &packet);
	}
	return err;
}

static int holding_take(void *where, const union control_packet *packet)
{
	struct holdings *holdings = where;

	switch (packet->header.type) {
	case CONTROL_OFFER:
		return keep((void **)&holdings->offers, &holdings->offer_count,
			    &packet->offer, sizeof(packet->offer));
	case CONTROL_LEASE:
		return keep((void **)&holdings->leases, &holdings->lease_count,
			    &packet->lease.lease, sizeof(packet->lease.lease));
	case CONTROL_WAITING:
		return keep((void **)&holdings->waiting,
			    &holdings->waiting_count, &packet->waiting,
			    sizeof(packet->waiting));
	}
	return -EPROTO;
}

int holdings_ask(int fd, unsigned int type, struct holdings *holdings)
{
	return answer_take(fd, type, holding_take, holdings);
}

void holdings_free(struct holdings *holdings)
{
	free(holdings->offers);
	free(holdings->leases);
	free(holdings->waiting);
	*holdings = (struct holdings){ 0 };
}

static int figure_take(void *where, const union control_packet *packet)
{
	struct figures *figures = where;

	if (packet->header.type != CONTROL_FIGURE)
		return -EPROTO;
	return keep((void **)&figures->all, &figures->count, &packet->figure,
		    sizeof(packet->figure));
}

int figures_ask(int fd, struct figures *figures)
{
	return answer_take(fd, CONTROL_STAT, figure_take, figures);
}

void figures_free(struct figures *figures)
{
	free(figures->all);
	*figures = (struct figures){ 0 };
}
