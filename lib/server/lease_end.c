// SPDX-License-Identifier: MIT
/*
 * How a lease ends: first in the kernel, then here, and only then for anybody
 * else.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/server.h"

/*
 * An error of the first call need not mean that somebody still has it: it can be
 * an interrupted wait, or what could not be copied out of a simulated one. That
 * nobody has it is what EBADFD says.
 */
static int take_back(const struct server_lease *lease)
{
	struct barlease_device *device = lease->offer->device->device;
	int err = barlease_lease_revoke(device, lease->fd);

	if (err && err != -EBADFD)
		err = barlease_lease_revoke(device, lease->fd);
	return err == -EBADFD ? 0 : err;
}

/* Its GRANT may be on its way, which needs its fd. */
static void fd_close(struct server_lease *lease)
{
	if (lease->grant) {
		lease->grant->fd = lease->fd;
		lease->grant->lease = NULL;
	} else {
		close(lease->fd);
	}
}

static void lease_free(struct barlease_server *server,
		       struct server_lease *lease)
{
	server_keep_end_lease(server, lease);
	table_remove(&server->leases, &lease->by_id);
	server_timer_end(&server->timers, &lease->timer);
	list_remove(&lease->doomed);
	list_remove(&lease->of_offer);
	fd_close(lease);
	free(lease);
}

/* It is over, for its lessee and all that counts leases. */
static void close_account(struct barlease_server *server,
			  struct server_lease *lease, enum barlease_end why,
			  bool told)
{
	server_timer_set(&server->timers, &lease->timer, SERVER_NEVER);
	list_remove(&lease->of_client);
	lease->client->lease_count--;
	lease->offer->lease_count--;
	server_share_drop(server, &lease->share);
	server_call_end(server, lease, why);
	if (told)
		server_tell_revoked(server, lease, why);
}

static void set_stuck(struct barlease_server *server,
		      struct server_lease *lease, int err)
{
	struct server_offer *offer = lease->offer;

	list_move_tail(&offer->stuck, &lease->of_offer);
	offer->stuck_count++;
	server_slice_set_stuck(offer, lease->index, true);
	server_call_stuck(server, lease, err);
	lease->client = NULL;
}

/* What was stuck is not. */
static void set_free(struct barlease_server *server, struct server_lease *lease)
{
	struct server_offer *offer = lease->offer;

	offer->stuck_count--;
	server_slice_set_stuck(offer, lease->index, false);
	server_slice_give_back(offer, lease->index);
	lease_free(server, lease);
	server_offer_changed(server, offer);
}

static int end(struct barlease_server *server, struct server_lease *lease,
	       enum barlease_end why, bool told)
{
	struct server_offer *offer = lease->offer;
	int err = take_back(lease);

	lease->stuck = err;
	close_account(server, lease, why, told);
	if (err) {
		set_stuck(server, lease, err);
	} else {
		server_slice_give_back(offer, lease->index);
		lease_free(server, lease);
	}
	server_offer_changed(server, offer);
	return err;
}

int server_lease_end(struct barlease_server *server, struct server_lease *lease,
		     enum barlease_end why)
{
	int err;

	if (!lease->stuck)
		return end(server, lease, why, why >= BARLEASE_END_EXPIRED);
	err = take_back(lease);
	if (!err)
		set_free(server, lease);
	return err;
}

void server_lease_drop(struct barlease_server *server,
		       struct server_lease *lease)
{
	end(server, lease, BARLEASE_END_REVOKED, false);
}

void server_lease_abandon(struct barlease_server *server,
			  struct server_lease *lease)
{
	set_free(server, lease);
}

void server_lease_expire(struct barlease_server *server,
			 struct server_timer *timer)
{
	struct server_lease *lease =
		container_of(timer, struct server_lease, timer);

	server_lease_end(server, lease, lease->timer_why);
}

void server_lease_recall(struct barlease_server *server,
			 struct server_lease *lease, uint64_t grace)
{
	uint64_t due;

	if (lease->stuck || lease->client->ended)
		return;
	if (grace == BARLEASE_GRACE_OF_OFFER)
		grace = lease->offer->terms.grace;
	if (!grace) {
		server_lease_end(server, lease, BARLEASE_END_RECALLED);
		return;
	}
	due = server_due(server, grace);
	if (due < lease->timer.due) {
		lease->timer_why = BARLEASE_END_RECALLED;
		server_timer_set(&server->timers, &lease->timer, due);
	} else if (lease->recalled) {
		return;
	}
	lease->recalled = true;
	server_keep_due(lease);
	server_call_recall(server, lease);
	server_tell_recalled(server, lease);
}

void server_lease_fulfil(struct barlease_server *server,
			 struct server_lease *lease)
{
	enum server_doom doom = lease->doom;

	list_remove(&lease->doomed);
	lease->doom = SERVER_SPARED;
	if (doom == SERVER_TO_REVOKE)
		server_lease_end(server, lease, lease->doom_why);
	else
		server_lease_recall(server, lease, lease->doom_grace);
}

static void doom(struct barlease_server *server, struct server_lease *lease,
		 enum server_doom what)
{
	/* What is harder counts. */
	if (lease->doom < what)
		lease->doom = what;
	list_move_tail(&server->doomed, &lease->doomed);
}

int barlease_server_recall(struct barlease_server *server, uint64_t id,
			   uint64_t grace)
{
	struct server_lease *lease = server_lease_find(server, id);

	if (!lease || lease->stuck)
		return -ENOENT;
	if (server->depth) {
		if (grace == BARLEASE_GRACE_OF_OFFER)
			grace = lease->offer->terms.grace;
		/* Of several callbacks that want it, who wants it earlier. */
		if (lease->doom != SERVER_TO_RECALL ||
		    grace < lease->doom_grace)
			lease->doom_grace = grace;
		doom(server, lease, SERVER_TO_RECALL);
		return 0;
	}
	server_lease_recall(server, lease, grace);
	server_settle(server);
	return 0;
}

int barlease_server_revoke(struct barlease_server *server, uint64_t id,
			   enum barlease_end why)
{
	struct server_lease *lease = server_lease_find(server, id);
	int err;

	if (why < BARLEASE_END_EXPIRED || why > BARLEASE_END_SERVER)
		return -EINVAL;
	if (!lease)
		return -ENOENT;
	if (server->depth) {
		lease->doom_why = why;
		doom(server, lease, SERVER_TO_REVOKE);
		return 0;
	}
	err = server_lease_end(server, lease, why);
	server_settle(server);
	return err;
}
