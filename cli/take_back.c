// SPDX-License-Identifier: MIT
#include "take_back.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "operators.h"
#include "words.h"

/* A lease is meant by its number, its slice, or its slice and index. */
static bool is_meant(const struct control_lease *lease, const char *argument)
{
	char text[BARLEASE_NAME_SIZE + 16];

	if (!strcmp(lease->offer, argument))
		return true;
	snprintf(text, sizeof(text), "%s/%" PRIu32, lease->offer, lease->index);
	if (!strcmp(text, argument))
		return true;
	snprintf(text, sizeof(text), "%" PRIu64, lease->lease);
	return !strcmp(text, argument);
}

static void done_print(const struct take_back *how,
		       const struct control_lease *lease, bool first)
{
	char command[4 * CONTROL_COMMAND_SIZE];
	char name[4 * BARLEASE_NAME_SIZE];

	if (how->json) {
		printf("%s%" PRIu64, first ? "" : ", ", lease->lease);
		return;
	}
	clean_words(lease->offer, name, sizeof(name));
	clean_words(lease->who.command, command, sizeof(command));
	printf("lease %" PRIu64 " of %s/%" PRIu32 ", held by process %" PRIu32
	       " (%s), is %s\n",
	       lease->lease, name, lease->index, lease->who.pid,
	       command, how->done);
}

/* Return: 0, -errno of the connection, or 1 when it was refused. */
static int lease_take(const struct take_back *how, int fd,
		      const struct control_lease *lease)
{
	union control_packet packet;
	int err;

	if (how->revoke) {
		control_packet_begin(&packet, CONTROL_REVOKE, 1);
		packet.revoke.lease = lease->lease;
	} else {
		control_packet_begin(&packet, CONTROL_RECALL, 1);
		packet.recall.lease = lease->lease;
		packet.recall.grace = how->grace;
	}
	err = operators_ask(fd, &packet);
	if (!err)
		err = operators_receive(fd, &packet, false);
	if (err)
		return err;
	if (packet.header.type == CONTROL_DONE)
		return 0;
	if (packet.header.type != BARLEASE_PACKET_REFUSED)
		return -EPROTO;
	message("%s", packet.refused.sentence);
	return 1;
}

/* Those that one argument means. */
static int argument_take(const struct take_back *how, int fd,
			 const struct holdings *holdings, const char *argument,
			 unsigned int *taken)
{
	int status = STATUS_OK;
	bool found = false;

	for (size_t i = 0; i < holdings->lease_count; i++) {
		const struct control_lease *lease = &holdings->leases[i];
		int err;

		if (!is_meant(lease, argument))
			continue;
		found = true;
		err = lease_take(how, fd, lease);
		if (err < 0) {
			message("barleased does not answer as it should: %s",
				error_words(err));
			return STATUS_FAILED;
		}
		if (err)
			status = STATUS_FAILED;
		else
			done_print(how, lease, !(*taken)++);
	}
	if (found)
		return status;
	message("there is no lease %s; see barlease list", argument);
	return STATUS_FAILED;
}

int take_back(const struct take_back *how, int argc, char **argv)
{
	struct holdings holdings = { 0 };
	unsigned int taken = 0;
	char path[PATH_MAX];
	int status;
	int err;
	int fd;

	status = operators_open(how->control, path, &fd);
	if (status)
		return status;
	err = holdings_ask(fd, CONTROL_LIST, &holdings);
	if (err) {
		message("cannot list leases: %s", error_words(err));
		status = STATUS_FAILED;
	}
	if (how->json)
		printf("{\"%s\": [", how->done);
	for (int i = 0; i < argc && !err; i++)
		if (argument_take(how, fd, &holdings, argv[i], &taken))
			status = STATUS_FAILED;
	if (how->json)
		puts("]}");
	holdings_free(&holdings);
	close(fd);
	return status;
}
