// SPDX-License-Identifier: MIT
#include "request.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "barlease.h"
#include "command.h"
#include "message.h"
#include "operators.h"
#include "sockets.h"
#include "words.h"

static bool is_offered(const char *path, const char *name)
{
	struct seen *seen = NULL;
	bool found = false;
	size_t count = 0;

	if (!sockets_ask(path, &seen, &count))
		for (size_t i = 0; i < count; i++)
			found |= !strcmp(seen[i].offer.name, name);
	seen_free(seen, count);
	return found;
}

int request_socket(const char *name, const char *chosen, char *path)
{
	struct sockets sockets;
	int status = STATUS_FAILED;
	int err;

	err = sockets_find(&this_machine, chosen, &sockets);
	for (size_t i = 0; i < sockets.count && !err; i++) {
		if (!chosen && !is_offered(sockets.paths[i], name))
			continue;
		err = path_print(path, "%s", sockets.paths[i]);
		status = err ? STATUS_FAILED : STATUS_OK;
		break;
	}
	if (err)
		message("cannot look for %s: %s", name, error_words(err));
	else if (status)
		message("no socket in %s/barlease offers %s to you; barlease "
			"list shows what is offered, and --socket names "
			"another one",
			this_machine.run, name);
	sockets_free(&sockets);
	return status;
}

/* The operator may know who it is. */
static void holders_say(const char *control, const char *name)
{
	struct holdings holdings = { 0 };
	char path[PATH_MAX];
	int fd;

	if (operators_path(&this_machine, control, path))
		return;
	fd = operators_connect(path);
	if (fd < 0)
		return;
	if (!holdings_ask(fd, CONTROL_LIST, &holdings))
		for (size_t i = 0; i < holdings.lease_count; i++) {
			const struct control_lease *lease = &holdings.leases[i];
			char user[64], age[WORDS_SIZE];

			if (strcmp(lease->offer, name) != 0)
				continue;
			user_words(lease->who.uid, user, sizeof(user));
			time_words(lease->age, age, sizeof(age));
			message("%s/%u is held by process %u (%s) of user %s, "
				"for %s (lease %llu)",
				lease->offer, lease->index, lease->who.pid,
				lease->who.command, user, age,
				(unsigned long long)lease->lease);
		}
	holdings_free(&holdings);
	close(fd);
}

static int refused_say(const struct barlease_wanted *wanted, int error,
		       const char *sentence, const char *control)
{
	const char *name = strerrorname_np(error);

	message("cannot have %s: %s%s(%s)", wanted->name, sentence,
		*sentence ? " " : "", name ? name : "?");
	if (error == EBUSY || error == ETIMEDOUT)
		holders_say(control, wanted->name);
	if (name)
		message("'barlease explain %s' tells what can be done", name);
	return STATUS_FAILED;
}

/* Return: STATUS_OK, or -1 when there is no answer yet. */
static int event_take(struct barlease_lessee *lessee,
		      const struct barlease_wanted *wanted,
		      const char *control, struct barlease_granted *granted)
{
	struct barlease_event event;
	int err = barlease_lessee_next_event(lessee, &event);

	if (err == -EAGAIN)
		return -1;
	if (err)
		return refused_say(wanted, -err, "", control);
	switch (event.type) {
	case BARLEASE_EVENT_GRANTED:
		*granted = event.granted;
		return STATUS_OK;
	case BARLEASE_EVENT_QUEUED:
		message("all of %s are lent; position %u in the queue",
			wanted->name, event.position);
		return -1;
	case BARLEASE_EVENT_REFUSED:
	case BARLEASE_EVENT_HANGUP:
		return refused_say(wanted, event.error, event.sentence,
				   control);
	default:
		return -1;
	}
}

int request_lease(struct barlease_lessee *lessee,
		  const struct barlease_wanted *wanted,
		  struct supervision *supervision, const char *control,
		  struct barlease_granted *granted)
{
	uint32_t serial;
	int status;
	int signal;
	int err;

	err = barlease_lessee_start(lessee, wanted, &serial);
	if (err)
		return refused_say(wanted, -err,
				   barlease_lessee_sentence(lessee), control);
	for (;;) {
		struct pollfd ready[2] = {
			{ .fd = supervision->signals, .events = POLLIN },
			{ .fd = barlease_lessee_get_fd(lessee),
			  .events = POLLIN },
		};

		status = event_take(lessee, wanted, control, granted);
		if (status >= 0)
			return status;
		if (poll(ready, 2, -1) < 0)
			continue;
		signal = supervise_signal(supervision, NULL);
		/* The connection ends, and the request with it. */
		if (signal && signal != SIGCHLD)
			return STATUS_SIGNAL + signal;
	}
}

void request_slice(const struct barlease_granted *granted,
		   struct barlease_slice *slice)
{
	*slice = (struct barlease_slice){
		.bar = granted->bar,
		.range = { granted->offset, granted->size },
		.access = granted->access,
	};
	/* Lessees are not told which device it is. */
	snprintf(slice->bdf, sizeof(slice->bdf), "lent:%.14s", granted->name);
}
