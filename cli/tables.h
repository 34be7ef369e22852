/* SPDX-License-Identifier: MIT */
/* Tables for people, or one object of JSON with an array for each of them. */
#ifndef CLI_TABLES_H
#define CLI_TABLES_H

#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table_column {
	const char *title; /* for people; NULL: only in JSON */
	const char *key; /* of JSON; NULL: only for people */
	int json_type; /* SCOLS_JSON_... */
	int flags; /* SCOLS_FL_... */
};

#define TABLE_COLUMNS_MAX 24

struct table {
	struct libscols_table *scols;
	struct libscols_column *columns[TABLE_COLUMNS_MAX]; /* NULL: left out */
	size_t count;
};

/* What is printed. All zero but for "json" and "out" is the beginning. */
struct tables {
	bool json;
	FILE *out; /* where to; NULL: standard output */
	unsigned int printed;
};

/**
 * table_begin() - have a table
 * @name: of its array in JSON
 * @columns: what it has
 * @count: how many, up to TABLE_COLUMNS_MAX
 * @json: whether it will be JSON
 * @table: where to put it; tables_print() ends it
 *
 * Return: 0 or -ENOMEM; there is no table then.
 */
int table_begin(const char *name, const struct table_column *columns,
		size_t count, bool json, struct table *table);

/**
 * table_row() - add a row
 * @table: table
 * @cells: one for each column; NULL or "": none, which is null in JSON
 *
 * Return: 0 or -ENOMEM.
 */
int table_row(struct table *table, const char *const *cells);

/**
 * tables_print() - print a table, and end it
 * @tables: where it belongs
 * @table: table
 * @heading: for people, above it; NULL: none
 * @err: what has gone wrong with it: it is not printed then
 *
 * A table without rows is an empty array in JSON, and nothing for people.
 *
 * Return: @err or -ENOMEM.
 */
int tables_print(struct tables *tables, struct table *table,
		 const char *heading, int err);

/* After the last one. */
void tables_end(const struct tables *tables);

#endif /* CLI_TABLES_H */
