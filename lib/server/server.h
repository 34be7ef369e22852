/* SPDX-License-Identifier: MIT */
/*
 * The lease server inside. What lessees and lessors do calls functions that
 * change things at once and note what follows from it; server_settle() then
 * does what follows, until nothing does:
 *
 *  - lessees that do not read, or are not there any more, go (failing),
 *  - leases that a callback wants back end (doomed),
 *  - slices that have come free go to who waits for them (uneven offers),
 *  - removed offers without leases go (emptied offers).
 *
 * So each step begins and ends with this true: nobody waits for something that
 * is free for him. What may take long is left to later calls of
 * barlease_server_dispatch(): the leases of a lessee that is gone, and telling
 * everybody in a queue its new position.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "server/state.h"

/* dispatch.c */
uint64_t server_now(const struct barlease_server *server);

/* @ms from now; BARLEASE_WAIT_FOR_EVER and what is too far: SERVER_NEVER. */
uint64_t server_due(const struct barlease_server *server, uint64_t ms);

/* How long until then, in whole milliseconds; UINT64_MAX for SERVER_NEVER. */
uint64_t server_left(const struct barlease_server *server, uint64_t due);

/* Do what follows, and have the fd be readable when it must. */
void server_settle(struct barlease_server *server);

/* Have it be told of an fd. Return: 0 or -errno. */
int server_source_add(struct barlease_server *server,
		      struct server_source *source, int fd, uint32_t events);
void server_source_watch(struct barlease_server *server,
			 struct server_source *source, uint32_t events);
/* It also closes the fd. */
void server_source_end(struct barlease_server *server,
		       struct server_source *source);
void server_timer_ready(struct barlease_server *server,
			struct server_source *source, uint32_t events);
/* Free clients; no event can name one any more. */
void server_bury(struct barlease_server *server);

/* device.c */
struct server_device *server_device_find(struct barlease_server *server,
					 const struct barlease_device *device);

/* offer.c */
struct server_offer *server_offer_find(struct barlease_server *server,
				       uint64_t id);
void server_offer_remove(struct barlease_server *server,
			 struct server_offer *offer, uint64_t grace);
/* Removed, and nobody has anything of it any more. */
void server_offer_vanish(struct barlease_server *server,
			 struct server_offer *offer);
void server_offer_free(struct server_offer *offer);
/* Refuse those that wait for what they cannot get any more. */
void server_offer_review(struct barlease_server *server,
			 struct server_offer *offer);

/* It may have something for somebody, or be empty. */
void server_offer_changed(struct barlease_server *server,
			  struct server_offer *offer);

/* offer_check.c */
int server_offer_check(struct barlease_server *server,
		       struct server_device *device,
		       const struct barlease_server_offer *offer);
int server_offer_check_terms(const struct barlease_device *device,
			     const struct barlease_server_offer *offer);

/* slice.c */
struct barlease_range server_slice_range(const struct server_offer *offer,
					 uint32_t index);
uint32_t server_slice_take(struct server_offer *offer);
/* This one, which must be free. */
void server_slice_take_at(struct server_offer *offer, uint32_t index);
void server_slice_give_back(struct server_offer *offer, uint32_t index);
/* Nobody gets it, until it is given back after all. */
void server_slice_set_stuck(struct server_offer *offer, uint32_t index,
			    bool stuck);
/* All of them, after the terms have changed. */
void server_slices_sort(struct server_offer *offer);

/* show.c */
struct server_shown *server_shown_find(struct barlease_server *server,
				       const struct server_listener *listener,
				       const char *name);
void server_hide(struct barlease_server *server, struct server_shown *shown);

/* listener.c */
struct server_listener *server_listener_find(struct barlease_server *server,
					     uint64_t id);
void server_listener_close(struct barlease_server *server,
			   struct server_listener *listener);
/* If it is closed and has no clients. */
void server_listener_put(struct barlease_server *server,
			 struct server_listener *listener);

/* come.c */

/* Takes the fd of a connection in any case. */
void server_client_come(struct barlease_server *server,
			struct server_listener *listener, int fd);

/* Tell who is not let in. Takes the fd. */
void server_turn_away(int fd, int error, const char *sentence);

