/* SPDX-License-Identifier: MIT */
/* A lease server that does what a policy says. */
#ifndef LENDER_H
#define LENDER_H

#include <barlease.h>
#include <barlease/server.h>

#include "lender/keep.h"
#include "lender/metrics.h"
#include "limit.h"
#include "policy/policy.h"
#include "service/handed.h"

struct lender_socket {
	char path[POLICY_SOCKET_SIZE];
	mode_t mode;
	gid_t group;
	uint64_t id;
	bool kept; /* it was there before */
	bool handed; /* its file is not ours */
};

/* A policy, and what of a server and of devices belongs to it. */
struct setup {
	struct policy *policy;
	struct barlease_device **devices; /* of each of the policy; NULL: lost */
	bool *devices_kept; /* they were open before */
	uint64_t *offers; /* number of each of the policy; 0: not there yet */
	struct lender_socket *sockets;
	size_t socket_count;
};

struct lender {
	struct keep keep; /* comes first, for the server's store */
	const char *file;
	struct barlease_server *server;
	struct setup *setup; /* in force; NULL: none so far */
	struct handed handed;
	int handed_error; /* why nothing of what was handed over can be used */
	struct metrics metrics;
	struct limit limit; /* of denials in the log */
	int wanted; /* epoll: readable when a device is wanted back */
	bool resuming; /* what a barleased before has lost may be missing */
	bool resumed; /* leases of a barleased before are here */
	uint64_t closing_until; /* ms: the manager may have it open till then */
	bool retry; /* a range has come free that an offer may wait for */
	struct control *control; /* operators' socket, or NULL */
	const char *why_recall; /* what is being recalled for; NULL: policy */
};

/**
 * lender_create() - have one, of nothing so far
 * @file: policy file; lives as long as the lender
 * @keep: how many fds the service manager keeps for it, up to KEEP_FDS_MAX; 0:
 *	none
 * @lender: to be filled, for lender_end(), also where that fails
 *
 * Return: 0; as barlease_server_create(); or -errno.
 */
int lender_create(const char *file, uint32_t keep, struct lender *lender);

/**
 * lender_take_handed() - have what was handed over
 * @lender: lender, of nothing so far
 *
 * Return: 0 or -errno.
 */
int lender_take_handed(struct lender *lender);

/**
 * lender_begin() - lend, and go on where a barleased before was cut off
 * @lender: lender, of nothing but what was handed over
 *
 * Return: 0 or -errno, and it is logged.
 */
int lender_begin(struct lender *lender);

/* All leases are taken back, and the devices are closed. */
void lender_end(struct lender *lender);

/**
 * lender_load() - do what the policy file says now
 * @lender: lender
 *
 * Leases that the new policy allows as well stay; others are recalled.
 *
 * Return: 0; or -errno when nothing was changed, for a reason that was logged.
 */
int lender_load(struct lender *lender);

/* To be called when the fd of the server is readable. */
int lender_dispatch(struct lender *lender);

/* CLOCK_MONOTONIC, in milliseconds. */
uint64_t lender_now_ms(void);

/* Those of the policy file, or of the policy that was kept. */
void mistakes_log(const struct lender *lender, const struct mistakes *mistakes,
		  bool kept);

/* limits.c: let in as many as a policy says, and hear them as often */
void lender_limit(struct lender *lender, const struct policy *policy);

/* lost.c */

/* Hear of it when the kernel wants it back. Return: 0 or -errno. */
int lender_watch(const struct lender *lender, struct barlease_device *device);

/* To be called when @wanted is readable: one that it asks for is given up. */
void lender_lose(struct lender *lender);

/* setup.c */

/*
 * Have all that a policy needs, with as much as there is of the one in force.
 * Takes the policy in any case. Return: 0 or -errno, and it is logged.
 */
int setup_make(struct lender *lender, struct policy *policy,
	       struct setup **setup);
void setup_free(struct setup *setup);

/* device.c */

/* Return: 0 or -errno, and it is logged. */
int devices_open(struct lender *lender, struct setup *setup);
/* Those that were opened for this setup alone. */
void devices_drop(struct lender *lender, struct setup *setup);
bool setup_has(const struct setup *setup, const struct barlease_device *device);
/*
 * Close one that is not lent from any longer, and have it kept no more. What has
 * its name among those of @staying is; that may be NULL.
 */
void device_end(struct lender *lender, struct barlease_device *device,
		const struct setup *staying);
/* A function was closed of which the service manager has copies as yet. */
void device_closes(struct lender *lender);
/* Those of @old that @new has not kept. */
void devices_close(struct lender *lender, const struct setup *old,
		   const struct setup *new);

/* socket.c */

/* Return: 0 or -errno, and it is logged. */
int sockets_open(struct lender *lender, struct setup *setup);
void sockets_drop(struct lender *lender, struct setup *setup);
void sockets_close(struct lender *lender, const struct setup *old,
		   const struct setup *new);
/* Have files of those of @old that stay as the setup in force says; logged. */
void sockets_renew(struct lender *lender, const struct setup *old);
/* Make the folder that a socket is to be in, if that is all that lacks. */
void folder_make(const char *path);
/* The one with this path, or NULL. */
const struct lender_socket *socket_find(const struct setup *setup,
					const char *path);

/* trial.c: can the devices be lent like that? Return: 0 or -errno, logged. */
int setup_try(const struct lender *lender, const struct setup *setup);

/* offer.c */

/* Offer no longer what @old did and the setup in force does not. */
void offers_leave(struct lender *lender, const struct setup *old);
/* Offer what the setup in force says; @old may be NULL. */
void offers_come(struct lender *lender, const struct setup *old);
/* Those that are not there yet. */
void offers_retry(struct lender *lender);

/* may.c */
bool lender_may(const struct policy_offer *offer,
		const struct barlease_server_lessee *lessee);
/* Why its cgroup is not known, in words; NULL: it is. */
const char *lender_cgroup_unknown(const struct barlease_server_lessee *lessee);
/* By its number; NULL where it is not of the policy in force (any more). */
const struct policy_offer *lender_offer(const struct lender *lender,
					uint64_t id);
/* Recall what the policy in force does not allow. */
void leases_review(struct lender *lender);

/* calls.c */
extern const struct barlease_server_calls lender_calls;

#endif /* LENDER_H */
