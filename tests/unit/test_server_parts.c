// SPDX-License-Identifier: MIT
/* What a server finds leases and deadlines by. */
#include "support.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/table.h"
#include "server/timer.h"

static bool no_memory;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return no_memory ? NULL : __real_calloc(count, size);
}

void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return no_memory ? NULL : __real_reallocarray(memory, count, size);
}

#define MANY 1000

struct item {
	struct table_node node;
	struct server_timer timer;
	uint64_t number;
};

static struct item *find(const struct table *table, uint64_t number)
{
	struct table_node *node;

	for (node = table_first(table, table_hash(0, number)); node;
	     node = node->next) {
		struct item *item = container_of(node, struct item, node);

		if (item->number == number)
			return item;
	}
	return NULL;
}

static void a_table_has_what_it_was_given(void **state)
{
	static struct item items[MANY];
	struct table table;

	(void)state;
	no_memory = true;
	assert_int_equal(table_init(&table), -ENOMEM);
	no_memory = false;
	assert_int_equal(table_init(&table), 0);
	for (uint64_t i = 0; i < MANY; i++) {
		/* It grows, and for a time it cannot. */
		no_memory = i > 100 && i < 300;
		items[i].number = i;
		table_add(&table, &items[i].node, table_hash(0, i));
	}
	assert_true(table.size >= MANY);
	for (uint64_t i = 0; i < MANY; i += 2)
		table_remove(&table, &items[i].node);
	for (uint64_t i = 0; i < MANY; i++)
		assert_ptr_equal(find(&table, i), i % 2 ? &items[i] : NULL);
	assert_int_equal(table.count, MANY / 2);
	table_end(&table);
}

static void a_timer(struct barlease_server *server, struct server_timer *timer)
{
	(void)server;
	(void)timer;
}

static void timers_come_in_the_order_of_what_is_due(void **state)
{
	static struct item items[MANY];
	struct server_timers timers = { 0 };
	struct server_timer *timer;
	unsigned int count = 0, random = 1;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(server_timers_next(&timers), SERVER_NEVER);
	/* However late a lessor's clock says that it is. */
	assert_null(server_timers_take(&timers, UINT64_MAX));
	for (unsigned int i = 0; i < MANY; i++) {
		no_memory = true;
		if (server_timer_init(&timers, &items[i].timer, a_timer)) {
			no_memory = false;
			assert_int_equal(server_timer_init(&timers,
							   &items[i].timer,
							   a_timer),
					 0);
			count++;
		}
		no_memory = false;
		assert_true(timers.reserved <= timers.room);
	}
	assert_int_equal(count, 5);
	/* Set, set anew, and some not at all or no longer. */
	for (unsigned int i = 0; i < 3 * MANY; i++) {
		random = random * 1664525 + 1013904223;
		server_timer_set(&timers, &items[i % MANY].timer,
				 random >> 28 ? random >> 16 : SERVER_NEVER);
	}
	for (unsigned int i = 0; i < MANY; i += 10) {
		server_timer_end(&timers, &items[i].timer);
		assert_int_equal(items[i].timer.due, SERVER_NEVER);
	}
	for (unsigned int i = 0; i < MANY; i++)
		items[i].number = items[i].timer.due;
	assert_null(server_timers_take(&timers,
				       server_timers_next(&timers) - 1));
	count = 0;
	while ((timer = server_timers_take(&timers, SERVER_NEVER - 1))) {
		const struct item *item =
			container_of(timer, struct item, timer);

		assert_true(item->number >= last);
		assert_true(item->number != SERVER_NEVER);
		assert_int_equal(timer->due, SERVER_NEVER);
		last = item->number;
		count++;
	}
	for (unsigned int i = 0; i < MANY; i++)
		count += items[i].number == SERVER_NEVER;
	assert_int_equal(count, MANY);
	server_timers_end(&timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_has_what_it_was_given),
		cmocka_unit_test(timers_come_in_the_order_of_what_is_due),
	};

	return cmocka_run_group_tests_name("server_parts", tests, NULL, NULL);
}