/* It is its turn. */
void server_client_let_in(struct barlease_server *server,
			  struct server_client *client);

/* client.c */

/* Take what is unread of one that is to go, as far as that has an end. */
void server_leftovers_take(int fd);

/* Takes both fds, that of the connection and the pidfd, in any case. */
int server_client_hear(struct barlease_server *server,
		       struct server_client *client, int fd, int process);

/* It is to be ended, and not sent anything any more. */
void server_client_fail(struct barlease_server *server,
			struct server_client *client, const char *reason);
/* Close the connection; its leases end later. */
void server_client_end(struct barlease_server *server,
		       struct server_client *client);

/* End a lease of one that has ended, or forget it. */
void server_client_clear(struct barlease_server *server,
			 struct server_client *client);
void server_client_free(struct server_client *client);
/* Let it in, or hear one packet of it. */
void server_client_turn(struct barlease_server *server,
			struct server_client *client);

/* out.c */

/* With @lease: of a GRANT, whose fd goes with it. */
void server_send(struct barlease_server *server, struct server_client *client,
		 const union packet *packet, struct server_lease *lease);
void server_flush(struct barlease_server *server, struct server_client *client);
bool server_has_unsent(const struct server_client *client);
/* Have the epoll wait for what is wanted of a client. */
void server_client_watch(struct barlease_server *server,
			 struct server_client *client);
void server_outgoing_free(struct server_outgoing *outgoing);

/* tell.c: packets */
void server_tell_refused(struct barlease_server *server,
			 struct server_client *client, uint32_t serial,
			 int error, const char *sentence);
void server_tell_granted(struct barlease_server *server,
			 struct server_lease *lease, uint32_t serial);
void server_tell_released(struct barlease_server *server,
			  struct server_client *client, uint32_t serial,
			  uint64_t lease);
void server_tell_recalled(struct barlease_server *server,
			  const struct server_lease *lease);
void server_tell_revoked(struct barlease_server *server,
			 const struct server_lease *lease,
			 enum barlease_end why);
void server_tell_device(struct barlease_server *server,
			const struct server_lease *lease,
			enum barlease_device_state state);
void server_pack_queued(union packet *packet,
			const struct server_waiter *waiter);
void server_pack_offer(union packet *packet, const struct server_shown *shown,
		       uint32_t serial);
void server_pack_refused(union packet *packet, uint32_t serial, int error,
			 const char *sentence);

/* listing.c: answers a LIST as far as the client reads */
void server_list_begin(struct barlease_server *server,
		       struct server_client *client, uint32_t serial);
/* The next packet of the answer, and that it was sent. */
void server_list_pack(struct barlease_server *server,
		      struct server_client *client, union packet *packet);
void server_list_advance(struct server_client *client);

/* request.c */

/* Does it count as asked for? What gives something back does not. */
bool server_packet_asks(struct barlease_server *server,
			const struct server_client *client,
			const union packet *packet);
void server_packet_handle(struct barlease_server *server,
			  struct server_client *client,
			  const union packet *packet);

/* fit.c */

struct server_wish {
	enum barlease_access access;
	enum barlease_attribute attribute;
	uint64_t minimum;
};

/*
 * Can such a request ever be granted from it?
 * Return: 0, or a positive errno with a sentence, unless that is NULL.
 */
int server_fit(const struct server_offer *offer, const struct server_wish *wish,
	       char *sentence);

/* The same for all that a client may know of; 0 if it can from one of them. */
int server_fit_any(struct barlease_server *server,
		   const struct server_client *client,
		   const struct server_wish *wish, char *sentence);

/* Is there something to be given now, to whoever may have it? */
bool server_has_free(const struct server_offer *offer);

/* queue.c */
void server_queue_init(struct server_queue *queue);

/*
 * Wait. @offer may be NULL.
 * Return: 0 or a positive errno with a sentence.
 */
int server_wait(struct barlease_server *server, struct server_client *client,
		struct server_offer *offer,
		const struct barlease_packet_request *request, char *sentence);
/* Forget it. Its client is not told. */
void server_waiter_free(struct barlease_server *server,
			struct server_waiter *waiter);
