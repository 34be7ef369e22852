/* SPDX-License-Identifier: MIT */
/* What a lease server knows. */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include "base/list.h"
#include "base/table.h"
#include "protocol/packet.h"
#include "public.h"
#include "server/keep.h"
#include "server/peer.h"
#include "server/socket_file.h"
#include "server/timer.h"

#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC 1000000000ull

struct server_device {
	struct list link; /* of the server */
	struct barlease_device *device;
	bool away, lost;
};

/* Something in the server's epoll. */
struct server_source {
	void (*ready)(struct barlease_server *server,
		      struct server_source *source, uint32_t events);
	int fd; /* -1: none */
	uint32_t events; /* that are waited for */
};

/* Requests that wait, in the order in which they came. */
struct server_queue {
	struct list waiters;
	uint32_t count;
	/* Telling positions: where that has come to, and which it has there. */
	struct list stale; /* of the server, if there is something to tell */
	struct server_waiter *cursor;
	uint32_t position;
	bool again; /* from the beginning, when done */
};

struct server_slice {
	struct list free; /* of the offer, if it can be lent */
	uint32_t leases;
	uint32_t stuck; /* of them, that the kernel did not take back */
};

struct server_offer {
	struct list link; /* of the server */
	uint64_t id;
	struct server_device *device;
	struct barlease_server_offer terms; /* its name is the next */
	char name[BARLEASE_NAME_SIZE];
	struct server_slice *slices;
	uint32_t count;
	struct list free;
	uint32_t free_count;
	struct list leases;
	struct list stuck;
	uint32_t lease_count, stuck_count;
	struct list shown;
	struct server_queue queue; /* by name */
	struct list uneven; /* of the server's uneven or emptied */
	bool removed;
};

struct server_listener {
	struct list link; /* of the server */
	uint64_t id;
	struct server_source source;
	char *path; /* that was made; NULL: none */
	struct socket_file file; /* that is there, if it is ours */
	struct list shown; /* in order */
	struct list clients;
	struct server_queue queue; /* for anything */
	struct server_timer pause;
	bool closed, kept;
};

/* An offer on a socket. */
struct server_shown {
	struct table_node by_name;
	struct list of_offer, of_listener;
	struct server_offer *offer;
	struct server_listener *listener;
};

/* How much lessees with an identity have, or wait for by name. */
enum server_identity {
	SERVER_BY_UID,
	SERVER_BY_GID,
	SERVER_BY_CGROUP,
	SERVER_IDENTITIES,
};

struct server_account {
	struct table_node node;
	struct server_offer *offer;
	enum server_identity identity;
	uint64_t value;
	uint32_t used;
};

struct server_share {
	struct server_account *accounts[SERVER_IDENTITIES];
};

/* All processes of a user. */
struct server_user {
	struct table_node by_uid;
	struct list link; /* of the server */
	uid_t uid;
	uint32_t connections;
	/* When all that it has asked for so far is paid, nanoseconds: how far
	 * that is away is how much of its burst it has used.
	 */
	uint64_t paid;
	struct list line; /* clients, of which each waits for its turn */
	struct server_timer timer; /* the next turn, or that all is paid */
	bool slowed; /* since all was paid */
};

/* The same for all that are in it. */
struct server_cgroup {
	struct table_node node;
	uint64_t id;
	uint32_t users;
	char path[];
};

struct server_client {
	struct list link; /* of the server: those that are connected, or ended */
	struct list of_listener;
	struct server_listener *listener;
	uint64_t id;
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t group_count;
	struct server_cgroup *cgroup; /* NULL: was not looked for so far */
	uint64_t cgroup_id; /* as in struct peer */
	int cgroup_error; /* why it is not known */
	struct server_user *user;
	char command[PEER_COMMAND_SIZE];
	struct server_source socket, process;
	struct list leases, waiters;
	uint32_t lease_count, waiter_count;
	struct list out; /* packets that it has not taken yet */
	uint32_t out_count;
	uint64_t out_room; /* how many they may be */
	struct list unsaid; /* waiters whose position it was not told */
	/* A LIST that is being answered: what comes next. */
	struct list *listing; /* NULL: none */
	uint32_t listing_serial, listed;
	struct keep_record *record; /* NULL: not kept */
	struct list turn; /* of its user, if it must wait to be heard */
	bool let_in; /* the lessor and the store know of it */
	struct list failing; /* of the server, if it is to be ended */
	const char *ended; /* why, or is to be; NULL: connected */
};

struct server_waiter {
	struct list link; /* of its queue */
	struct list of_client;
	struct list unsaid; /* of its client, if it is to be told */
	struct server_client *client;
	struct server_queue *queue;
	struct server_offer *offer; /* NULL: anything */
	struct server_share share; /* of the offer */
	struct server_timer timeout;
	uint64_t order; /* of arrival, in the server */
	uint64_t minimum, wait;
	enum barlease_access access;
	enum barlease_attribute attribute;
	uint32_t serial;
	uint32_t position, told;
	struct keep_record *record; /* NULL: not kept */
};

/* What a callback wants of a lease. */
enum server_doom {
	SERVER_SPARED,
	SERVER_TO_RECALL,
	SERVER_TO_REVOKE,
};

struct server_lease {
	struct table_node by_id;
	struct list of_offer;
	struct list of_client;
	struct list doomed; /* of the server */
	enum server_doom doom;
	enum barlease_end doom_why;
	uint64_t doom_grace;
	uint64_t id;
	struct server_offer *offer;
	uint32_t index; /* of the slice */
	struct server_client *client; /* NULL: gone, it is stuck */
	struct server_share share;
	int fd;
	enum barlease_access access;
	enum barlease_attribute attribute;
	uint64_t since;
	struct server_timer timer;
	enum barlease_end timer_why;
	struct server_outgoing *grant; /* while it is on its way */
	struct keep_record *record; /* NULL: not kept */
	bool recalled, stuck;
};

/* A packet that a client has not taken yet. */
struct server_outgoing {
	struct list link;
	struct server_lease *lease; /* of a GRANT; NULL: it has ended */
	int fd; /* that goes with it then, to be closed */
	union packet packet[]; /* as much of it as it needs */
};

/* What fds in the store are; each is known by this and a number. */
enum server_kept_kind {
	KEPT_STATE, /* its number is the version of the format */
	KEPT_LISTENER,
	KEPT_LESSEE,
	KEPT_LEASE,
};

struct server_kept {
	enum server_kept_kind kind;
	uint64_t id;
	int fd; /* -1: somebody has taken it */
};

struct server_keep {
	bool on;
	struct keep_file file;
	uint32_t stored; /* fds */
	struct server_kept *taken; /* of a server before, until resumed */
	size_t taken_count;
};

struct barlease_server {
	struct barlease_server_terms terms;
	int epoll, spare; /* spare: to be closed where fds run out */
	struct server_source timer;
	uint64_t timer_due; /* what it is set to */
	struct server_timers timers;
	struct table leases, names, accounts, cgroups, uids;
	uint64_t last_offer, last_listener, last_client, last_lease;
	uint64_t last_order, last_cgroup;
	struct list devices, offers, listeners, users;
	struct list clients, ended; /* ended: have leases, or are to be told */
	uint32_t client_count, waiter_count;
	/* What follows, see above. */
	struct list failing, doomed, uneven, emptied, stale;
	struct list buried; /* clients that events may still name */
	unsigned int depth; /* of callbacks */
	struct server_keep keep;
};

#endif /* SERVER_STATE_H */
