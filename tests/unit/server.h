/* SPDX-License-Identifier: MIT */
/*
 * What tests of the lease server have in common: a server of a simulated device
 * with a clock that stands still, and lessees that speak the protocol by hand.
 */
#ifndef UNIT_SERVER_H
#define UNIT_SERVER_H

#include <barlease.h>

#include "protocol/socket.h"
#include "sim.h"

#define FOR_EVER BARLEASE_WAIT_FOR_EVER

struct shop {
	struct barlease_device *device; /* as sim.h has it */
	struct barlease_server *server;
	uint64_t listener;
	uint64_t now; /* nanoseconds */
	char path[64];
	unsigned int fds; /* that there were before */
	/* Callbacks, "grant 1", "recall 1 500", "end 1 3", "stuck 1 -5",
	 * "refuse NAME 16", "came 1", "gone 1", "offer_gone 1", "slow 1" (for
	 * the first time, or else "again 1"), a line each.
	 */
	char journal[16384];
	/* Of the latest to be told slow: cgroup, command, and why the one is not
	 * known.
	 */
	char slow_is[128];
	uint64_t hidden; /* offer that nobody may know of; 0: none */
	/* What a callback is to do; cleared when it did. */
	int deny;
	const char *deny_sentence;
	uint64_t revoke_in_request;
	uint64_t revoke_in_grant;
	uint64_t recall_in_end;
	int depth_errors; /* of calls that must not be made there */
};

/* Fixtures for cmocka: *state is the struct shop. No fd is left by a test. */
int shop_setup(void **state);
int shop_teardown(void **state);

#define shop_test(function) \
	cmocka_unit_test_setup_teardown(function, shop_setup, shop_teardown)

/* Begin anew on other terms. Clock and callbacks are the shop's. */
void shop_restart(struct shop *shop, const struct barlease_server_terms *terms);

/* Offer pages of SIM_BAR and show that on the socket. Return: the number. */
uint64_t shop_offer(struct shop *shop, const char *name, uint64_t page,
		    uint64_t pages, uint64_t slice_pages);
uint64_t shop_offer_as(struct shop *shop,
		       const struct barlease_server_offer *offer);

/* Do all that is to be done. */
void shop_settle(struct shop *shop);

/* Let time pass, and do what is due. */
void shop_pass(struct shop *shop, uint64_t ms);

/* Whether exactly this was noted since the last time. */
void assert_journal(struct shop *shop, const char *lines);

/* Connect. Return: the connection, not heard of by the server so far. */
int lessee_connect(const char *path);

/* The same, and have it heard of. */
int lessee_join(struct shop *shop);
int lessee_join_at(struct shop *shop, const char *path);
void lessee_send(int sock, const union packet *packet);
void lessee_list(int sock, uint32_t serial);
void lessee_request(int sock, uint32_t serial, const char *name, uint64_t wait);
void lessee_request_as(int sock, const struct barlease_packet_request *request);
void lessee_cancel(int sock, uint32_t serial, uint32_t request);
void lessee_release(int sock, uint32_t serial, uint64_t lease);

/* The next packet, which must be of this type and have this serial. */
struct received lessee_take(struct shop *shop, int sock,
			    enum barlease_packet_type type, uint32_t serial);
void lessee_take_refused(struct shop *shop, int sock, uint32_t serial,
			 int error);
void lessee_take_queued(struct shop *shop, int sock, uint32_t serial,
			uint32_t position);
void lessee_take_revoked(struct shop *shop, int sock, uint64_t lease,
			 enum barlease_end why);
/* Return: the number of the lease; its fd is put into @fd, or closed. */
uint64_t lessee_take_grant(struct shop *shop, int sock, uint32_t serial,
			   int *fd);
/* Ask for it, and have it at once. */
uint64_t lessee_get(struct shop *shop, int sock, const char *name, int *fd);
void lessee_take_nothing(struct shop *shop, int sock);
/* Whether the server has closed it, after no packet more. */
void lessee_take_end(struct shop *shop, int sock);

#endif /* UNIT_SERVER_H */
