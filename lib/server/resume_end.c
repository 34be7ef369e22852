// SPDX-License-Identifier: MIT
/* Leases that have not outlived the server before: their end is told, too. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/server.h"

/* A lessee that is not there any more, as it was. */
struct server_departed {
	struct barlease_server_lessee lessee;
	char command[sizeof(((struct keep_lessee *)0)->command)];
	char cgroup[KEEP_CGROUP_SIZE];
};

struct server_departed *server_departed_get(const struct keep_record *record,
					    int fd)
{
	struct server_departed *new = calloc(1, sizeof(*new));
	struct ucred who = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t size = sizeof(who);

	if (!new)
		return NULL;
	/* The socket knows, also when the process has ended. */
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	strcpy(new->command, record->of_lessee.command);
	strcpy(new->cgroup, record->of_lessee.cgroup);
	new->lessee = (struct barlease_server_lessee){
		.id = record->id,
		.pid = who.pid,
		.uid = who.uid,
		.gid = who.gid,
		.command = new->command,
		.cgroup = new->cgroup,
	};
	return new;
}

static struct barlease_server_lease
lease_of(const struct barlease_server *server, const struct keep_record *record,
	 struct barlease_device *device)
{
	const struct keep_lease *lease = &record->of_lease;
	uint64_t now = server_now(server);

	return (struct barlease_server_lease){
		.id = record->id,
		.name = lease->name,
		.device = device,
		.index = lease->index,
		.bar = lease->bar,
		.range = { lease->offset, lease->length },
		.access = (enum barlease_access)lease->access,
		.attribute = (enum barlease_attribute)lease->attribute,
		.age = now > lease->since ? (now - lease->since) / NSEC_PER_MSEC :
					    0,
		.time_left = server_left(server, lease->due),
		.recalled = lease->recalled,
	};
}

void server_call_end_meanwhile(struct barlease_server *server,
			       const struct server_client *client,
			       const struct server_departed *departed,
			       const struct keep_record *record,
			       struct barlease_device *device)
{
	struct barlease_server_lease lease = lease_of(server, record, device);
	struct barlease_server_lessee lessee = { .command = "", .cgroup = "" };

	if (client)
		lessee = server_lessee_of(client);
	else if (departed)
		lessee = departed->lessee;
	if (!server->terms.calls.end)
		return;
	server->depth++;
	server->terms.calls.end(server->terms.context, &lessee, &lease,
				client ? BARLEASE_END_REVOKED :
					 BARLEASE_END_DIED);
	server->depth--;
}
