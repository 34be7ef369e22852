// SPDX-License-Identifier: MIT
/* Lessees of a lease server that lends pieces of a real device. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <barlease/guarded.h>
#include <barlease/server.h>

#include "device.h"
#include "harness.h"

#define SOCKET_PATH "/served.socket"
#define SLICE SIZE_2M

TEST(probe_tells_that_this_driver_serves)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	ASSERT_EQ(barlease_device_probe(dev), BARLEASE_BY_DRIVER);
}

/* The next event of a lessee, while the server serves. */
static void expect(struct barlease_server *server,
		   struct barlease_lessee *lessee,
		   enum barlease_event_type type, struct barlease_event *event)
{
	struct pollfd polled[] = {
		{ .fd = barlease_lessee_get_fd(lessee), .events = POLLIN },
		{ .fd = barlease_server_get_fd(server), .events = POLLIN },
	};
	int err;

	for (;;) {
		ASSERT_COMPARE(barlease_server_dispatch(server), >=, 0);
		err = barlease_lessee_next_event(lessee, event);
		if (err != -EAGAIN)
			break;
		ASSERT_SYS(poll(polled, 2, -1));
	}
	ASSERT_OK(err);
	ASSERT_EQ(event->type, type);
}

static struct barlease_lessee *connect_lessee(struct barlease_server *server,
					      enum barlease_event_type type,
					      struct barlease_event *event)
{
	const struct barlease_wanted wanted = {
		.minimum = SLICE,
		.wait = BARLEASE_WAIT_FOR_EVER,
	};
	struct barlease_lessee *lessee;
	uint32_t serial;

	ASSERT_OK(barlease_lessee_connect(SOCKET_PATH, &lessee));
	ASSERT_OK(barlease_lessee_start(lessee, &wanted, &serial));
	expect(server, lessee, type, event);
	ASSERT_EQ(event->serial, serial);
	return lessee;
}

static struct barlease_server *serve_one_slice(struct barlease_device *dev)
{
	const struct barlease_server_terms terms = { 0 };
	const struct barlease_server_offer offer = {
		.name = "window",
		.bar = RAM_BAR,
		.range = { SLICE, SLICE },
	};
	struct barlease_server *server;
	uint64_t id, listener;

	ASSERT_OK(barlease_server_create(&terms, &server));
	ASSERT_OK(barlease_server_add_device(server, dev));
	ASSERT_OK(barlease_server_add_offer(server, dev, &offer, &id));
	ASSERT_OK(barlease_server_listen(server, SOCKET_PATH, 0600, &listener));
	ASSERT_OK(barlease_server_show_offer(server, id, listener));
	return server;
}

TEST(served_lease_goes_from_one_lessee_to_the_next)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct barlease_server *server = serve_one_slice(dev);
	struct barlease_lessee *first, *second;
	struct barlease_map map, next_map;
	struct barlease_event event;
	uint32_t value = 0;
	uint64_t lease;

	ASSERT_OK(barlease_guard_install());
	first = connect_lessee(server, BARLEASE_EVENT_GRANTED, &event);
	lease = event.lease;
	ASSERT_OK(barlease_lessee_map(&event.granted, &map));
	ASSERT_SYS(close(event.granted.fd));
	/* So that one entry of 2 MiB does. */
	ASSERT_EQ((uintptr_t)map.address % SIZE_2M, 0);
	ASSERT_OK(barlease_guarded_write32(map.address, 0xcafe));
	ASSERT_OK(barlease_region_read(dev, RAM_BAR, &value, 4, SLICE));
	ASSERT_EQ(value, 0xcafe);

	/* Away for a while, which ends nothing. */
	ASSERT_OK(barlease_server_device_away(server, dev));
	ASSERT_OK(barlease_device_set_memory(dev, false));
	expect(server, first, BARLEASE_EVENT_AWAY, &event);
	ASSERT_ERROR(barlease_guarded_read32(map.address, &value), ENXIO);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_OK(barlease_server_device_back(server, dev));
	expect(server, first, BARLEASE_EVENT_BACK, &event);
	ASSERT_OK(barlease_guarded_read32(map.address, &value));

	second = connect_lessee(server, BARLEASE_EVENT_QUEUED, &event);
	ASSERT_EQ(event.position, 1);
	ASSERT_OK(barlease_server_recall(server, lease, 1000));
	expect(server, first, BARLEASE_EVENT_RECALLED, &event);
	expect(server, first, BARLEASE_EVENT_REVOKED, &event);
	ASSERT_EQ(event.why, BARLEASE_END_RECALLED);
	ASSERT_ERROR(barlease_guarded_write32(map.address, 1), ENXIO);
	expect(server, second, BARLEASE_EVENT_GRANTED, &event);
	ASSERT_OK(barlease_lessee_map(&event.granted, &next_map));
	ASSERT_SYS(close(event.granted.fd));
	ASSERT_OK(barlease_guarded_read32(next_map.address, &value));
	ASSERT_EQ(value, 0xcafe);
	ASSERT_ERROR(barlease_guarded_read32(map.address, &value), ENXIO);

	/* A lessee that goes away takes its lease with it. */
	barlease_lessee_close(second);
	second = connect_lessee(server, BARLEASE_EVENT_GRANTED, &event);
	ASSERT_ERROR(barlease_guarded_read32(next_map.address, &value), ENXIO);
	ASSERT_SYS(close(event.granted.fd));
	barlease_server_destroy(server);
	ASSERT_OK(barlease_lessee_next_event(second, &event));
	ASSERT_EQ(event.type, BARLEASE_EVENT_REVOKED);
	ASSERT_EQ(event.why, BARLEASE_END_SERVER);
	barlease_lessee_close(first);
	barlease_lessee_close(second);
}
