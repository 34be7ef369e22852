// SPDX-License-Identifier: MIT
#include "operators/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lender/lender.h"
#include "log.h"
#include "operators/event.h"
#include "policy/policy.h"

static int wait_add(int epoll, int fd, void *who)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = who };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int socket_open(const char *path, struct socket_file *file)
{
	if (!*path || strlen(path) >= POLICY_SOCKET_SIZE)
		return *path ? -ENAMETOOLONG : -EINVAL;
	folder_make(path);
	return socket_file_open(path, 0600, file);
}

static void failure_log(const char *path, int err)
{
	struct log_line line;

	log_begin(&line, LOG_ERR, "socket-failed");
	log_text(&line, "socket", path);
	log_text(&line, "error", strerror(-err));
	log_end(&line);
}

static void spares_open(struct control *control)
{
	for (size_t i = 0; i < OPERATORS_SPARE; i++)
		if (control->spares[i] < 0)
			control->spares[i] = open("/dev/null",
						  O_RDONLY | O_CLOEXEC);
}

static void spares_close(struct control *control)
{
	for (size_t i = 0; i < OPERATORS_SPARE; i++)
		if (control->spares[i] >= 0)
			close(control->spares[i]);
}

int control_open(struct lender *lender, const char *path,
		 struct control **control)
{
	struct control *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	new->lender = lender;
	for (size_t i = 0; i < OPERATORS_MAX; i++)
		new->operators[i].fd = -1;
	for (size_t i = 0; i < OPERATORS_SPARE; i++)
		new->spares[i] = -1;
	spares_open(new);
	new->listener = -1;
	new->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = new->epoll < 0 ? -errno : socket_open(path, &new->file);
	if (err >= 0) {
		strcpy(new->path, path);
		new->listener = err;
		err = wait_add(new->epoll, new->listener, NULL);
	}
	if (err) {
		failure_log(path, err);
		control_close(new);
		return err;
	}
	lender->control = new;
	*control = new;
	return 0;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < OPERATORS_MAX; i++) {
		struct operator *operator = &control->operators[i];

		/* What they were not told yet, as far as there is room. */
		if (operator->fd >= 0)
			operator_serve(control, operator, 0);
		if (operator->fd >= 0)
			operator_end(operator);
	}
	if (control->listener >= 0) {
		socket_file_remove(control->path, &control->file);
		close(control->listener);
	}
	if (control->epoll >= 0)
		close(control->epoll);
	spares_close(control);
	if (control->lender->control == control)
		control->lender->control = NULL;
	free(control);
}

int control_fd(const struct control *control)
{
	return control->epoll;
}

static struct operator *place_find(struct control *control)
{
	for (size_t i = 0; i < OPERATORS_MAX; i++)
		if (control->operators[i].fd < 0)
			return &control->operators[i];
	return NULL;
}

/* One that is not let in is told why, as far as that takes no waiting. */
static void turn_away(int fd, int error, const char *sentence)
{
	union control_packet packet;

	control_packet_begin(&packet, BARLEASE_PACKET_REFUSED, 1);
	packet.refused.error = (uint32_t)error;
	control_text(packet.refused.sentence, sizeof(packet.refused.sentence),
		     sentence);
	send(fd, &packet, packet.header.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/*
 * Where lessees have all fds, operators are who can take them back. Return: an fd
 * or -1; @last: it is the one for who has to be told that there is none.
 */
static int accept_one(struct control *control, bool *last)
{
	int fd = accept4(control->listener, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	*last = false;
	for (size_t i = OPERATORS_SPARE;
	     fd < 0 && (errno == EMFILE || errno == ENFILE) && i-- > 0;) {
		if (control->spares[i] < 0)
			continue;
		close(control->spares[i]);
		control->spares[i] = -1;
		*last = !i;
		fd = accept4(control->listener, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
	}
	return fd;
}

/* Return: whether there was one. */
static bool operator_accept(struct control *control)
{
	struct operator *operator = place_find(control);
	struct ucred peer;
	socklen_t size = sizeof(peer);
	bool last;
	int fd;

	fd = accept_one(control, &last);
	if (fd < 0)
		return false;
	/* Whatever has become of the mode of the file. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    (peer.uid && peer.uid != geteuid())) {
		turn_away(fd, EACCES, "this is for the operator");
		return true;
	}
	if (last || !operator || wait_add(control->epoll, fd, operator)) {
		turn_away(fd, EMFILE,
			  last ? "barleased has no fd left" :
				 "too many operators are connected");
		return true;
	}
	operator->fd = fd;
	operator->uid = peer.uid;
	operator->pid = peer.pid;
	return true;
}

/* Those that have connected to the one before are let in first. */
static int socket_renew(struct control *control)
{
	struct socket_file file;
	int fd = socket_open(control->path, &file);
	int err;

	if (fd < 0)
		return fd;
	err = wait_add(control->epoll, fd, NULL);
	if (err) {
		socket_file_remove(control->path, &file);
		close(fd);
		return err;
	}
	for (unsigned int i = 0; i <= SOMAXCONN; i++)
		if (!operator_accept(control))
			break;
	close(control->listener);
	control->listener = fd;
	control->file = file;
	return 0;
}

void control_renew(struct control *control)
{
	int err;

	if (!control || socket_file_exists(control->path, &control->file))
		return;
	err = socket_renew(control);
	if (err)
		failure_log(control->path, err);
}

void control_dispatch(struct control *control)
{
	struct epoll_event event;

	/* One at a time: what is served may end another one. */
	if (epoll_wait(control->epoll, &event, 1, 0) != 1)
		return;
	if (event.data.ptr)
		operator_serve(control, event.data.ptr, event.events);
	else
		operator_accept(control);
	/* What has ended leaves its fd, first to these. */
	spares_open(control);
}

static void tell(struct control *control, const union control_packet *packet)
{
	for (size_t i = 0; i < OPERATORS_MAX; i++)
		if (control->operators[i].watches)
			operator_put(control, &control->operators[i], packet);
}

void control_tell(struct control *control, enum control_event event,
		  uint32_t why, const struct barlease_server_lessee *lessee,
		  const struct barlease_server_lease *lease)
{
	union control_packet packet;

	if (!control)
		return;
	control_packet_begin(&packet, CONTROL_EVENT, 0);
	packet.event.event = event;
	packet.event.why = why;
	view_lease(lessee, lease, &packet.event.lease);
	tell(control, &packet);
}

void control_tell_denied(struct control *control, int error,
			 const char *sentence,
			 const struct barlease_server_lessee *lessee,
			 const struct barlease_server_request *request)
{
	struct control_lease *view;
	union control_packet packet;

	if (!control)
		return;
	control_packet_begin(&packet, CONTROL_EVENT, 0);
	packet.event.event = CONTROL_DENIED;
	packet.event.why = (uint32_t)error;
	control_text(packet.event.sentence, sizeof(packet.event.sentence),
		     sentence);
	view = &packet.event.lease;
	view->access = request->access;
	view->attribute = request->attribute;
	control_text(view->offer, sizeof(view->offer), request->name);
	view_who(lessee, &view->who);
	tell(control, &packet);
}
