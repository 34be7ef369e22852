/* SPDX-License-Identifier: MIT */
/*
 * A lease server with many lessees in one process, and a model of what it
 * promises that knows nothing of how it is done: lists that are searched from
 * one end to the other. It sees what the server does where that leaves it: at
 * the device (fake.c), in callbacks, and in the packets that lessees get.
 */
#ifndef LENDING_WORLD_H
#define LENDING_WORLD_H

#include <barlease.h>

#include "server/server.h"
#include "../support.h"

#define PAGE 4096u
#define PAGES 64u
#define BAR 2

#define CLIENTS 20
#define OFFERS 6
#define LISTENERS 2
#define DEVICES 2
#define LEASES 4096
#define REQUESTS 400
#define LOG 8192

#define ANY OFFERS

struct model_device {
	struct barlease_device *device;
	bool away, lost;
};

struct model_offer {
	bool there, removed; /* removed: and still has leases */
	uint64_t id;
	unsigned int device;
	char name[16];
	struct barlease_server_offer terms;
	uint32_t count;
	bool shown[LISTENERS];
};

struct model_client {
	bool there; /* in the server */
	bool killed; /* by what this step does */
	bool lazy; /* reads now and then */
	int sock;
	int process; /* another end of what the server takes for its pidfd */
	uint64_t id;
	unsigned int listener, uid, gid, cgroup;
	uint32_t last_serial;
	/* What it is to find in its socket, in this order. */
	struct expected {
		uint16_t type;
		uint32_t serial;
		uint64_t lease;
		uint32_t value; /* error, why */
	} log[LOG];
	unsigned int log_first, log_last;
};

struct model_request {
	bool waiting;
	unsigned int client, offer;
	uint32_t serial;
	uint64_t order;
	enum barlease_access access;
	enum barlease_attribute attribute;
	uint64_t minimum, wait, due;
	bool cancelled;
	uint32_t told; /* position that the lessee knows */
};

struct model_lease {
	bool live, stuck;
	uint64_t id;
	unsigned int client, offer;
	uint32_t index;
	uint64_t due;
	bool due_by_recall, recalled;
	bool to_release, to_revoke; /* by this step */
	uint32_t device_told;
};

struct world {
	struct barlease_server *server;
	uint64_t now; /* ns */
	uint64_t random;
	uint64_t steps;
	unsigned int joining; /* whom the server asks about */
	uint64_t listeners[LISTENERS];
	char paths[LISTENERS][64];
	struct model_device devices[DEVICES];
	struct model_offer offers[OFFERS];
	struct model_client clients[CLIENTS];
	struct model_request requests[REQUESTS];
	struct model_lease leases[LEASES];
	unsigned int lease_count;
	uint64_t last_order, last_client;
	int deny; /* the next request, by the callback */
	bool export_fails, revoke_fails; /* now and then, in this step */
	bool changing; /* what is offered, in this step */
	uint64_t grants, ends[8], refusals[200], stuck, thrown_out, waits;
	uint64_t called_grants, told_grants;
};

extern struct world world;

#define CHECK(condition, ...)                                                \
	do {                                                                 \
		if (!(condition))                                            \
			fail_world(__FILE__, __LINE__, #condition, __VA_ARGS__); \
	} while (0)

void __attribute__((noreturn, format(printf, 4, 5)))
fail_world(const char *file, int line, const char *condition,
	   const char *format, ...);

/* Less than @bound. */
unsigned int chance(unsigned int bound);

/* fake.c: the device and the processes, as the server sees them */
void fake_reset(void);
/* How many fds of leases are alive in the "kernel". */
unsigned int fake_leases(void);

/* A device was closed, and its leases are no more. */
void fake_closed(const struct barlease_device *device);

/* rules.c: what is right */
int rule_fit(unsigned int client, unsigned int offer,
	     enum barlease_access access, enum barlease_attribute attribute,
	     uint64_t minimum);
uint32_t rule_free(unsigned int offer);
bool rule_quota(unsigned int client, unsigned int offer);
/* What a request must be answered; -1: a lease, -2: it waits. */
int rule_answer(unsigned int client, unsigned int offer,
		const struct barlease_packet_request *request);
void rules_check_still(void);

/* watch.c: what happens is checked as it does */
extern const struct barlease_server_calls watch_calls;
uint64_t watch_now(void *context);
void watch_drain(unsigned int client);
void watch_client_dead(unsigned int client);
struct model_lease *watch_lease(uint64_t id);

/* policy.c: what the lessor does, first and last as well */
void world_begin(uint64_t seed);
void world_end(void);
void step_policy(void);

/* steps.c: what people do */
void world_step(void);
void world_settle(void);

#endif /* LENDING_WORLD_H */
