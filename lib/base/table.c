// SPDX-License-Identifier: MIT
#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SIZE 64

/* An odd number with its bits all over: 2^64 divided by the golden ratio. */
#define SPREAD 0x9e3779b97f4a7c15ull

int table_init(struct table *table)
{
	table->buckets = calloc(FIRST_SIZE, sizeof(struct table_node *));
	table->size = FIRST_SIZE;
	table->count = 0;
	return table->buckets ? 0 : -ENOMEM;
}

void table_end(struct table *table)
{
	free(table->buckets);
	table->buckets = NULL;
}

static struct table_node **bucket_of(const struct table *table,
					    uint64_t hash)
{
	return &table->buckets[hash & (table->size - 1)];
}

static void bucket_add(struct table *table,
		       struct table_node *node)
{
	struct table_node **bucket = bucket_of(table, node->hash);

	node->next = *bucket;
	*bucket = node;
}

static void grow(struct table *table)
{
	struct table old = *table;
	struct table_node *node;

	table->buckets =
		calloc(old.size * 2, sizeof(struct table_node *));
	if (!table->buckets) {
		*table = old;
		return;
	}
	table->size = old.size * 2;
	for (size_t i = 0; i < old.size; i++)
		while ((node = old.buckets[i])) {
			old.buckets[i] = node->next;
			bucket_add(table, node);
		}
	free(old.buckets);
}

void table_add(struct table *table, struct table_node *node, uint64_t hash)
{
	if (table->count >= table->size)
		grow(table);
	node->hash = hash;
	bucket_add(table, node);
	table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **place = bucket_of(table, node->hash);

	while (*place != node)
		place = &(*place)->next;
	*place = node->next;
	table->count--;
}

struct table_node *table_first(const struct table *table, uint64_t hash)
{
	return *bucket_of(table, hash);
}

uint64_t table_hash(uint64_t first, uint64_t second)
{
	uint64_t hash = (first ^ (first >> 32)) * SPREAD + second;

	hash = (hash ^ (hash >> 29)) * SPREAD;
	return hash ^ (hash >> 32);
}

uint64_t table_hash_text(uint64_t first, const char *text)
{
	for (; *text; text++)
		first = table_hash(first, (unsigned char)*text);
	return first;
}
