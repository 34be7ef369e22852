/* SPDX-License-Identifier: MIT */
/*
 * For lessees: ask a lease server (docs/protocol.md) for pieces of a device.
 *
 * A struct barlease_lessee is a connection. Its leases end with it, however it
 * ends: by barlease_lessee_close(), by the end of this process, or by that of
 * the server. The fd of a lease is the caller's own, as are its mappings, and
 * both are of no use when the lease is over; barlease/guarded.h has accesses
 * that tell.
 *
 * There are calls that wait, and for event loops calls that do not, whose
 * answer is an event. Both can be used on one connection. What the server sends
 * while a call waits for something else is kept for
 * barlease_lessee_next_event(): of each lease and each request the latest, so
 * that no event is lost and nothing grows.
 *
 * One thread at a time may use a struct barlease_lessee; several of them have
 * nothing to do with each other. A signal does not end a call that waits. After
 * fork() the connection is the parent's: the child may call
 * barlease_lessee_close(), which changes nothing for the parent, and nothing
 * else. What is mapped, and the fds of leases, the child has as well, and loses
 * them when the parent does.
 *
 * Nothing that the server sends is believed without a look: what is no packet
 * of the protocol ends the connection, and calls answer -EPROTO.
 */
#ifndef BARLEASE_LESSEE_H
#define BARLEASE_LESSEE_H

#include <stdint.h>

#include <barlease/lease.h>
#include <barlease/map.h>
#include <barlease/protocol.h>

