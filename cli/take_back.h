/* SPDX-License-Identifier: MIT */
/* What recall and revoke have in common. */
#ifndef CLI_TAKE_BACK_H
#define CLI_TAKE_BACK_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"

struct take_back {
	const struct command *command;
	const char *control; /* path of the socket, or NULL */
	const char *done; /* "recalled" or "revoked" */
	bool json;
	bool revoke; /* at once */
	uint64_t grace; /* where it is not */
};

/**
 * take_back() - take leases back
 * @how: how
 * @argc: how many arguments
 * @argv: each the number of a lease, or SLICE or SLICE/INDEX for those of it
 *
 * Says what was taken back and what is wrong.
 *
 * Return: STATUS_OK; STATUS_FAILED when one could not be taken back or there is
 * none.
 */
int take_back(const struct take_back *how, int argc, char **argv);

#endif /* CLI_TAKE_BACK_H */
