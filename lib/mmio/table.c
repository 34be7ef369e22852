// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "mmio/table.h"

/*
 * A handler of a signal walks the list at any moment and in any thread, and
 * must not wait for anybody; objects come and go by dlopen() and dlclose(). So
 * writers take the lock, readers count themselves, and who has taken a table
 * out waits until every reader that may have seen it is done. No other handler
 * may get in between and jump away: guard.c blocks all signals.
 */
static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;
static struct barlease_guard_table *_Atomic tables;
static atomic_uint readers;

/* How often to look whether they are done; yielding might not let them run. */
static const struct timespec moment = { .tv_nsec = 50000 };

/* A child has no other threads: neither their locks nor their walks end. */
static void before_fork(void)
{
	pthread_mutex_lock(&tables_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&tables_lock);
}

static void after_fork_in_child(void)
{
	atomic_store(&readers, 0);
	pthread_mutex_init(&tables_lock, NULL);
}

__attribute__((constructor)) static void prepare_for_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void barlease_guard_table_add(struct barlease_guard_table *table)
{
	pthread_mutex_lock(&tables_lock);
	if (!table->known) {
		table->known = 1;
		table->next = atomic_load(&tables);
		atomic_store(&tables, table);
	}
	pthread_mutex_unlock(&tables_lock);
}

static void take_out(struct barlease_guard_table *table)
{
	struct barlease_guard_table *other = atomic_load(&tables);

	if (other == table) {
		atomic_store(&tables, table->next);
		return;
	}
	while (other->next != table)
		other = other->next;
	__atomic_store_n(&other->next, table->next, __ATOMIC_SEQ_CST);
}

void barlease_guard_table_remove(struct barlease_guard_table *table)
{
	pthread_mutex_lock(&tables_lock);
	if (table->known) {
		table->known = 0;
		take_out(table);
		while (atomic_load(&readers))
			nanosleep(&moment, NULL);
	}
	pthread_mutex_unlock(&tables_lock);
}

static uintptr_t target(const int32_t *field)
{
	return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

static uintptr_t table_search(const struct barlease_guard_table *table,
			      uintptr_t access)
{
	const struct barlease_guard_entry *entry;

	for (entry = table->begin; entry < table->end; entry++)
		if (target(&entry->access) == access)
			return target(&entry->recovery);
	return 0;
}

uintptr_t barlease_guard_recovery(uintptr_t access)
{
	struct barlease_guard_table *table;
	uintptr_t recovery = 0;

	atomic_fetch_add(&readers, 1);
	for (table = atomic_load(&tables); table && !recovery;
	     table = __atomic_load_n(&table->next, __ATOMIC_SEQ_CST))
		recovery = table_search(table, access);
	atomic_fetch_sub(&readers, 1);
	return recovery;
}
