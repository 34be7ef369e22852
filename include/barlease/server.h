/* SPDX-License-Identifier: MIT */
/*
 * For lessors: a server that lends slices of devices to the processes that
 * connect to its sockets, and takes them back for certain. docs/protocol.md
 * says what it speaks; this is for whoever decides what is lent, on what terms.
 *
 * A server is driven by one fd: when barlease_server_get_fd() is readable, call
 * barlease_server_dispatch(). It starts no thread, never waits for a lessee and
 * belongs to one thread at a time. What can wait is taking a lease back in the
 * kernel, as long as the device is being reset by somebody, and before Linux 6.16
 * dropping an fd that a hostile lessee has sent (barlease(7)).
 *
 * A lease ends when its lessee releases it, closes its connection or dies (even
 * if a process that lives has inherited the lease or the connection), when its
 * time is over, when it is recalled and not released in time, revoked by the
 * lessor, and with its device or the server. It is revoked in the kernel before
 * its slice is given to another lessee and before anybody is told.
 *
 * All times are in milliseconds unless they say something else. Numbers of
 * offers, listeners, lessees and leases are never used again by a server; 0 is
 * none.
 */
#ifndef BARLEASE_SERVER_H
#define BARLEASE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <barlease/device.h>
#include <barlease/lease.h>
#include <barlease/protocol.h>

