// SPDX-License-Identifier: MIT
/* A server as a whole: how it begins and ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "server/server.h"

#define LESSEES_MAX 8192
#define PACKETS_MAX 1024
#define WAITING_MAX 65536

static void default_to(uint32_t *figure, uint32_t value)
{
	if (!*figure)
		*figure = value;
}

/*
 * Each takes two fds. A third is left for leases and whatever else the process
 * does, or whoever can connect could have nobody be granted anything.
 */
static uint32_t lessees_max(void)
{
	struct rlimit fds;

	if (getrlimit(RLIMIT_NOFILE, &fds) < 0 || fds.rlim_cur / 3 >= LESSEES_MAX)
		return LESSEES_MAX;
	return fds.rlim_cur < 3 ? 1 : (uint32_t)(fds.rlim_cur / 3);
}

static int tables_init(struct barlease_server *server)
{
	if (table_init(&server->leases) || table_init(&server->names) ||
	    table_init(&server->accounts) || table_init(&server->cgroups) ||
	    table_init(&server->uids))
		return -ENOMEM;
	return 0;
}

static void lists_init(struct barlease_server *server)
{
	list_init(&server->devices);
	list_init(&server->offers);
	list_init(&server->listeners);
	list_init(&server->users);
	list_init(&server->clients);
	list_init(&server->ended);
	list_init(&server->failing);
	list_init(&server->doomed);
	list_init(&server->uneven);
	list_init(&server->emptied);
	list_init(&server->stale);
	list_init(&server->buried);
}

static int fds_open(struct barlease_server *server)
{
	int fd;

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0)
		return -errno;
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (server->spare < 0)
		return -errno;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	server->timer.ready = server_timer_ready;
	return server_source_add(server, &server->timer, fd, EPOLLIN);
}

static void server_free(struct barlease_server *server)
{
	server_keep_end(server);
	if (server->timer.fd >= 0)
		close(server->timer.fd);
	if (server->spare >= 0)
		close(server->spare);
	if (server->epoll >= 0)
		close(server->epoll);
	table_end(&server->leases);
	table_end(&server->names);
	table_end(&server->accounts);
	table_end(&server->cgroups);
	table_end(&server->uids);
	server_timers_end(&server->timers);
	free(server);
}

static void limits_set(struct barlease_server_terms *terms, uint32_t max,
		       uint32_t max_per_uid)
{
	terms->lessees_max = max;
	terms->lessees_max_per_uid = max_per_uid;
	default_to(&terms->lessees_max, lessees_max());
	/* One user leaves some for others. */
	default_to(&terms->lessees_max_per_uid,
		   terms->lessees_max - terms->lessees_max / 4);
}

int barlease_server_create(const struct barlease_server_terms *terms,
			   struct barlease_server **server)
{
	struct barlease_server *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	new->terms = *terms;
	limits_set(&new->terms, terms->lessees_max,
		   terms->lessees_max_per_uid);
	default_to(&new->terms.packets_max, PACKETS_MAX);
	default_to(&new->terms.waiting_max, WAITING_MAX);
	new->epoll = -1;
	new->spare = -1;
	new->timer.fd = -1;
	new->timer_due = SERVER_NEVER;
	lists_init(new);
	err = tables_init(new);
	if (!err)
		err = fds_open(new);
	if (err) {
		server_free(new);
		return err;
	}
	*server = new;
	return 0;
}

static void refuse_all(struct barlease_server *server,
		       struct server_client *client)
{
	while (!list_empty(&client->waiters))
		server_waiter_refuse(server,
				     list_entry(client->waiters.next,
						struct server_waiter,
						of_client),
				     ECANCELED, "the server ends");
}

static void end_all(struct barlease_server *server, struct server_offer *offer)
{
	while (!list_empty(&offer->leases))
		server_lease_end(server,
				 list_entry(offer->leases.next,
					    struct server_lease, of_offer),
				 BARLEASE_END_SERVER);
	while (!list_empty(&offer->stuck))
		server_lease_abandon(server,
				     list_entry(offer->stuck.next,
						struct server_lease, of_offer));
}

static void clients_end(struct barlease_server *server)
{
	struct list *link, *next;

	list_for_each(link, next, &server->clients) {
		struct server_client *client =
			list_entry(link, struct server_client, link);

		server_client_fail(server, client, "the server ends");
		server_client_end(server, client);
	}
	list_for_each(link, next, &server->ended)
		server_client_clear(server, list_entry(link,
						       struct server_client,
						       link));
	server_bury(server);
}

void barlease_server_destroy(struct barlease_server *server)
{
	struct list *link, *next;

	if (!server)
		return;
	list_for_each(link, next, &server->clients)
		refuse_all(server,
			   list_entry(link, struct server_client, link));
	list_for_each(link, next, &server->offers)
		end_all(server, list_entry(link, struct server_offer, link));
	clients_end(server);
	list_for_each(link, next, &server->listeners) {
		struct server_listener *listener =
			list_entry(link, struct server_listener, link);

		server_listener_close(server, listener);
		server_listener_put(server, listener);
	}
	list_for_each(link, next, &server->offers)
		server_offer_free(list_entry(link, struct server_offer, link));
	list_for_each(link, next, &server->devices)
		free(list_entry(link, struct server_device, link));
	server_users_end(server);
	server_free(server);
}

int barlease_server_limit_lessees(struct barlease_server *server, uint32_t max,
				  uint32_t max_per_uid)
{
	if (server->depth)
		return -EDEADLK;
	limits_set(&server->terms, max, max_per_uid);
	return 0;
}

int barlease_server_get_fd(const struct barlease_server *server)
{
	return server->epoll;
}
