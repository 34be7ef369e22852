// SPDX-License-Identifier: MIT
/*
 * A lessee whose server sends anything at any time, with any number of fds, and
 * reads or hangs up as it likes. Each execution is a connection of its own on
 * which the lessee does a number of things, too. What is promised: see
 * barlease/lessee.h; no fd and no byte is left, and what the lessee sends is
 * always a packet of the protocol.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fds.h"
#include "input.h"
#include "lessee/lessee.h"
#include "packets.h"

#define STEPS_MAX 200
#define KNOWN_MAX 64
#define LEASES 8 /* numbers that packets have as a rule */

struct world {
	struct input input;
	struct barlease_lessee *lessee;
	int sock; /* the server's end; -1: closed */
	unsigned int fds; /* before; a fuzzer may open some in between */
	bool hung_up; /* the lessee was told */
	uint64_t known[KNOWN_MAX]; /* leases that it was told of */
	unsigned int known_count;
};

/* Files that are granted. */
static struct {
	int memory, null;
} fixed = { -1, -1 };

static void fixed_make(void)
{
	if (fixed.memory >= 0)
		return;
	fixed.memory = memfd_create("lease", MFD_CLOEXEC);
	fixed.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	promise(fixed.memory >= 0 && fixed.null >= 0);
	promise(!ftruncate(fixed.memory, 8192));
}

static void begin(struct world *world)
{
	int ends[2], least = 1;

	world->fds = fuzz_fd_count();
	promise(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	/* So little is room for some packets only. */
	promise(!setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &least,
			    sizeof(least)));
	promise(!barlease_lessee_connect_fd(ends[1], &world->lessee));
	barlease_lessee_set_timeout(world->lessee, 0);
	world->sock = ends[0];
}

static void end(struct world *world)
{
	fuzz_fds_exhaust(false);
	barlease_lessee_close(world->lessee);
	if (world->sock >= 0)
		close(world->sock);
	promise(fuzz_fd_count() == world->fds);
}

static void lease_known(struct world *world, uint64_t lease)
{
	if (world->known_count < KNOWN_MAX)
		world->known[world->known_count++] = lease;
}

/* Return: whether it was one. */
static bool lease_forget(struct world *world, uint64_t lease, bool really)
{
	unsigned int i;

	for (i = 0; i < world->known_count; i++)
		if (world->known[i] == lease)
			break;
	if (i == world->known_count)
		return false;
	if (really)
		world->known[i] = world->known[--world->known_count];
	return true;
}

