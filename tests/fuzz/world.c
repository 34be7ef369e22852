// SPDX-License-Identifier: MIT
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fds.h"
#include "packets.h"
#include "server/peer.h"

#define PAGE 4096ull
#define BAR 0

/* It has no part in what is looked for: all servers have the same. */
static struct barlease_device *device;

/* A server closes its sockets, which would need new addresses each time. */
static int listening[LISTENERS];

/* Whose connections are being accepted. */
static struct world *present;

struct barlease_device *world_device(void)
{
	return device;
}

struct barlease_server_offer world_offer(unsigned int which)
{
	struct barlease_server_offer offer = {
		.name = fuzz_names[which + 1],
		.bar = BAR,
		.range = { which * 4 * PAGE, PAGE },
		.grace = 20,
	};

	switch (which) {
	case 1: /* the pool */
		offer.range.length = 3 * PAGE;
		offer.slice_size = PAGE;
		offer.max_waiting = 3;
		break;
	case 2: /* shared */
		offer.sharers = 2;
		offer.time_limit = 50;
		offer.attribute = BARLEASE_WRITE_COMBINING;
		break;
	case 3: /* read-only */
		offer.access = BARLEASE_READ_ONLY;
		offer.range.length = 2 * PAGE;
		break;
	case 4: /* rationed */
		offer.range.length = 4 * PAGE;
		offer.slice_size = PAGE;
		offer.max_per_uid = 2;
		offer.max_per_gid = 3;
		break;
	}
	return offer;
}

void world_terms_set(struct world *world, unsigned int which,
		     const struct barlease_server_offer *offer)
{
	uint32_t sharers = offer->sharers ? offer->sharers : 1;

	/* Leases outlast terms that are narrower. */
	if (world->sharers_max[which] < sharers)
		world->sharers_max[which] = sharers;
}

int world_listen(unsigned int which)
{
	return fcntl(listening[which], F_DUPFD_CLOEXEC, 0);
}

static void fixed_make(void)
{
	const struct barlease_sim_terms terms = {
		.name = "sim:fuzz",
		.bar_size = { [BAR] = 32 * PAGE },
	};
	const struct sockaddr_un any = { .sun_family = AF_UNIX };

	if (device)
		return;
	promise(!barlease_device_open_sim(&terms, &device));
	for (unsigned int i = 0; i < LISTENERS; i++) {
		listening[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
				      SOCK_NONBLOCK, 0);
		/* The kernel finds an address that nobody has. */
		promise(!bind(listening[i], (const struct sockaddr *)&any,
			      sizeof(any.sun_family)));
		promise(!listen(listening[i], CLIENTS + 1));
	}
}

/*
 * Who a client is: what it has bound its socket to. The true answer would be
 * this process for all of them, of which none ever ends.
 */
int __wrap_server_peer_get(int sock, struct peer *peer);
int __wrap_server_peer_get(int sock, struct peer *peer)
{
	struct sockaddr_un name = { 0 };
	socklen_t size = sizeof(name);
	const struct client *client;
	int least = 1, on = 1;

	if (getpeername(sock, (struct sockaddr *)&name, &size) < 0)
		return -errno;
	/* So little is room for some packets only. */
	if (setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)) < 0)
		return -errno;
	/* What kernels before 6.16 let everybody do. */
	setsockopt(sock, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &on, sizeof(on));
	client = &present->clients[name.sun_path[1] - '0'];
	if (client->process < 0)
		return -ESRCH;
	memset(peer, 0, sizeof(*peer));
	peer->process = fcntl(client->process, F_DUPFD_CLOEXEC, 0);
	if (peer->process < 0)
		return -errno;
	peer->pid = 1;
	peer->uid = client->uid;
	peer->gid = client->uid / 2;
	/* A kernel that tells of it, and one that does not. */
	peer->cgroup_id = client->uid % 2;
	return 0;
}

int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc);
int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc)
{
	memset(proc, 0, sizeof(*proc));
	strcpy(proc->cgroup, peer->uid % 2 ? "/odd" : "/even");
	return 0;
}

static uint64_t now(void *context)
{
	return ((struct world *)context)->now;
}

