// SPDX-License-Identifier: MIT
/*
 * What the linker gives the server in the place of the kernel: processes with
 * identities, and a device that knows who has which of its pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/peer.h"
#include "world.h"

#define FDS 65536
#define FIRST_PID 1000

/* Of each fd that is a lease: which pages it is of. */
static struct {
	bool live;
	const struct barlease_device *device;
	uint32_t first, pages;
} leases[FDS];
static unsigned int live;

void fake_reset(void)
{
	memset(leases, 0, sizeof(leases));
	live = 0;
}

unsigned int fake_leases(void)
{
	return live;
}

int __wrap_server_peer_get(int sock, struct peer *peer);
int __wrap_server_peer_get(int sock, struct peer *peer)
{
	struct model_client *client = &world.clients[world.joining];
	int least = 1;

	/* A lazy one is soon full. */
	if (client->lazy)
		setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	client->process = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	memset(peer, 0, sizeof(*peer));
	peer->process = fcntl(client->process, F_DUPFD_CLOEXEC, 0);
	CHECK(peer->process >= 0, "%s", strerror(errno));
	peer->pid = FIRST_PID + (int)world.joining;
	peer->uid = client->uid;
	peer->gid = client->gid;
	return 0;
}

int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc);
int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc)
{
	memset(proc, 0, sizeof(*proc));
	snprintf(proc->cgroup, sizeof(proc->cgroup), "/group%u",
		 world.clients[peer->pid - FIRST_PID].cgroup);
	return 0;
}

/* How many have a page now. */
static unsigned int holders(const struct barlease_device *device, uint32_t page)
{
	unsigned int count = 0;

	for (unsigned int fd = 0; fd < 1024; fd++)
		count += leases[fd].live && leases[fd].device == device &&
			 page >= leases[fd].first &&
			 page - leases[fd].first < leases[fd].pages;
	return count;
}

/* The most that any policy that is in force lets have it. */
static unsigned int holders_max(const struct barlease_device *device,
				uint32_t page)
{
	for (unsigned int i = 0; i < OFFERS; i++) {
		const struct model_offer *offer = &world.offers[i];
		uint64_t at = page * (uint64_t)PAGE;

		if (offer->there && !offer->removed &&
		    world.devices[offer->device].device == device &&
		    at >= offer->terms.range.offset &&
		    at - offer->terms.range.offset < offer->terms.range.length)
			return offer->terms.sharers;
	}
	return 0;
}

int __wrap_barlease_lease_export_as(struct barlease_device *dev,
				    unsigned int bar,
				    const struct barlease_range *ranges,
				    unsigned int count,
				    const struct barlease_terms *terms);
int __wrap_barlease_lease_export_as(struct barlease_device *dev,
				    unsigned int bar,
				    const struct barlease_range *ranges,
				    unsigned int count,
				    const struct barlease_terms *terms)
{
	uint32_t first = (uint32_t)(ranges->offset / PAGE);
	uint32_t pages = (uint32_t)(ranges->length / PAGE);
	int fd;

	(void)terms;
	CHECK(bar == BAR && count == 1, "%u %u", bar, count);
	if (world.export_fails && !chance(3))
		return -EMFILE;
	for (uint32_t i = first; i < first + pages; i++)
		CHECK(holders(dev, i) < holders_max(dev, i),
		      "page %u is lent to one too many", i);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && fd < 1024, "%d", fd);
	CHECK(!leases[fd].live, "fd %d was closed and not revoked", fd);
	leases[fd].live = true;
	leases[fd].device = dev;
	leases[fd].first = first;
	leases[fd].pages = pages;
	live++;
	return fd;
}

int __wrap_barlease_lease_revoke(struct barlease_device *dev, int fd);
int __wrap_barlease_lease_revoke(struct barlease_device *dev, int fd)
{
	static bool failing;

	CHECK(fd >= 0 && fd < 1024 && leases[fd].live, "%d", fd);
	CHECK(leases[fd].device == dev, "a lease of another device");
	/* It fails once, or twice, and not if nobody asks for that. */
	if (world.revoke_fails && (failing || !chance(3))) {
		failing = !failing && chance(2);
		return -EIO;
	}
	leases[fd].live = false;
	live--;
	return 0;
}

void fake_closed(const struct barlease_device *device)
{
	for (unsigned int fd = 0; fd < 1024; fd++)
		if (leases[fd].live && leases[fd].device == device) {
			leases[fd].live = false;
			live--;
		}
}