#ifdef __cplusplus
extern "C" {
#endif

/* More slices than this in one pool are -E2BIG. */
#define BARLEASE_POOL_MAX (1u << 16)

struct barlease_server;

/*
 * A process that is connected. What it points to lasts until the callback
 * returns.
 */
struct barlease_server_lessee {
	uint64_t id;
	uint64_t listener; /* that it came by */
	/* As of the moment when it connected. */
	pid_t pid; /* 0: of a namespace that cannot be seen from here */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary ones */
	size_t group_count;
	const char *cgroup; /* path in the unified hierarchy; "": not known */
	/* What it was called then, or when it was its turn to come
	 * (requests_max_per_uid); "": not known. What is not printable ASCII is
	 * '?': it has chosen that itself.
	 */
	const char *command;
	uint32_t leases; /* that it has */
	uint32_t waiting; /* requests */
	/* Why @cgroup is not known: -ENOENT, -EPERM or -EACCES: /proc does not
	 * show this user the process (hidepid=); -ESRCH: it is in no pid
	 * namespace that /proc shows; -EXDEV: its cgroup is outside of the
	 * server's cgroup namespace; -ENODATA: it is in none of the unified
	 * hierarchy; -ESTALE: while it waited to be let in it was moved to another
	 * one than that in which it connected (Linux 6.13 and later; before, all
	 * are looked up as they connect); -EAGAIN: it waits to be let in, and was
	 * not looked up so far; -ENAMETOOLONG; or -errno of reading. 0: it is
	 * known, or why it is not was not kept over a restart.
	 */
	int cgroup_error;
};

/* What a lessee asks for, or has asked for. */
struct barlease_server_request {
	uint64_t offer; /* 0: any, or none of that name */
	const char *name; /* as asked for; "": any */
	enum barlease_access access;
	enum barlease_attribute attribute;
	uint64_t minimum; /* bytes; 0: whatever there is */
	uint64_t wait; /* as asked for; BARLEASE_WAIT_FOR_EVER */
	/* In its queue, and of one for anything among those of its lessee; 0: it
	 * does not wait.
	 */
	uint32_t position;
};

/* What a lessee has. */
struct barlease_server_lease {
	uint64_t id;
	uint64_t offer;
	const char *name; /* of the offer */
	struct barlease_device *device;
	uint32_t index; /* of the slice in its pool */
	unsigned int bar;
	struct barlease_range range;
	enum barlease_access access;
	enum barlease_attribute attribute;
	uint64_t age;
	uint64_t time_left; /* UINT64_MAX: no limit */
	bool recalled;
	/* Its end is told, but the kernel has not taken it back: its slice is
	 * not lent again. barlease_server_revoke() tries again.
	 */
	bool stuck;
};

/*
 * What happens, told to whoever runs the server; each may be NULL. @context is
 * that of the terms. A call from within one of these, or from what
 * barlease_server_each_*() calls, may
 *  - ask (barlease_server_each_*(), barlease_server_get_fd()),
 *  - barlease_server_recall() and barlease_server_revoke(): these take effect
 *    when the callback has returned (for request(): before the request is
 *    served), and before barlease_server_dispatch() returns.
 * Every other call is -EDEADLK there, and barlease_server_destroy() must not be
 * made.
 */
struct barlease_server_calls {
	/**
	 * @request: decide about a request, before it is looked at otherwise.
	 * A sentence for the lessee may be put into @sentence, which has
	 * BARLEASE_SENTENCE_SIZE bytes and is empty.
	 *
	 * Return: 0 to go on, or a negative errno to refuse it.
	 */
	int (*request)(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_request *request,
		       char *sentence);
	/* May it know of an offer, and ask for it? For who may not, it is as if
	 * it was not shown. Asked anew each time, so it should be quick; after
	 * it answers otherwise, barlease_server_change_offer() has those refused
	 * who wait for what they may not know of (ENOENT).
	 */
	bool (*visible)(void *context,
			const struct barlease_server_lessee *lessee,
			uint64_t offer);
	/* It has it now. Its GRANT may still be on its way. */
	void (*grant)(void *context,
		      const struct barlease_server_lessee *lessee,
		      const struct barlease_server_lease *lease);
	/* It is told to give it back within lease->time_left. */
	void (*recall)(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_lease *lease);
	/* It is over, once for each lease; the kernel has taken it back unless
	 * lease->stuck. Its slice is not lent to anybody else before this
	 * returns: the place to have a queue of a device forget its user.
	 */
	void (*end)(void *context, const struct barlease_server_lessee *lessee,
		    const struct barlease_server_lease *lease,
		    enum barlease_end why);
	/* It could not be taken back; @error is a negative errno. After end. */
	void (*stuck)(void *context,
		      const struct barlease_server_lessee *lessee,
		      const struct barlease_server_lease *lease, int error);
	/* A request was not granted; @error is a positive errno. */
	void (*refuse)(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_request *request, int error,
		       const char *sentence);
	/* It has connected, and was let in. */
	void (*came)(void *context,
		     const struct barlease_server_lessee *lessee);
	/* It has closed its connection, died, or was thrown out: @reason is a
	 * sentence. After the end of its last lease.
	 */
	void (*gone)(void *context, const struct barlease_server_lessee *lessee,
		     const char *reason);
	/* An offer that was removed has no lease any more: its range can be
	 * offered again.
	 */
	void (*offer_gone)(void *context, uint64_t offer);
	/* Its user asks more often than requests_max_per_uid of the terms: what
	 * it asks for, or its coming (came() was not called then), waits for its
	 * turn. @first: all of this user's was in time before, for as long as it
	 * takes to have the whole burst again. Of one that waits to come and is
	 * not the first, the cgroup and the command may be "", as they are not
	 * looked up before it is its turn.
	 */
	void (*slow)(void *context, const struct barlease_server_lessee *lessee,
		     bool first);
};

/*
 * Where fds outlive the process: the fd store of systemd, say, or a parent. With
 * it, another server in a later process can go on where this one was cut off, at
 * whatever moment that was, see barlease_server_resume(). Leases, connections and
 * requests that wait stay, and accesses do not stop. What lessees can notice:
 *  - nobody answers in between;
 *  - a lessee that had not read what it was sent is thrown out, with its leases;
 *  - who waits to be let in (requests_max_per_uid) must connect anew;
 *  - a GRANT may be told twice, as may the position in a queue;
 *  - a packet that the server had read and not answered when it was killed (not
 *    when it ended between two calls) is lost, and its lessee waits in vain for
 *    an answer (ETIMEDOUT) and may ask again.
 * The functions must not call the server.
 */
struct barlease_server_store {
	/* Keep a copy of an fd by a name of up to 39 printable characters.
	 * Return: 0, or -errno: what it is of is refused then. NULL: nothing is
	 * kept.
	 */
	int (*put)(void *context, const char *name, int fd);
	/* Close it. */
	void (*remove)(void *context, const char *name);
	/* How many of the server's it has room for: one for the server, each
	 * lessee, each lease and each socket. What is more is refused.
	 */
	uint32_t max;
};

/* What a server is like. All zero is a good choice. */
struct barlease_server_terms {
	void *context; /* for the callbacks and the clock */
	struct barlease_server_calls calls;
	/* Nanoseconds, never less than before; NULL: CLOCK_MONOTONIC. With
	 * another clock the fd does not become readable when something is due:
	 * barlease_server_dispatch() looks.
	 */
	uint64_t (*now)(void *context);
	/* Connections at a time, of which each takes two fds; 0: 8192, or a third
	 * of the fds that the process may have now (RLIMIT_NOFILE) if that is
	 * less, so that there are some for leases. One more is told EMFILE and
	 * closed.
	 */
	uint32_t lessees_max;
	uint32_t lessees_max_per_uid; /* 0: three quarters of that */
	/* How often the processes of one user may connect, or ask for something,
	 * in a second, of all connections; what they may in ten seconds they may
	 * at once. 0: as often as they like. What is more is not refused, but
	 * waits in their sockets, which are not read until it is their turn. To
	 * release a lease, or cancel a request that waits, is not to ask, and does
	 * not wait, unless behind what does on the same connection; nor does the
	 * end of a connection.
	 */
	uint32_t requests_max_per_uid;
	/* Packets that are kept for a lessee which does not read; 0: 1024. There
	 * may be four more for each lease that it has. One more, and it is
	 * thrown out.
	 */
	uint32_t packets_max;
	/* Requests that wait at a time, of all lessees; 0: 65536. One more is
	 * EBUSY.
	 */
	uint32_t waiting_max;
	struct barlease_server_store store;
};

/**
 * barlease_server_create() - have a server, without a device or a socket so far
 * @terms: what it is like; not needed after the call
 * @server: where to put the server, which barlease_server_destroy() ends
 *
 * Return: 0, -ENOMEM, -EMFILE or -ENFILE.
 */
int barlease_server_create(const struct barlease_server_terms *terms,
			   struct barlease_server **server);

/**
 * barlease_server_take() - have an fd that a server before has kept
 * @server: server with a store, of nothing so far
 * @name: by which it was kept
 * @fd: it; on success the server's, and close-on-exec
 *
 * Return: 0; -ENOENT when the name is none of a server's, -EEXIST when there is
 * one of that name, -EINVAL when @server has no store, or was resumed; -EBADF,
 * -ENOMEM.
 */
int barlease_server_take(struct barlease_server *server, const char *name,
			 int fd);

/**
 * barlease_server_resume() - go on, and keep what happens from now on
 * @server: server with a store, that has its devices, offers and sockets
 *
 * Devices are resumed before, see barlease_device_resume(), and a socket with a
 * path that was taken is what barlease_server_listen() uses.
 *
 * Who was connected is, with his leases, waiting requests and the time that is
 * left, and numbers of lessees and leases go on. No callback tells of them. Who
 * has died meanwhile, or had not read what he was sent, is gone with his leases;
 * a lease of what is not offered any longer is revoked. Of each lease that has
 * ended like this end() tells before this returns (its lessee has no groups, and
 * the offer of the lease is 0), and only that. Where nothing was taken, it begins.
 * Without this call nothing is kept.
 *
 * To leave what is kept to a later server, end the process:
 * barlease_server_destroy() takes everything back.
 *
 * Return: 0; -EINVAL when @server has no store, or was resumed; or, when only
 * barlease_server_destroy() can be called any more, and all devices must be
 * closed, which ends the leases: -EPROTONOSUPPORT when it was kept by a server
 * that does it in another way, -EPROTO when it cannot be true, what revoking a
 * lease answers, what the store does, -ENFILE, -ENOMEM.
 */
int barlease_server_resume(struct barlease_server *server);

/**
 * barlease_server_destroy() - take everything back and end
 * @server: server, or NULL
 *
 * Every lease is revoked (BARLEASE_END_SERVER) and its lessee told, as far as
 * that takes no waiting. Waiting requests are refused (ECANCELED). A lease that
 * the kernel does not take back ends with its device at the latest.
 */
void barlease_server_destroy(struct barlease_server *server);

/**
 * barlease_server_limit_lessees() - let in other numbers of lessees from now on
 * @server: server
 * @max: as lessees_max of the terms; 0: as that says of 0
 * @max_per_uid: as lessees_max_per_uid; 0: three quarters of @max
 *
 * Who is connected stays, with those that are more than a new limit allows.
 *
 * Return: 0.
 */
int barlease_server_limit_lessees(struct barlease_server *server, uint32_t max,
				  uint32_t max_per_uid);

/**
 * barlease_server_limit_requests() - hear users more or less often from now on
 * @server: server
 * @max_per_uid: a second, as requests_max_per_uid of the terms
 *
 * Also those that wait for their turn.
 *
 * Return: 0.
 */
int barlease_server_limit_requests(struct barlease_server *server,
				   uint32_t max_per_uid);

/**
 * barlease_server_get_fd() - what to poll
 * @server: server
 *
 * Return: an fd, which stays @server's and is readable when there is something
 * to do. It can be put into any poll(), select() or epoll, level-triggered.
 */
int barlease_server_get_fd(const struct barlease_server *server);

/**
 * barlease_server_dispatch() - do what is to be done
 * @server: server
 *
 * Does not wait, and does a bounded piece of it at a time, so that lessees
 * cannot keep the caller from other things.
 *
 * Return: 1 when there is more to do (the fd is readable then), 0 when not, or
 * -errno of epoll_wait(2).
 */
int barlease_server_dispatch(struct barlease_server *server);

/**
 * barlease_server_add_device() - have a device to lend from
 * @server: server
 * @device: stays the caller's, and open until barlease_server_remove_device()
 *	or barlease_server_destroy()
 *
 * Return: 0, -EEXIST when it is there, -EOPNOTSUPP when its driver cannot both
 * lend and revoke, -ENOMEM.
 */
int barlease_server_add_device(struct barlease_server *server,
			       struct barlease_device *device);

/**
 * barlease_server_remove_device() - lend from a device no longer
 * @server: server
 * @device: device
 *
 * Its offers are removed and its leases revoked (BARLEASE_END_REVOKED). The
 * server does not touch it any more.
 *
 * Return: 0, or -ENOENT.
 */
int barlease_server_remove_device(struct barlease_server *server,
				  struct barlease_device *device);

/**
 * barlease_server_device_away() - accesses to a device fail for now
 * @server: server
 * @device: device
 *
 * For a lessor that is about to reset the device or switch its memory off. Its
 * lessees are told, once. Nothing is granted until it is back: requests that can
 * wait do.
 *
 * Return: 0, -EALREADY when it is away, -ENODEV when it is lost, or -ENOENT.
 */
int barlease_server_device_away(struct barlease_server *server,
				struct barlease_device *device);

/**
 * barlease_server_device_back() - accesses to a device work again
 *
 * Mirrors barlease_server_device_away().
 */
int barlease_server_device_back(struct barlease_server *server,
				struct barlease_device *device);

/**
 * barlease_server_device_lost() - a device is gone for good
 * @server: server
 * @device: device; barlease_server_remove_device() is due as before
 *
 * Its leases end (BARLEASE_END_DEVICE); all requests for it are refused
 * (ENODEV).
 *
 * Return: 0, -EALREADY, or -ENOENT.
 */
int barlease_server_device_lost(struct barlease_server *server,
				struct barlease_device *device);

/* A slice or a pool of equal slices, and on what terms it is lent. */
struct barlease_server_offer {
	/* What it is. */
	const char *name; /* UTF-8, not empty, below BARLEASE_NAME_SIZE bytes */
	unsigned int bar;
	struct barlease_range range; /* multiples of the page size */
	uint64_t slice_size; /* that the range is cut into; 0: one slice */
	bool over_msix; /* see struct barlease_terms */

	/* On what terms; all zero: to one lessee at a time, readable, writable
	 * and non-cached, for as long as it likes.
	 */
	enum barlease_access access; /* BARLEASE_READ_ONLY: never writable */
	/* BARLEASE_WRITE_COMBINING: may be that, too. */
	enum barlease_attribute attribute;
	uint32_t sharers; /* leases of one slice at a time; 0: 1 */
	/* Leases and waiting requests by name at a time of all lessees with one
	 * user id, group id or cgroup; 0: no limit. Groups and cgroups bind only
	 * who cannot choose his own: newgrp(1) and cgroups that are delegated to
	 * a user (as to everybody's own systemd) let him.
	 */
	uint32_t max_per_uid;
	uint32_t max_per_gid;
	uint32_t max_per_cgroup;
	uint32_t max_waiting; /* requests; 0: no limit, one more is EBUSY */
	uint64_t time_limit; /* of a lease; 0: none */
	uint64_t grace; /* see barlease_server_recall() */
};

/**
 * barlease_server_add_offer() - offer a slice or a pool of slices
 * @server: server
 * @device: a device of the server
 * @offer: what, on what terms; not needed after the call
 * @id: where to put its number
 *
 * Nobody sees it before barlease_server_show_offer().
 *
 * Return: 0, or
 * -ENOENT: no such device;
 * -EINVAL: the name is empty or has control characters; the BAR is none or
 *  cannot be mapped; the range is empty, not within it or not a multiple of
 *  the page size; the slice size is not, or does not divide it; an enum is
 *  none;
 * -ENAMETOOLONG: of the name;
 * -E2BIG: more than BARLEASE_POOL_MAX slices;
 * -EPERM: it has a byte of the MSI-X table or pending bits, and does not
 *  insist;
 * -EOPNOTSUPP: the device has no write-combining;
 * -EEXIST: it overlaps another offer;
 * -EBUSY: it overlaps one that was removed and still has leases, see
 *  offer_gone();
 * -EIO, -ENOMEM.
 */
int barlease_server_add_offer(struct barlease_server *server,
			      struct barlease_device *device,
			      const struct barlease_server_offer *offer, uint64_t *id);

/**
 * barlease_server_change_offer() - offer it on other terms from now on
 * @server: server
 * @id: number of the offer
 * @offer: the terms; what it is must be the same
 *
 * Leases stay as they are, and with them more than a new limit allows. Waiting
 * requests stay, too, unless the new terms cannot be theirs (EACCES,
 * EOPNOTSUPP) or their lessees may not know of it (ENOENT).
 *
 * Return: 0; -ENOENT; -EINVAL when an enum is none or what it is differs;
 * -EOPNOTSUPP as barlease_server_add_offer().
 */
int barlease_server_change_offer(struct barlease_server *server, uint64_t id,
				 const struct barlease_server_offer *offer);

/**
 * barlease_server_remove_offer() - offer it no longer
 * @server: server
 * @id: number of the offer
 * @grace: its leases are recalled with this, see barlease_server_recall();
 *	BARLEASE_WAIT_FOR_EVER: they last as long as they last
 *
 * Requests that wait for it are refused (ENOENT).
 *
 * Return: 0 or -ENOENT.
 */
int barlease_server_remove_offer(struct barlease_server *server, uint64_t id,
				 uint64_t grace);

/**
 * barlease_server_listen() - have a socket for lessees
 * @server: server
 * @path: where, up to 107 bytes; a socket there that nobody listens to is
 *	replaced, by one of several servers that find it. In between there is a
 *	file of this name with ".lock" behind it.
 * @mode: who may connect: permissions of the file, as chmod(2)
 * @id: where to put the listener's number
 *
 * Return: 0; -ENAMETOOLONG; -EADDRINUSE; -EINVAL for an empty path; -EACCES where
 * the file with ".lock" is somebody else's; or -errno of socket(2), open(2),
 * bind(2), chmod(2), listen(2).
 */
int barlease_server_listen(struct barlease_server *server, const char *path,
			   mode_t mode, uint64_t *id);

/**
 * barlease_server_relisten() - have the file of a socket that was removed again
 * @server: server
 * @id: number of a listener
 * @mode: as for barlease_server_listen()
 *
 * Nothing changes for who is connected, nor for who was about to be.
 *
 * Return: 0 when its file is there; 1 when it is there again; -ENOENT; -EINVAL for
 * a socket that the server has not made; or as barlease_server_listen(), and
 * nobody can connect.
 */
int barlease_server_relisten(struct barlease_server *server, uint64_t id,
			     mode_t mode);

/**
 * barlease_server_listen_fd() - use a socket that listens already
 * @server: server
 * @fd: AF_UNIX, SOCK_SEQPACKET (systemd's ListenSequentialPacket=); on success
 *	the server's, which closes it and leaves its file; else the caller's
 * @id: where to put the listener's number
 *
 * Return: 0; -EINVAL when it is not such a socket; -EBADF, -ENOMEM.
 */
int barlease_server_listen_fd(struct barlease_server *server, int fd,
			      uint64_t *id);

/**
 * barlease_server_unlisten() - close a socket for lessees
 * @server: server
 * @id: number of the listener
 *
 * Its file is removed if the server has made it. Who is connected stays, with
 * the leases it has; but nothing is offered there any more: requests that wait
 * are refused (ENOENT).
 *
 * Return: 0 or -ENOENT.
 */
int barlease_server_unlisten(struct barlease_server *server, uint64_t id);

/**
 * barlease_server_show_offer() - offer it on a socket
 * @server: server
 * @offer: number of the offer
 * @listener: number of the listener. An offer may be shown on several.
 *
 * Lists and requests for anything go by the order in which offers were shown.
 *
 * Return: 0; -ENOENT; -EALREADY when it is shown there; -EEXIST when another
 * one of its name is; -ENOMEM.
 */
int barlease_server_show_offer(struct barlease_server *server, uint64_t offer,
			       uint64_t listener);

/**
 * barlease_server_hide_offer() - offer it on a socket no longer
 * @server: server
 * @offer: number of the offer
 * @listener: number of the listener
 *
 * Requests of its lessees that wait for it are refused (ENOENT); leases stay.
 *
 * Return: 0 or -ENOENT.
 */
int barlease_server_hide_offer(struct barlease_server *server, uint64_t offer,
			       uint64_t listener);

/* The grace that the offer has. */
#define BARLEASE_GRACE_OF_OFFER (UINT64_MAX - 1)

/**
 * barlease_server_recall() - ask for a lease back
 * @server: server
 * @lease: its number
 * @grace: after this it is revoked (BARLEASE_END_RECALLED); 0: at once;
 *	BARLEASE_GRACE_OF_OFFER; BARLEASE_WAIT_FOR_EVER: it is asked for, and
 *	that is all
 *
 * A time limit that is over earlier stays. Recalled again, the earlier end
 * counts, and the lessee is told if that has changed.
 *
 * Return: 0 or -ENOENT.
 */
int barlease_server_recall(struct barlease_server *server, uint64_t lease,
			   uint64_t grace);

/**
 * barlease_server_revoke() - take a lease back at once
 * @server: server
 * @lease: its number
 * @why: what its lessee is told: BARLEASE_END_REVOKED, as a rule
 *
 * Return: 0 when no process has it any more (from within a callback: when it
 * will be tried); -ENOENT; -EINVAL when @why is none that is told
 * (BARLEASE_END_EXPIRED to BARLEASE_END_SERVER); or -errno when the kernel did
 * not take it back: it is stuck.
 */
int barlease_server_revoke(struct barlease_server *server, uint64_t lease,
			   enum barlease_end why);

/*
 * Who has what. Each function is called until one returns something other than
 * 0, which is returned, in the order of numbers for offers and of arrival in a
 * queue.
 */

struct barlease_server_offer_state {
	uint64_t id;
	struct barlease_device *device;
	const struct barlease_server_offer *offer; /* as it is now */
	uint32_t slices;
	uint32_t free; /* that can be lent now */
	uint32_t stuck; /* that the kernel has not given back */
	uint32_t leases;
	uint32_t waiting; /* by name */
	bool removed;
};

typedef int (*barlease_server_visit_offer)(
	void *context, const struct barlease_server_offer_state *offer);
typedef int (*barlease_server_visit_lessee)(
	void *context, const struct barlease_server_lessee *lessee);
/* @lessee is NULL where the lease is stuck. */
typedef int (*barlease_server_visit_lease)(
	void *context, const struct barlease_server_lessee *lessee,
	const struct barlease_server_lease *lease);
typedef int (*barlease_server_visit_request)(
	void *context, const struct barlease_server_lessee *lessee,
	const struct barlease_server_request *request);

int barlease_server_each_offer(struct barlease_server *server,
			       barlease_server_visit_offer visit, void *context);
int barlease_server_each_lessee(struct barlease_server *server,
				barlease_server_visit_lessee visit, void *context);
int barlease_server_each_lease(struct barlease_server *server,
			       barlease_server_visit_lease visit, void *context);
int barlease_server_each_request(struct barlease_server *server,
				 barlease_server_visit_request visit, void *context);

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_SERVER_H */
