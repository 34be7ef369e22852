// SPDX-License-Identifier: MIT
/* What barleased keeps for an operator who does not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "operators/control.h"

/* An operator, and the other end of its connection. */
struct world {
	struct control control;
	struct operator *operator;
	int other;
};

static int world_setup(void **state)
{
	static struct world world;
	struct epoll_event event = { .events = EPOLLIN };
	int ends[2];

	world = (struct world){ 0 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends))
		return -1;
	world.operator = &world.control.operators[0];
	world.operator->fd = ends[0];
	world.other = ends[1];
	world.control.epoll = epoll_create1(EPOLL_CLOEXEC);
	event.data.ptr = world.operator;
	*state = &world;
	return epoll_ctl(world.control.epoll, EPOLL_CTL_ADD, ends[0], &event);
}

static int world_teardown(void **state)
{
	struct world *world = *state;

	if (world->operator->fd >= 0)
		operator_end(world->operator);
	close(world->other);
	close(world->control.epoll);
	return 0;
}

static void put(struct world *world, uint32_t number)
{
	union control_packet packet;

	control_packet_begin(&packet, CONTROL_EVENT, 0);
	packet.event.why = number;
	operator_put(&world->control, world->operator, &packet);
}

static void what_is_not_read_is_kept_up_to_a_limit(void **state)
{
	struct world *world = *state;
	uint32_t count = 0;

	while (world->operator->fd >= 0 && count < OPERATOR_UNSENT_MAX / 500) {
		put(world, count);
		count++;
	}
	assert_int_equal(world->operator->fd, -1);
	assert_int_equal(count - 1, OPERATOR_UNSENT_MAX /
					    sizeof(struct control_packet_event));
	/* And what comes then is for nobody. */
	put(world, count);
	assert_null(world->operator->unsent);
}

/* In the order in which it was put, whenever that was read. */
static void what_is_kept_comes_in_order(void **state)
{
	struct world *world = *state;
	union control_packet packet;
	uint32_t put_count = 0, read_count = 0;

	while (read_count < 5000) {
		for (int i = 0; i < 37 && put_count < 5000; i++)
			put(world, put_count++);
		operator_serve(&world->control, world->operator, EPOLLOUT);
		for (int i = 0; i < 29; i++) {
			if (recv(world->other, &packet, sizeof(packet), 0) < 0)
				break;
			assert_int_equal(packet.event.why, read_count);
			read_count++;
		}
	}
	assert_int_equal(put_count, 5000);
	assert_int_equal(world->operator->begin, world->operator->end);
}

#define operator_test(function) \
	cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		operator_test(what_is_not_read_is_kept_up_to_a_limit),
		operator_test(what_is_kept_comes_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