static int on_request(void *context,
		      const struct barlease_server_lessee *lessee,
		      const struct barlease_server_request *request,
		      char *sentence)
{
	struct world *world = context;

	(void)lessee;
	(void)request;
	if (world->mood & 1)
		barlease_server_revoke(world->server, world->last_lease,
				       BARLEASE_END_REVOKED);
	if (world->mood & 2)
		barlease_server_recall(world->server, world->last_lease, 5);
	if (world->mood & 4)
		strcpy(sentence, "not today");
	return world->mood & 4 ? -EACCES : 0;
}

static void on_grant(void *context, const struct barlease_server_lessee *lessee,
		     const struct barlease_server_lease *lease)
{
	struct world *world = context;

	(void)lessee;
	promise(lease->id > world->last_lease);
	world->last_lease = lease->id;
	if (lease->id < LEASES_MAX)
		promise(!world->began[lease->id]++);
	if (world->mood & 8)
		barlease_server_revoke(world->server, lease->id,
				       BARLEASE_END_REVOKED);
	if (world->mood & 16)
		barlease_server_recall(world->server, lease->id,
				       BARLEASE_GRACE_OF_OFFER);
}

static void on_end(void *context, const struct barlease_server_lessee *lessee,
		   const struct barlease_server_lease *lease,
		   enum barlease_end why)
{
	struct world *world = context;

	(void)lessee;
	(void)why;
	promise(!lease->stuck);
	if (lease->id < LEASES_MAX) {
		promise(world->began[lease->id]);
		promise(!world->ended[lease->id]++);
	}
	if (world->mood & 32)
		barlease_server_recall(world->server, world->last_lease, 0);
}

static void on_came(void *context, const struct barlease_server_lessee *lessee)
{
	struct world *world = context;

	promise(!lessee->leases && !lessee->waiting);
	world->came++;
}

static void on_gone(void *context, const struct barlease_server_lessee *lessee,
		    const char *reason)
{
	struct world *world = context;

	promise(world->gone++ < world->came);
	promise(reason && *reason);
	promise(!lessee->leases && !lessee->waiting);
}

static void server_make(struct world *world)
{
	const struct barlease_server_terms terms = {
		.context = world,
		.now = now,
		.calls = {
			.request = on_request,
			.grant = on_grant,
			.end = on_end,
			.came = on_came,
			.gone = on_gone,
		},
		.lessees_max = CLIENTS - 1,
		.lessees_max_per_uid = 3,
		.packets_max = 4,
		.waiting_max = 12,
	};

	promise(!barlease_server_create(&terms, &world->server));
	promise(!barlease_server_add_device(world->server, device));
	for (unsigned int i = 0; i < LISTENERS; i++)
		promise(!barlease_server_listen_fd(world->server,
						   world_listen(i),
						   &world->listeners[i]));
	for (unsigned int i = 0; i < OFFERS; i++) {
		struct barlease_server_offer offer = world_offer(i);

		promise(!barlease_server_add_offer(world->server, device,
						   &offer, &world->offers[i]));
		world_terms_set(world, i, &offer);
		/* The first socket shows all, the second some. */
		for (unsigned int j = 0; j <= i % 2; j++)
			promise(!barlease_server_show_offer(
				world->server, world->offers[i],
				world->listeners[j]));
	}
}

void world_begin(struct world *world, const uint8_t *data, size_t size)
{
	fixed_make();
	memset(world, 0, sizeof(*world));
	world->input = (struct input){ data, size };
	world->now = 1000000000;
	for (unsigned int i = 0; i < CLIENTS; i++) {
		world->clients[i].sock = -1;
		world->clients[i].process = -1;
	}
	present = world;
	world->fds = fuzz_fd_count();
	server_make(world);
}

/* Those that no server has let in. */
static void backlog_empty(void)
{
	for (unsigned int i = 0; i < LISTENERS; i++) {
		int fd;

		while ((fd = accept4(listening[i], NULL, NULL,
				     SOCK_CLOEXEC)) >= 0)
			close(fd);
	}
}

void world_end(struct world *world)
{
	fuzz_fds_exhaust(false);
	barlease_server_destroy(world->server);
	promise(world->came == world->gone);
	for (uint64_t i = 1; i <= world->last_lease && i < LEASES_MAX; i++)
		promise(world->began[i] && world->ended[i]);
	for (unsigned int i = 0; i < CLIENTS; i++)
		client_end(&world->clients[i]);
	backlog_empty();
	promise(fuzz_fd_count() == world->fds);
}
