/* SPDX-License-Identifier: MIT */
/* Asking a lease server for a lease, for a person who waits. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "barlease.h"
#include "barlease/lessee.h"
#include "supervise.h"

/**
 * request_socket() - which socket offers a slice
 * @name: of the slice
 * @chosen: the socket to ask, or NULL: those of barleased
 * @path: where to put its path, PATH_MAX bytes
 *
 * Says what is wrong.
 *
 * Return: STATUS_OK or STATUS_FAILED.
 */
int request_socket(const char *name, const char *chosen, char *path);

/**
 * request_lease() - ask for a lease, and wait for it
 * @lessee: connection
 * @wanted: what for
 * @supervision: a signal ends the waiting
 * @control: socket of operators, or NULL: asked who holds what is refused, as
 *	far as this process may know
 * @granted: where to put the lease
 *
 * Says what is wrong, and which place in the queue it has.
 *
 * Return: STATUS_OK, STATUS_FAILED, or STATUS_SIGNAL and the signal.
 */
int request_lease(struct barlease_lessee *lessee,
		  const struct barlease_wanted *wanted,
		  struct supervision *supervision, const char *control,
		  struct barlease_granted *granted);

/**
 * request_slice() - what a lease is, for the one who is started with it
 * @granted: lease
 * @slice: where to put it
 */
void request_slice(const struct barlease_granted *granted,
		   struct barlease_slice *slice);

#endif /* CLI_REQUEST_H */
