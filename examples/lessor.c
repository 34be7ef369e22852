// SPDX-License-Identifier: MIT
/*
 * A lessor: a driver that lends a part of its device and goes on with its work.
 *
 * lessor SOCKET DEVICE BAR SLICE_SIZE cuts a BAR into slices, of which everybody
 * who can open SOCKET may have two. DEVICE is a PCI address, or "sim" for one
 * that is simulated. A line on the standard input asks for all leases back; when
 * that ends, so does the lessor. Worth a look: the lease server is one fd in the
 * event loop that a driver has anyway. It asks before it lends, and tells when a
 * slice is free again, which is where a queue of the device is started and ended.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <barlease.h>
#include <barlease/server.h>

static int request(void *context, const struct barlease_server_lessee *lessee,
		   const struct barlease_server_request *asked, char *sentence)
{
	(void)context;
	(void)asked;
	/* As an example of a rule that is one's own. */
	if (lessee->leases < 2)
		return 0;
	snprintf(sentence, BARLEASE_SENTENCE_SIZE, "nobody gets more than two");
	return -EDQUOT;
}

static void grant(void *context, const struct barlease_server_lessee *lessee,
		  const struct barlease_server_lease *lease)
{
	(void)context;
	/* The place to start the queue that the slice belongs to. */
	printf("%s %" PRIu32 " is lent to %s (%d)\n", lease->name, lease->index,
	       lessee->command, (int)lessee->pid);
}

static void end(void *context, const struct barlease_server_lessee *lessee,
		const struct barlease_server_lease *lease,
		enum barlease_end why)
{
	(void)context;
	(void)lessee;
	/* Nobody can touch it now: the place to stop the queue. */
	printf("%s %" PRIu32 " is back: %s\n", lease->name, lease->index,
	       why == BARLEASE_END_RELEASED ? "released" : "taken");
}

/* Offer all of a BAR on a socket. */
static int offer(struct barlease_server *server, struct barlease_device *device,
		 const char *path, unsigned int bar, uint64_t slice_size)
{
	struct barlease_server_offer pool = {
		.name = "slice",
		.bar = bar,
		.slice_size = slice_size,
		.grace = 10000, /* ms to give a slice back in */
	};
	struct barlease_region region;
	uint64_t listener, id;
	int err;

	err = barlease_region_get(device, bar, &region);
	if (err)
		return err;
	pool.range.length = region.size;
	err = barlease_server_add_device(server, device);
	if (!err)
		err = barlease_server_add_offer(server, device, &pool, &id);
	if (!err)
		err = barlease_server_listen(server, path, 0600, &listener);
	if (!err)
		err = barlease_server_show_offer(server, id, listener);
	return err;
}

static int recall(void *context, const struct barlease_server_lessee *lessee,
		  const struct barlease_server_lease *lease)
{
	(void)lessee;
	return barlease_server_recall(context, lease->id,
				      BARLEASE_GRACE_OF_OFFER);
}

static void run(struct barlease_server *server)
{
	struct pollfd polled[] = {
		{ .fd = barlease_server_get_fd(server), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	char line[64];
	ssize_t length;

	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return;
		if (polled[0].revents && barlease_server_dispatch(server) < 0)
			return;
		if (!polled[1].revents)
			continue;
		length = read(STDIN_FILENO, line, sizeof(line));
		if (length <= 0)
			return;
		barlease_server_each_lease(server, recall, server);
	}
}

int main(int argc, char **argv)
{
	const struct barlease_sim_terms simulated = {
		.name = "sim:example",
		.bar_size = { 1 << 20, 1 << 20 },
	};
	const struct barlease_server_terms terms = {
		.calls = { .request = request, .grant = grant, .end = end },
	};
	struct barlease_server *server = NULL;
	struct barlease_device *device = NULL;
	int err;

	if (argc != 5) {
		fprintf(stderr, "usage: lessor SOCKET DEVICE BAR SLICE_SIZE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(argv[2], "sim") == 0)
		err = barlease_device_open_sim(&simulated, &device);
	else
		err = barlease_device_open(argv[2], &device);
	if (!err)
		err = barlease_server_create(&terms, &server);
	if (!err)
		err = offer(server, device, argv[1], (unsigned int)atoi(argv[3]),
			    strtoull(argv[4], NULL, 0));
	if (!err)
		run(server);
	else
		fprintf(stderr, "lessor: %s\n", strerror(-err));
	barlease_server_destroy(server);
	barlease_device_close(device);
	return err ? 1 : 0;
}
