// SPDX-License-Identifier: MIT
/* Where lessees connect. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/socket.h"
#include "server/server.h"

/* Connections before it is the turn of those that are there. */
#define CONNECTIONS_AT_ONCE 4

/* How long to let those wait who want to connect where the machine lacks
 * something, milliseconds.
 */
#define PAUSE 100

struct server_listener *server_listener_find(struct barlease_server *server,
					     uint64_t id)
{
	struct list *link, *next;

	list_for_each(link, next, &server->listeners) {
		struct server_listener *listener =
			list_entry(link, struct server_listener, link);

		if (listener->id == id && !listener->closed)
			return listener;
	}
	return NULL;
}

static int accept_one(const struct server_listener *listener)
{
	int fd;

	do {
		fd = accept4(listener->source.fd, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	return fd < 0 ? -errno : fd;
}

/* The connection would wake the server up again and again. */
static void pause_it(struct barlease_server *server,
		     struct server_listener *listener)
{
	server_source_watch(server, &listener->source, 0);
	server_timer_set(&server->timers, &listener->pause,
			 server_due(server, PAUSE));
}

static void spare_open(struct barlease_server *server)
{
	if (server->spare < 0)
		server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void go_on(struct barlease_server *server, struct server_timer *timer)
{
	struct server_listener *listener =
		container_of(timer, struct server_listener, pause);

	spare_open(server);
	server_source_watch(server, &listener->source, EPOLLIN);
}

/* With the fd that is kept for this, tell one that there is none for it. */
static void turn_one_away(struct barlease_server *server,
			  struct server_listener *listener)
{
	int fd;

	if (server->spare >= 0) {
		close(server->spare);
		server->spare = -1;
		fd = accept_one(listener);
		if (fd >= 0)
			server_turn_away(fd, EMFILE,
					 "the server has no fd left");
		spare_open(server);
	}
	if (server->spare < 0)
		pause_it(server, listener);
}

static void listener_ready(struct barlease_server *server,
			   struct server_source *source, uint32_t events)
{
	struct server_listener *listener =
		container_of(source, struct server_listener, source);
	int fd;

	(void)events;
	for (unsigned int i = 0; i < CONNECTIONS_AT_ONCE; i++) {
		fd = accept_one(listener);
		if (fd == -EAGAIN)
			return;
		if (fd == -EMFILE || fd == -ENFILE) {
			turn_one_away(server, listener);
			return;
		}
		if (fd < 0) {
			pause_it(server, listener);
			return;
		}
		server_client_come(server, listener, fd);
	}
}

static struct server_listener *listener_make(struct barlease_server *server)
{
	struct server_listener *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	if (server_timer_init(&server->timers, &new->pause, go_on)) {
		free(new);
		return NULL;
	}
	new->source.fd = -1;
	new->source.ready = listener_ready;
	list_init(&new->shown);
	list_init(&new->clients);
	server_queue_init(&new->queue);
	return new;
}

static void listener_unmake(struct barlease_server *server,
			    struct server_listener *listener)
{
	server_timer_end(&server->timers, &listener->pause);
	list_remove(&listener->queue.stale);
	free(listener->path);
	free(listener);
}

static int listener_add(struct barlease_server *server,
			struct server_listener *listener, int fd, uint64_t *id)
{
	int err;

	err = server_source_add(server, &listener->source, fd, EPOLLIN);
	if (err)
		return err;
	if (!listener->id)
		listener->id = ++server->last_listener;
	list_add_tail(&server->listeners, &listener->link);
	*id = listener->id;
	server_keep_listener(server, listener);
	return 0;
}

static int socket_option(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0)
		return errno == EBADF ? -EBADF : -EINVAL;
	return value;
}

static int socket_check(int fd)
{
	static const struct {
		int option, value;
	} wanted[] = {
		{ SO_DOMAIN, AF_UNIX },
		{ SO_TYPE, SOCK_SEQPACKET },
		{ SO_ACCEPTCONN, 1 },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		int value = socket_option(fd, wanted[i].option);

		if (value != wanted[i].value)
			return value == -EBADF ? -EBADF : -EINVAL;
	}
	return 0;
}

/* That of a server before, if there is one. */
static int socket_get(struct barlease_server *server,
		      struct server_listener *listener, mode_t mode)
{
	int fd = server_keep_socket(server, listener->path, &listener->id);

	if (fd < 0)
		return socket_file_open(listener->path, mode, &listener->file);
	listener->kept = true;
	if (socket_check(fd) || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    chmod(listener->path, mode) < 0) {
		listener->source.fd = fd;
		server_keep_end_listener(server, listener);
		listener->source.fd = -1;
		close(fd);
		listener->id = 0;
		return socket_file_open(listener->path, mode, &listener->file);
	}
	socket_file_find(listener->path, &listener->file);
	return fd;
}

int barlease_server_listen(struct barlease_server *server, const char *path,
			   mode_t mode, uint64_t *id)
{
	struct server_listener *new;
	int fd, err;

	if (server->depth)
		return -EDEADLK;
	new = listener_make(server);
	if (!new)
		return -ENOMEM;
	new->path = strdup(path);
	fd = new->path ? socket_get(server, new, mode) : -ENOMEM;
	if (fd < 0) {
		listener_unmake(server, new);
		return fd;
	}
	err = listener_add(server, new, fd, id);
	if (err) {
		socket_file_remove(path, &new->file);
		close(fd);
		listener_unmake(server, new);
	}
	return err;
}

int barlease_server_listen_fd(struct barlease_server *server, int fd,
			      uint64_t *id)
{
	struct server_listener *new;
	int err;

	if (server->depth)
		return -EDEADLK;
	err = socket_check(fd);
	if (err)
		return err;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	barlease_socket_prepare(fd, false);
	new = listener_make(server);
	if (!new)
		return -ENOMEM;
	err = listener_add(server, new, fd, id);
	if (err)
		listener_unmake(server, new);
	return err;
}

/* Those that have connected to a socket which is to be closed. */
static void take_rest(struct barlease_server *server,
		      struct server_listener *listener)
{
	for (unsigned int i = 0; i <= SOMAXCONN; i++) {
		int fd = accept_one(listener);

		if (fd < 0)
			return;
		server_client_come(server, listener, fd);
	}
}

static int socket_renew(struct barlease_server *server,
			struct server_listener *listener, mode_t mode)
{
	struct server_source old = listener->source;
	struct socket_file file;
	int fd = socket_file_open(listener->path, mode, &file);
	int err;

	if (fd < 0)
		return fd;
	err = server_source_add(server, &listener->source, fd, EPOLLIN);
	if (err) {
		listener->source = old;
		socket_file_remove(listener->path, &file);
		close(fd);
		return err;
	}
	server_source_end(server, &old);
	listener->file = file;
	return 0;
}

int barlease_server_relisten(struct barlease_server *server, uint64_t id,
			     mode_t mode)
{
	struct server_listener *listener;
	int err;

	if (server->depth)
		return -EDEADLK;
	listener = server_listener_find(server, id);
	if (!listener)
		return -ENOENT;
	if (!listener->path)
		return -EINVAL;
	if (socket_file_exists(listener->path, &listener->file))
		return 0;
	take_rest(server, listener);
	/* A later server must not find one there that has no file. */
	server_keep_leave_listener(server, listener);
	err = socket_renew(server, listener, mode);
	server_keep_listener(server, listener);
	server_settle(server);
	return err ? err : 1;
}

struct server_listener *server_listener_resume(struct barlease_server *server,
					       const char *path)
{
	struct server_listener *listener;
	char other[KEEP_PATH_SIZE];
	struct list *link, *next;

	list_for_each(link, next, &server->listeners) {
		listener = list_entry(link, struct server_listener, link);
		server_address(listener->source.fd, other);
		if (!listener->closed && !strcmp(other, path))
			return listener;
	}
	listener = listener_make(server);
	if (!listener)
		return NULL;
	listener->closed = true;
	listener->id = ++server->last_listener;
	list_add_tail(&server->listeners, &listener->link);
	return listener;
}

void server_listener_close(struct barlease_server *server,
			   struct server_listener *listener)
{
	if (listener->path)
		socket_file_remove(listener->path, &listener->file);
	server_keep_end_listener(server, listener);
	server_source_end(server, &listener->source);
	server_timer_set(&server->timers, &listener->pause, SERVER_NEVER);
	while (!list_empty(&listener->shown))
		server_hide(server,
			    list_entry(listener->shown.next,
				       struct server_shown, of_listener));
	listener->closed = true;
}

void server_listener_put(struct barlease_server *server,
			 struct server_listener *listener)
{
	if (!listener->closed || !list_empty(&listener->clients))
		return;
	list_remove(&listener->link);
	listener_unmake(server, listener);
}

int barlease_server_unlisten(struct barlease_server *server, uint64_t id)
{
	struct server_listener *listener;

	if (server->depth)
		return -EDEADLK;
	listener = server_listener_find(server, id);
	if (!listener)
		return -ENOENT;
	server_listener_close(server, listener);
	server_settle(server);
	server_listener_put(server, listener);
	return 0;
}