#ifdef __cplusplus
extern "C" {
#endif

struct barlease_lessee;

/* How long a server may take to answer, ms: barlease_lessee_set_timeout(). */
#define BARLEASE_LESSEE_TIMEOUT 10000

/**
 * barlease_lessee_connect() - be a lessee of a server
 * @path: of its socket
 * @lessee: where to put the connection
 *
 * Waits for BARLEASE_LESSEE_TIMEOUT at most.
 *
 * Return: 0 and a connection that barlease_lessee_close() ends, or
 * -ENOENT, -EACCES, -ECONNREFUSED, -EPROTOTYPE: as connect(2) of @path;
 * -EINVAL, -ENAMETOOLONG: @path is empty, or longer than 107 bytes;
 * -ETIMEDOUT: the server lets nobody in;
 * -ENOMEM, -EMFILE, -ENFILE.
 */
int barlease_lessee_connect(const char *path, struct barlease_lessee **lessee);

/**
 * barlease_lessee_connect_fd() - be a lessee by a connection that is there
 * @fd: connected socket of AF_UNIX; @lessee's if this succeeds, which makes it
 *	close-on-exec, else the caller's
 * @lessee: where to put the connection
 *
 * Return: 0 and a connection that barlease_lessee_close() ends, or
 * -EBADF, -ENOTSOCK: of @fd;
 * -EPROTOTYPE: it is not of type SOCK_SEQPACKET;
 * -ENOTCONN: it is not connected;
 * -ENOMEM, -EMFILE, -ENFILE.
 */
int barlease_lessee_connect_fd(int fd, struct barlease_lessee **lessee);

/**
 * barlease_lessee_close() - end the connection, and all leases of it
 * @lessee: connection, or NULL
 *
 * Does not wait for the server. The fds of leases that an event has told of are
 * the caller's to close; those that none has told of yet are closed.
 */
void barlease_lessee_close(struct barlease_lessee *lessee);

/**
 * barlease_lessee_set_timeout() - how long a call waits for an answer
 * @lessee: connection
 * @timeout: ms; BARLEASE_WAIT_FOR_EVER: as long as it takes. It is
 *	BARLEASE_LESSEE_TIMEOUT at first. A request waits for its turn besides.
 */
void barlease_lessee_set_timeout(struct barlease_lessee *lessee,
				 uint64_t timeout);

/**
 * barlease_lessee_sentence() - why a call has failed, for people
 * @lessee: connection
 *
 * Return: what the server has said of its latest refusal, or what was wrong
 * with what it sent; "" if nothing was. UTF-8 as far as the server keeps to it,
 * without control characters. It is valid until the next call on @lessee.
 */
const char *barlease_lessee_sentence(const struct barlease_lessee *lessee);

/* A slice or a pool, as a server offers it. */
struct barlease_offer {
	char name[BARLEASE_NAME_SIZE]; /* as the server wrote it */
	uint64_t size; /* of each slice, bytes */
	uint32_t slices; /* 1, or those of a pool */
	uint32_t free; /* of them, now */
	uint32_t waiting; /* requests for it by name, of anybody */
	uint32_t flags; /* enum barlease_offer_flags */
	uint64_t time_limit; /* of a lease, ms; 0: none */
};

/**
 * barlease_lessee_list() - what is there to be asked for
 * @lessee: connection
 * @offers: where to put the offers
 * @count: how many there is room for; there may be more
 *
 * Return: how many offers there are, of which the first @count are in @offers;
 * -errno of a refusal, or as barlease_lessee_request().
 */
int barlease_lessee_list(struct barlease_lessee *lessee,
			 struct barlease_offer *offers, unsigned int count);

/* What is asked for. All zero: whatever there is, at once. */
struct barlease_wanted {
	const char *name; /* of an offer; NULL or "": the first that fits */
	enum barlease_access access;
	enum barlease_attribute attribute;
	uint64_t minimum; /* bytes */
	uint64_t wait; /* ms; BARLEASE_WAIT_FOR_EVER: as long as it takes */
};

/* A lease that was granted. */
struct barlease_granted {
	uint64_t lease; /* its number */
	int fd; /* the caller's, close-on-exec */
	char name[BARLEASE_NAME_SIZE]; /* of the offer */
	uint32_t index; /* of the slice in its pool, from 0 */
	uint32_t bar;
	uint64_t offset; /* in the BAR, bytes */
	uint64_t size; /* bytes */
	enum barlease_access access;
	enum barlease_attribute attribute;
	uint64_t time_limit; /* ms that are left; 0: no limit */
};

/**
 * barlease_lessee_request() - ask for a lease and wait for it
 * @lessee: connection
 * @wanted: what for
 * @granted: where to put the lease
 *
 * Who wants to see the position in the queue, or wait for something else as
 * well, uses barlease_lessee_start().
 *
 * Return: 0; what the server refuses with ("Refusals" in docs/protocol.md; for
 * example -EBUSY: nothing is free, and @wanted does not wait); or
 * -EINVAL: @wanted has an access or attribute that is none;
 * -ENAMETOOLONG: of its name;
 * -EDQUOT: BARLEASE_REQUESTS_MAX requests of @lessee have no answer yet;
 * -EMFILE: this process can have no more fds, so that the lease was given back;
 *  or the server can have no more lessees, and has closed the connection;
 * -ETIMEDOUT: nothing came free in that time, or the server did not answer: if it
 *  grants it later, it is given back;
 * -ECONNRESET: the server has closed the connection;
 * -EPROTO, -EPROTONOSUPPORT: it sent what is no packet of the protocol, or of
 *  another version, or takes this side's for such; the connection is closed;
 * -ENOMEM; or -errno of sendmsg(2), recvmsg(2) or poll(2).
 */
int barlease_lessee_request(struct barlease_lessee *lessee,
			    const struct barlease_wanted *wanted,
			    struct barlease_granted *granted);

/**
 * barlease_lessee_start() - ask for a lease without waiting for the answer
 * @lessee: connection
 * @wanted: what for
 * @serial: where to put the number that events have which are about this
 *	request: BARLEASE_EVENT_QUEUED any number of times, then
 *	BARLEASE_EVENT_GRANTED or BARLEASE_EVENT_REFUSED
 *
 * Return: 0; -EAGAIN when the server does not keep up; or as
 * barlease_lessee_request().
 */
int barlease_lessee_start(struct barlease_lessee *lessee,
			  const struct barlease_wanted *wanted,
			  uint32_t *serial);

/**
 * barlease_lessee_cancel() - do not want a lease any more
 * @lessee: connection
 * @serial: of barlease_lessee_start()
 *
 * The request is still answered: BARLEASE_EVENT_REFUSED with ECANCELED, or
 * BARLEASE_EVENT_GRANTED where that was on its way.
 *
 * Return: 0; -ENOENT when there is no such request or an answer to it has come;
 * -EAGAIN when the server does not keep up; or as barlease_lessee_request().
 */
int barlease_lessee_cancel(struct barlease_lessee *lessee, uint32_t serial);

/**
 * barlease_lessee_map() - map all of a lease
 * @granted: lease
 * @map: where to put the mapping, for barlease_map_end()
 *
 * For reading, and for writing if the lease is. Aligned as barlease_lease_map(),
 * which maps pieces.
 *
 * Return: 0, or as barlease_lease_map(); -EINVAL, too, when the fd is smaller
 * than the server has said.
 */
int barlease_lessee_map(const struct barlease_granted *granted,
			struct barlease_map *map);

/**
 * barlease_lessee_release() - give a lease back, and wait until it is over
 * @lessee: connection
 * @lease: its number; the fd and the mappings stay the caller's, to be closed
 *	and ended before or after
 *
 * No event tells of this lease any more.
 *
 * Return: 0, also when it was revoked meanwhile; -ENOENT when there is no such
 * lease (any more); or as barlease_lessee_request(). Where that is -ETIMEDOUT,
 * the lease is on its way back.
 */
int barlease_lessee_release(struct barlease_lessee *lessee, uint64_t lease);

/**
 * barlease_lessee_start_release() - give a lease back without waiting
 * @lessee: connection
 * @lease: its number
 *
 * When it is over, BARLEASE_EVENT_RELEASED tells, or BARLEASE_EVENT_REVOKED.
 *
 * Return: 0; -ENOENT when there is no such lease (any more); -EALREADY when it
 * is on its way back; or as barlease_lessee_request().
 */
int barlease_lessee_start_release(struct barlease_lessee *lessee,
				  uint64_t lease);

enum barlease_event_type {
	/* Answers to barlease_lessee_start(), with its serial. */
	BARLEASE_EVENT_QUEUED = 1, /* "position" */
	BARLEASE_EVENT_GRANTED = 2, /* "granted"; its fd is the caller's now */
	BARLEASE_EVENT_REFUSED = 3, /* "error", "sentence" */

	/* Of a lease, with its number. REFUSED, too, can be: to take it back. */
	BARLEASE_EVENT_AWAY = 4, /* accesses fail for now: the device is away */
	BARLEASE_EVENT_BACK = 5, /* they work again */
	BARLEASE_EVENT_RECALLED = 6, /* give it back; "left": the time for it */
	BARLEASE_EVENT_RELEASED = 7, /* it was given back and is over */
	BARLEASE_EVENT_REVOKED = 8, /* it is over; "why" */

	/* The connection is over, with all leases: the last event. "error" and
	 * "sentence" tell why, as barlease_lessee_request() does.
	 */
	BARLEASE_EVENT_HANGUP = 9,
};

/* What has happened; what is not of its type is 0. */
struct barlease_event {
	enum barlease_event_type type;
	uint32_t serial; /* of a request, or 0 */
	uint64_t lease; /* its number */
	/* In the queue; 1: next. For anything: of those of this lessee. */
	uint32_t position;
	uint32_t why; /* enum barlease_end; there may be more */
	uint64_t left; /* ms */
	int error; /* as in errno(3), positive */
	char sentence[BARLEASE_SENTENCE_SIZE]; /* for people */
	struct barlease_granted granted;
};

/**
 * barlease_lessee_get_fd() - what to poll
 * @lessee: connection
 *
 * Return: an fd that is readable (POLLIN) as long as
 * barlease_lessee_next_event() has something to do, be it an event or not. It
 * stays @lessee's.
 */
int barlease_lessee_get_fd(const struct barlease_lessee *lessee);

/**
 * barlease_lessee_next_event() - what has happened
 * @lessee: connection
 * @event: where to put it
 *
 * Does not wait. Of several events of a kind of one request or lease that there
 * are the latest is told, and of those that differ the end comes last. The end of
 * a lease stands for what was not told of it by then: who looks late may be told
 * BARLEASE_EVENT_REVOKED of a lease, with BARLEASE_END_RECALLED, and never
 * BARLEASE_EVENT_RECALLED.
 *
 * Return: 0; -EAGAIN when there is none; or why the connection is over, once
 * BARLEASE_EVENT_HANGUP was told.
 */
int barlease_lessee_next_event(struct barlease_lessee *lessee,
			       struct barlease_event *event);

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_LESSEE_H */
