/* SPDX-License-Identifier: MIT */
/* A hash table, whose links are in what it has. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

struct table {
	struct table_node **buckets;
	size_t size; /* a power of 2 */
	size_t count;
};

/* Return: 0 or -ENOMEM. */
int table_init(struct table *table);
void table_end(struct table *table);

/* It grows with what it has; where there is no memory for that, it is slower. */
void table_add(struct table *table, struct table_node *node, uint64_t hash);
void table_remove(struct table *table, struct table_node *node);

/* The first that may have this hash, of which it may not be one; or NULL. */
struct table_node *table_first(const struct table *table, uint64_t hash);

/* Numbers that follow each other get hashes that do not. */
uint64_t table_hash(uint64_t first, uint64_t second);
uint64_t table_hash_text(uint64_t first, const char *text);

#endif /* BASE_TABLE_H */
