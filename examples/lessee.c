// SPDX-License-Identifier: MIT
/*
 * A lessee that uses a piece of a device for as long as it may.
 *
 * lessee SOCKET [NAME]
 *
 * It asks for a slice of that name, or for any, and counts in its first
 * register until the lessor wants it back or takes it. Two things are worth a
 * look: one poll() serves the lease server and whatever else the program has to
 * do, and the accesses are guarded, so that the end of the lease is an error to
 * deal with and not a signal to die of.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <barlease.h>
#include <barlease/guarded.h>

#define PERIOD 10 /* ms */

struct work {
	struct barlease_lessee *lessee;
	struct barlease_granted lease;
	struct barlease_map map; /* without an address: there is no lease */
	bool away; /* the device is, for now */
	bool done;
};

static void start(struct work *work, const struct barlease_granted *lease)
{
	int err = barlease_lessee_map(lease, &work->map);

	/* The mapping is enough. */
	close(lease->fd);
	if (err) {
		/* It can be over before one knows of it. */
		printf("not mapped: %s\n", strerror(-err));
		work->done = true;
		return;
	}
	work->lease = *lease;
	printf("granted: %s %u, %llu bytes\n", lease->name, lease->index,
	       (unsigned long long)lease->size);
}

static void stop(struct work *work, const char *why)
{
	printf("%s\n", why);
	barlease_map_end(&work->map);
	work->done = true;
}

/* One step of what the lease is for. */
static void count(struct work *work)
{
	uint32_t value;

	if (barlease_guarded_read32(work->map.address, &value) ||
	    barlease_guarded_write32(work->map.address, value + 1))
		return; /* Away for a moment, or for good: an event will tell. */
	if (value % 100 == 0)
		printf("counted to %u\n", value);
}

static void happened(struct work *work, const struct barlease_event *event)
{
	switch (event->type) {
	case BARLEASE_EVENT_QUEUED:
		printf("waiting, at position %u\n", event->position);
		break;
	case BARLEASE_EVENT_GRANTED:
		start(work, &event->granted);
		break;
	case BARLEASE_EVENT_REFUSED:
		printf("refused: %s (%s)\n", event->sentence,
		       strerror(event->error));
		work->done = true;
		break;
	case BARLEASE_EVENT_RECALLED:
		printf("recalled, with %llu ms left\n",
		       (unsigned long long)event->left);
		/* The place to have the device finish what it is at. */
		barlease_map_end(&work->map);
		barlease_lessee_release(work->lessee, event->lease);
		stop(work, "released");
		break;
	case BARLEASE_EVENT_REVOKED:
		stop(work, "revoked");
		break;
	case BARLEASE_EVENT_HANGUP:
		stop(work, event->sentence);
		break;
	case BARLEASE_EVENT_AWAY:
	case BARLEASE_EVENT_BACK:
		work->away = event->type == BARLEASE_EVENT_AWAY;
		printf("the device is %s\n", work->away ? "away" : "back");
		break;
	case BARLEASE_EVENT_RELEASED:
		break; /* only after barlease_lessee_start_release() */
	}
}

int main(int argc, char **argv)
{
	struct barlease_wanted wanted = { .wait = BARLEASE_WAIT_FOR_EVER };
	struct barlease_event event;
	struct work work = { 0 };
	struct pollfd polled;
	uint32_t serial;
	int err;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: lessee SOCKET [NAME]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	wanted.name = argc == 3 ? argv[2] : "";
	err = barlease_guard_install();
	if (!err)
		err = barlease_lessee_connect(argv[1], &work.lessee);
	if (!err)
		err = barlease_lessee_start(work.lessee, &wanted, &serial);
	if (err) {
		fprintf(stderr, "lessee: %s: %s\n", argv[1], strerror(-err));
		barlease_lessee_close(work.lessee);
		return 1;
	}

	polled.fd = barlease_lessee_get_fd(work.lessee);
	polled.events = POLLIN;
	while (!work.done) {
		poll(&polled, 1, work.map.address ? PERIOD : -1);
		if (work.map.address && !work.away)
			count(&work);
		while (!work.done &&
		       !barlease_lessee_next_event(work.lessee, &event))
			happened(&work, &event);
	}
	barlease_lessee_close(work.lessee);
	return 0;
}