void server_waiter_refuse(struct barlease_server *server,
			  struct server_waiter *waiter, int error,
			  const char *sentence);

/* Refuse those that wait for what they cannot get there any more. */
void server_queue_review(struct barlease_server *server,
			 struct server_queue *queue);

/* position.c */

/* Of one for anything, which counts among those of its lessee. */
uint32_t server_position_own(const struct server_waiter *waiter);
/* A waiter is about to leave its queue. */
void server_position_leave(struct barlease_server *server,
			   const struct server_waiter *waiter);
/* Tell some. Return: whether there is more to do. */
bool server_positions_tell(struct barlease_server *server);
void server_position_say(struct barlease_server *server,
			 struct server_waiter *waiter);

/* serve.c */
void server_offer_serve(struct barlease_server *server,
			struct server_offer *offer);

/* lease.c */
struct server_lease *server_lease_find(struct barlease_server *server,
				       uint64_t id);

/*
 * Lend a slice, of which there must be one that is free.
 * Return: 0, and the share is the lease's; or a negative errno.
 */
int server_grant(struct barlease_server *server, struct server_client *client,
		 struct server_offer *offer, const struct server_wish *wish,
		 struct server_share *share, uint32_t serial);
/* A sentence for what that answered. */
void server_say_failed(char *sentence, const struct server_offer *offer,
		       int err);

/* lease_end.c */

/*
 * Take it back, and forget it if that works. Its lessee is told unless it is
 * why.
 * Return: 0 or what barlease_lease_revoke() answers.
 */
int server_lease_end(struct barlease_server *server, struct server_lease *lease,
		     enum barlease_end why);
/* The same for one that its lessee will never know of. */
void server_lease_drop(struct barlease_server *server,
		       struct server_lease *lease);
void server_lease_recall(struct barlease_server *server,
			 struct server_lease *lease, uint64_t grace);
/* Forget one that is stuck, as its device or the server ends. */
void server_lease_abandon(struct barlease_server *server,
			  struct server_lease *lease);
/* What a callback wanted, when it has returned. */
void server_lease_fulfil(struct barlease_server *server,
			 struct server_lease *lease);
void server_lease_expire(struct barlease_server *server,
			 struct server_timer *timer);

/* account.c */

/* Return: 0, or EDQUOT with a sentence, unless that is NULL. */
int server_share_check(struct barlease_server *server,
		       const struct server_client *client,
		       struct server_offer *offer, char *sentence);
/* Return: 0 or -ENOMEM. */
int server_share_take(struct barlease_server *server,
		      const struct server_client *client,
		      struct server_offer *offer, struct server_share *share);
void server_share_drop(struct barlease_server *server,
		       struct server_share *share);

/* user.c */

/* For one more connection. Return: it, or NULL: no memory. */
struct server_user *server_user_get(struct barlease_server *server, uid_t uid);
/* For one less. */
void server_user_put(struct barlease_server *server, struct server_user *user);
/* May it ask for something now? */
bool server_user_may_ask(const struct barlease_server *server,
			 const struct server_user *user);
/* It has asked for something. */
void server_user_charge(struct barlease_server *server,
			struct server_user *user);
/* It may not: have a client wait, for server_client_turn(). */
void server_user_line_up(struct barlease_server *server,
			 struct server_client *client);
bool server_waits_for_turn(const struct server_client *client);
/* All of them, when no client is left. */
void server_users_end(struct barlease_server *server);

/* cgroup.c */
struct server_cgroup *server_cgroup_get(struct barlease_server *server,
					const char *path);
void server_cgroup_put(struct barlease_server *server,
		       struct server_cgroup *cgroup);

/* keep.c; where nothing is kept, all of these do nothing */

/* Return: 0, -ENFILE where there is no room, or what the store answers. */
int server_keep_put(struct barlease_server *server, enum server_kept_kind kind,
		    uint64_t id, int fd);
void server_keep_remove(struct barlease_server *server,
			enum server_kept_kind kind, uint64_t id);
/* Of what was taken and nobody has wanted so far; or NULL. */
struct server_kept *server_keep_find(struct barlease_server *server,
				     enum server_kept_kind kind, uint64_t id);
