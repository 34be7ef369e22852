/* SPDX-License-Identifier: MIT */
/*
 * A process that hears all that barleased tells: its log, and operators. From each
 * grant and each end that it is told of, it knows who has what.
 */
#ifndef SERVER_WITNESS_H
#define SERVER_WITNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What it knows; both processes see it. */
struct witness {
	pid_t pid; /* of the witness */
	_Atomic bool watches; /* barleased serves, and it is told of all */
	_Atomic bool ending; /* barleased may end now */
	_Atomic uint64_t granted, ended;
	_Atomic uint64_t doubled; /* a slice had two holders, or an end none */
};

/**
 * witness_start() - have one
 * @log: the end of a pipe that barleased logs into; the caller's, too
 * @control: path of the operators' socket
 * @shared: name of an offer that several may have
 *
 * Return: what it knows, for witness_end(); or NULL.
 */
struct witness *witness_start(int log, const char *control, const char *shared);

/* Wait until it has heard the last. Return: whether it has missed nothing. */
bool witness_end(struct witness *witness);

#endif /* SERVER_WITNESS_H */
