/* SPDX-License-Identifier: MIT */
/* A hash table, whose links are in what it has. */
#ifndef SERVER_TABLE_H
#define SERVER_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct server_table_node {
	struct server_table_node *next;
	uint64_t hash;
};

struct server_table {
	struct server_table_node **buckets;
	size_t size; /* a power of 2 */
	size_t count;
};

/* Return: 0 or -ENOMEM. */
int server_table_init(struct server_table *table);
void server_table_end(struct server_table *table);

/* It grows with what it has; where there is no memory for that, it is slower. */
void server_table_add(struct server_table *table,
		      struct server_table_node *node, uint64_t hash);
void server_table_remove(struct server_table *table,
			 struct server_table_node *node);

/* The first that may have this hash, of which it may not be one; or NULL. */
struct server_table_node *server_table_first(const struct server_table *table,
					     uint64_t hash);

/* Numbers that follow each other get hashes that do not. */
uint64_t server_hash(uint64_t first, uint64_t second);
uint64_t server_hash_text(uint64_t first, const char *text);

#endif /* SERVER_TABLE_H */