/* The same for a socket with this path. Return: its fd, or -ENOENT. */
int server_keep_socket(struct barlease_server *server, const char *path,
		       uint64_t *id);
/* The path that a socket has, "" without one, into KEEP_PATH_SIZE bytes. */
void server_address(int fd, char *path);
void server_keep_listener(struct barlease_server *server,
			  struct server_listener *listener);
/* It is to have another socket. */
void server_keep_leave_listener(struct barlease_server *server,
				struct server_listener *listener);
void server_keep_end_listener(struct barlease_server *server,
			      struct server_listener *listener);
/* Return: as server_keep_put(). */
int server_keep_lessee(struct barlease_server *server,
		       struct server_client *client, int fd);
/* Are there packets for it here? */
void server_keep_behind(const struct server_client *client, bool behind);
void server_keep_end_lessee(struct barlease_server *server,
			    struct server_client *client);
/* Return: as server_keep_put(). */
int server_keep_lease(struct barlease_server *server,
		      struct server_lease *lease, uint32_t serial);
/* It is asked for, or ends, at another time. */
void server_keep_due(const struct server_lease *lease);
/* Its GRANT was sent. */
void server_keep_told(const struct server_lease *lease);
void server_keep_end_lease(struct barlease_server *server,
			   struct server_lease *lease);
/* Return: 0 or -ENFILE. */
int server_keep_waiter(struct barlease_server *server,
		       struct server_waiter *waiter);
void server_keep_end_waiter(struct barlease_server *server,
			    struct server_waiter *waiter);
/* Throw away what nobody has wanted. */
void server_keep_drop(struct barlease_server *server);
void server_keep_end(struct barlease_server *server);

/*
 * What resume.c has made again. Each takes the record, and on success the fd.
 * Return: 0 or -errno.
 */
int server_client_resume(struct barlease_server *server,
			 struct keep_record *record, int fd,
			 struct server_client **client);
int server_lease_resume(struct barlease_server *server,
			struct server_client *client,
			struct server_offer *offer, struct keep_record *record,
			int fd);
int server_waiter_resume(struct barlease_server *server,
			 struct server_client *client,
			 struct server_offer *offer, struct keep_record *record,
			 bool tell);
/* The listener with this path, or one that is closed; NULL: no memory. */
struct server_listener *server_listener_resume(struct barlease_server *server,
					       const char *path);

/* resume_end.c */
struct server_departed;

/* Who is not there any more, for free(); NULL: no memory. */
struct server_departed *server_departed_get(const struct keep_record *record,
					    int fd);
/* Of a lease of one of both. */
void server_call_end_meanwhile(struct barlease_server *server,
			       const struct server_client *client,
			       const struct server_departed *departed,
			       const struct keep_record *record,
			       struct barlease_device *device);

/* call.c: the callbacks */
struct barlease_server_lessee
server_lessee_of(const struct server_client *client);
struct barlease_server_lease
server_lease_of(const struct barlease_server *server,
		const struct server_lease *lease);
struct barlease_server_request
server_request_of(const struct server_waiter *waiter);
int server_call_request(struct barlease_server *server,
			const struct server_client *client,
			const struct barlease_server_request *request,
			char *sentence);
bool server_call_visible(struct barlease_server *server,
			 const struct server_client *client,
			 const struct server_offer *offer);
void server_call_grant(struct barlease_server *server,
		       const struct server_lease *lease);
void server_call_recall(struct barlease_server *server,
			const struct server_lease *lease);
void server_call_end(struct barlease_server *server,
		     const struct server_lease *lease, enum barlease_end why);
void server_call_stuck(struct barlease_server *server,
		       const struct server_lease *lease, int error);
void server_call_refuse(struct barlease_server *server,
			const struct server_client *client,
			const struct barlease_server_request *request,
			int error, const char *sentence);
void server_call_slow(struct barlease_server *server,
		      const struct server_client *client, bool first);
void server_call_came(struct barlease_server *server,
		      const struct server_client *client);
void server_call_gone(struct barlease_server *server,
		      const struct server_client *client);
void server_call_offer_gone(struct barlease_server *server, uint64_t id);

#endif /* SERVER_SERVER_H */
