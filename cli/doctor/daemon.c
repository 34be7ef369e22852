// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "doctor/doctor.h"
#include "message.h"
#include "operators.h"
#include "sockets.h"

/* Nobody has said what to lend, so the service would not start. */
static bool lacks_policy(const struct machine *machine)
{
	char path[PATH_MAX];

	return !path_print(path, "%s/barlease.conf", machine->etc) &&
	       !path_exists(path);
}

static void missing_found(struct diagnosis *diagnosis, const char *path)
{
	if (lacks_policy(diagnosis->machine))
		found(diagnosis, "barleased", VERDICT_NOTE,
		      "if it is wanted, say in /etc/barlease.conf what is lent "
		      "to whom (barlease.conf(5)), then start it: systemctl "
		      "start barleased; a driver with a lease server of its "
		      "own does without",
		      "it does not run, and there is no /etc/barlease.conf");
	else
		found(diagnosis, "barleased", VERDICT_NOTE,
		      "start it, if it is wanted: systemctl start barleased, "
		      "or barleased --control SOCKET FILE; a driver with a "
		      "lease server of its own does without",
		      "it does not run, or has no %s", path);
}

static void control_check(struct diagnosis *diagnosis)
{
	struct holdings holdings = { 0 };
	char path[PATH_MAX];
	int err;
	int fd;

	if (operators_path(diagnosis->machine, diagnosis->control, path))
		return;
	fd = operators_connect(path);
	switch (fd) {
	case -ENOENT:
		missing_found(diagnosis, path);
		return;
	case -EACCES:
		found(diagnosis, "barleased", VERDICT_NOTE,
		      "nothing, unless you are the operator: be root then",
		      "%s is there, for root and barleased's own user", path);
		return;
	case -ECONNREFUSED:
		found(diagnosis, "barleased", VERDICT_WRONG,
		      "start it: systemctl start barleased; journalctl -u "
		      "barleased tells why it ended",
		      "nobody listens to %s", path);
		return;
	}
	err = fd < 0 ? fd : holdings_ask(fd, CONTROL_LIST, &holdings);
	if (err)
		found(diagnosis, "barleased", VERDICT_WRONG,
		      "see journalctl -u barleased; is it of the same version?",
		      "it does not answer at %s: %s", path, error_words(err));
	else
		found(diagnosis, "barleased", VERDICT_OK, NULL,
		      "it runs: %zu slices and pools, %zu leases, %zu wait",
		      holdings.offer_count, holdings.lease_count,
		      holdings.waiting_count);
	for (size_t i = 0; i < holdings.lease_count; i++)
		if (holdings.leases[i].flags & CONTROL_LEASE_STUCK)
			found(diagnosis, "barleased", VERDICT_WRONG,
			      "try again: barlease revoke LEASE; the kernel's "
			      "log (dmesg) may tell why",
			      "the kernel has not taken lease %llu of %s back",
			      (unsigned long long)holdings.leases[i].lease,
			      holdings.leases[i].offer);
	holdings_free(&holdings);
	if (fd >= 0)
		close(fd);
}

static void socket_check(struct diagnosis *diagnosis, const char *path)
{
	struct seen *seen = NULL;
	size_t count = 0;
	int err = sockets_ask(path, &seen, &count);

	if (err == -EACCES)
		found(diagnosis, "socket", VERDICT_NOTE,
		      "have the operator set mode= or socket-group= in the "
		      "policy, if it is meant for you",
		      "you may not open %s", path);
	else if (err == -ECONNREFUSED)
		found(diagnosis, "socket", VERDICT_WRONG,
		      "start barleased, which replaces it",
		      "nobody listens to %s", path);
	else if (err)
		found(diagnosis, "socket", VERDICT_WRONG,
		      "barlease explain tells what that means",
		      "%s cannot be asked: %s", path, error_words(err));
	else if (!count)
		found(diagnosis, "socket", VERDICT_NOTE,
		      "have the operator add you to allow= in the policy",
		      "%s offers you nothing", path);
	else
		found(diagnosis, "socket", VERDICT_OK, NULL,
		      "%s offers you %zu slices and pools", path, count);
	seen_free(seen, count);
}

void daemon_check(struct diagnosis *diagnosis)
{
	struct sockets sockets;
	int err;

	control_check(diagnosis);
	err = sockets_find(diagnosis->machine, diagnosis->socket, &sockets);
	for (size_t i = 0; i < sockets.count && !err; i++)
		socket_check(diagnosis, sockets.paths[i]);
	sockets_free(&sockets);
}