static void text_check(const char *text, size_t size)
{
	promise(strnlen(text, size) < size);
	for (; *text; text++)
		promise((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void granted_check(struct world *world,
			  const struct barlease_granted *granted)
{
	struct barlease_map map;

	promise(fcntl(granted->fd, F_GETFD) == FD_CLOEXEC);
	promise(strnlen(granted->name, BARLEASE_NAME_SIZE) <
		BARLEASE_NAME_SIZE);
	if (!barlease_lessee_map(granted, &map))
		barlease_map_end(&map);
	close(granted->fd);
	lease_known(world, granted->lease);
}

static void wanted_make(struct world *world, struct barlease_wanted *wanted,
			bool waits)
{
	uint8_t how = input_byte(&world->input);

	*wanted = (struct barlease_wanted){
		.name = fuzz_names[how % FUZZ_NAMES],
		.access = how >> 6 & 1,
		.attribute = how >> 7,
		.minimum = how & 0x20 ? 4096 : 0,
		.wait = waits ? how & 0x10 ? BARLEASE_WAIT_FOR_EVER : 1000 : 0,
	};
}

/* One of the last, or the next; or what no packet has. */
static uint32_t serial_choose(struct world *world)
{
	return world->lessee->last_serial + 1 - input_byte(&world->input) % 8u;
}

static void server_sends(struct world *world)
{
	struct fuzz_topics topics = { .serial = serial_choose(world) };
	uint8_t how = input_byte(&world->input);
	struct fuzz_packet made;

	topics.lease = how % LEASES;
	fuzz_packet_make(&world->input, PACKET_OF_SERVER, &topics, &made);
	if (world->sock < 0)
		return;
	fuzz_send(world->sock, made.bytes, made.length,
		  how & 0x80 ? fixed.null : fixed.memory, made.fds);
}

static void server_reads(struct world *world)
{
	unsigned int count = input_byte(&world->input);
	struct received received;
	const char *reason;

	while (world->sock >= 0 && count--) {
		if (barlease_packet_receive(world->sock, &received))
			break;
		promise(!barlease_packet_check(&received.packet,
					       received.length,
					       PACKET_OF_LESSEE, &reason));
		promise(received.fd < 0 && !received.fds_lost);
	}
}

static void server_hangs_up(struct world *world)
{
	uint8_t how = input_byte(&world->input) % 4;

	if (world->sock < 0)
		return;
	if (how < 3) {
		shutdown(world->sock, how);
		return;
	}
	close(world->sock);
	world->sock = -1;
}

static void event_check(struct world *world, const struct barlease_event *event)
{
	bool over = event->type >= BARLEASE_EVENT_RELEASED;

	text_check(event->sentence, sizeof(event->sentence));
	switch (event->type) {
	case BARLEASE_EVENT_GRANTED:
		promise(event->serial);
		granted_check(world, &event->granted);
		return;
	case BARLEASE_EVENT_QUEUED:
		promise(event->serial);
		break;
	case BARLEASE_EVENT_REFUSED:
		promise(event->error > 0);
		promise(event->serial ||
			lease_forget(world, event->lease, false));
		break;
	case BARLEASE_EVENT_HANGUP:
		promise(!world->hung_up && event->error > 0);
		world->hung_up = true;
		break;
	default:
		/* Of what nobody knows nothing is told. */
		promise(world->known_count == KNOWN_MAX ||
			lease_forget(world, event->lease, over));
		break;
	}
	promise(event->granted.fd == -1);
}

static void lessee_looks(struct world *world)
{
	struct pollfd polled = {
		.fd = barlease_lessee_get_fd(world->lessee),
		.events = POLLIN,
	};
	struct barlease_event event;
	int err;

	/* The fuzzer's clock is a signal. */
	while (poll(&polled, 1, 0) < 0)
		promise(errno == EINTR);
	err = barlease_lessee_next_event(world->lessee, &event);
	if (!err)
		event_check(world, &event);
	/* An event loop would sleep on. */
	if (!polled.revents)
		promise(err == -EAGAIN || world->hung_up);
	if (world->hung_up && err)
		promise(err != -EAGAIN);
}

static void lessee_starts(struct world *world)
{
	struct barlease_wanted wanted;
	uint32_t serial;

	wanted_make(world, &wanted, true);
	barlease_lessee_start(world->lessee, &wanted, &serial);
}

static void lessee_requests(struct world *world)
{
	struct barlease_wanted wanted;
	struct barlease_granted granted;

	wanted_make(world, &wanted, false);
	if (!barlease_lessee_request(world->lessee, &wanted, &granted))
		granted_check(world, &granted);
}

static void lessee_cancels(struct world *world)
{
	barlease_lessee_cancel(world->lessee, serial_choose(world));
}

static void lessee_lists(struct world *world)
{
	struct barlease_offer offers[3];
	int count;

	count = barlease_lessee_list(world->lessee, offers,
				     input_byte(&world->input) % 4);
	(void)count;
}

static void lessee_releases(struct world *world)
{
	uint64_t lease = input_byte(&world->input) % LEASES;
	bool over = world->lessee->error;
	int err = barlease_lessee_release(world->lessee, lease);

	/* It can also be why the server had hung up: nothing was done. */
	if (err == -ETIMEDOUT && !over)
		lease_forget(world, lease, true);
	if (!err)
		promise(world->known_count == KNOWN_MAX ||
			lease_forget(world, lease, true));
}

static void lessee_starts_release(struct world *world)
{
	uint64_t lease = input_byte(&world->input) % LEASES;

	if (!barlease_lessee_start_release(world->lessee, lease))
		promise(world->known_count == KNOWN_MAX ||
			lease_forget(world, lease, false));
}

static void fds_exhaust(struct world *world)
{
	fuzz_fds_exhaust(input_byte(&world->input) & 1);
}

static void (*const steps[])(struct world *world) = {
	server_sends, server_sends, server_sends, server_sends,
	server_reads, server_hangs_up, lessee_looks, lessee_looks,
	lessee_starts, lessee_starts, lessee_requests, lessee_cancels,
	lessee_lists, lessee_releases, lessee_starts_release, fds_exhaust,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { .input = { data, size } };

	fixed_make();
	begin(&world);
	for (int i = 0; i < STEPS_MAX && world.input.left; i++) {
		uint8_t step = input_byte(&world.input);

		steps[step % (sizeof(steps) / sizeof(*steps))](&world);
		text_check(barlease_lessee_sentence(world.lessee),
			   BARLEASE_SENTENCE_SIZE);
	}
	end(&world);
	return 0;
}
