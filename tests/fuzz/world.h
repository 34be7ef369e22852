/* SPDX-License-Identifier: MIT */
/* The server that is fuzzed, and whom it has to do with. */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <barlease.h>

#include "input.h"
#include "protocol/socket.h"

#define LISTENERS 2
#define OFFERS 5
#define CLIENTS 6
#define HELD_MAX 16
#define LEASES_MAX 256 /* numbers that are looked after */

/* What a lessee knows of a lease. */
struct held {
	uint64_t lease;
	int fd;
};

struct client {
	int sock; /* -1: not connected */
	int process; /* readable when it has died; -1: there is none */
	uid_t uid;
	struct held held[HELD_MAX];
	unsigned int held_count;
	uint32_t last_serial;
};

struct world {
	struct input input;
	struct barlease_server *server;
	uint64_t now; /* ns */
	unsigned int fds; /* before */
	uint64_t listeners[LISTENERS], offers[OFFERS];
	struct client clients[CLIENTS];
	uint64_t last_lease; /* the newest that was granted */
	uint8_t mood; /* what callbacks do, and how often users may ask */
	unsigned int came, gone; /* lessees that it told of */
	/* Of a slice of each offer, by the widest terms it has had. */
	uint32_t sharers_max[OFFERS];
	/* Of each lease whether the server said that it has begun, and ended. */
	uint8_t began[LEASES_MAX], ended[LEASES_MAX];
};

/* world.c */
void world_begin(struct world *world, const uint8_t *data, size_t size);
void world_end(struct world *world);
struct barlease_device *world_device(void);

/* The terms of an offer, as they are at first. */
struct barlease_server_offer world_offer(unsigned int which);
/* The listening socket of all servers; the caller's. */
int world_listen(unsigned int which);

/* It has these terms now. */
void world_terms_set(struct world *world, unsigned int which,
		     const struct barlease_server_offer *offer);

/* steps.c */
void world_step(struct world *world, uint8_t which);
void world_dispatch(struct world *world);

/* client.c */
void client_join(struct world *world);
void client_close(struct world *world);
void client_die(struct world *world);
void client_shut_down(struct world *world);
void client_send(struct world *world);
void client_read(struct world *world);
void client_end(struct client *client);

/* check.c */
void world_check(struct world *world);

#endif /* FUZZ_WORLD_H */
