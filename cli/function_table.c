// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "function_table.h"
#include "words.h"

enum column {
	COLUMN_BDF,
	COLUMN_ID,
	COLUMN_CLASS,
	COLUMN_DRIVER,
	COLUMN_AT_BOOT,
	COLUMN_SERVICE,
	COLUMN_GROUP,
	COLUMN_VFIO_FILE,
	COLUMN_BAR,
	COLUMN_SIZE,
	COLUMN_KIND,
	COLUMN_PREFETCHABLE,
	COLUMN_LENDABLE,
	COLUMN_REASON,
	COLUMNS,
};

struct column_format {
	const char *title; /* of the table; NULL: only in JSON */
	const char *key; /* of JSON; NULL: only in the table */
	int json_type;
	int flags;
};

static const struct column_format column_formats[COLUMNS] = {
	[COLUMN_BDF] = { "FUNCTION", "bdf", SCOLS_JSON_STRING, 0 },
	[COLUMN_ID] = { "ID", "id", SCOLS_JSON_STRING, 0 },
	[COLUMN_CLASS] = { "CLASS", "class", SCOLS_JSON_STRING, 0 },
	[COLUMN_DRIVER] = { "DRIVER", "driver", SCOLS_JSON_STRING, 0 },
	[COLUMN_AT_BOOT] = { "AT BOOT", "at_boot", SCOLS_JSON_STRING, 0 },
	[COLUMN_SERVICE] = { "LEASES BY", "leases_by", SCOLS_JSON_STRING, 0 },
	[COLUMN_GROUP] = { "GROUP", "iommu_group", SCOLS_JSON_NUMBER,
			   SCOLS_FL_RIGHT },
	[COLUMN_VFIO_FILE] = { "VFIO FILE", "vfio_file", SCOLS_JSON_STRING, 0 },
	[COLUMN_BAR] = { "BAR", "bar", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	[COLUMN_SIZE] = { "SIZE", "size", SCOLS_JSON_NUMBER, SCOLS_FL_RIGHT },
	[COLUMN_KIND] = { "KIND", "kind", SCOLS_JSON_STRING, 0 },
	[COLUMN_PREFETCHABLE] = { NULL, "prefetchable", SCOLS_JSON_BOOLEAN, 0 },
	[COLUMN_LENDABLE] = { NULL, "lendable", SCOLS_JSON_BOOLEAN, 0 },
	[COLUMN_REASON] = { "CAN BE LENT", "reason", SCOLS_JSON_STRING, 0 },
};

/* Base classes (PCI Code and ID Assignment Specification, 1.0). */
static const char *const class_names[] = {
	"old",	     "storage", "network", "display",	  "multimedia",
	"memory",    "bridge",	"serial",  "system",	  "input",
	"docking",   "cpu",	"bus",	   "wireless",	  "intelligent",
	"satellite", "crypto",	"signal",  "accelerator",
};

static const char *class_name(unsigned int class)
{
	unsigned int base = class >> 16;

	if (base < sizeof(class_names) / sizeof(class_names[0]))
		return class_names[base];
	return "other";
}

static const char *bar_kind_name(enum bar_kind kind)
{
	switch (kind) {
	case BAR_NONE:
		break;
	case BAR_IO:
		return "io";
	case BAR_MEM32:
		return "mem32";
	case BAR_MEM64:
		return "mem64";
	}
	return "none";
}

bool lend_answer(const struct function *function, unsigned int bar, char *buf,
		 size_t size)
{
	const char *obstacle = bar_obstacle(&function->bars[bar]);

	if (obstacle)
		snprintf(buf, size, "%s", obstacle);
	else if (function_is_bridge(function))
		snprintf(buf, size, "a bridge");
	else if (!function->group[0])
		snprintf(buf, size, "in no IOMMU group");
	else if (!function->vfio)
		snprintf(buf, size, "bind it first: barlease bind %s",
			 function->bdf);
	else if (strcmp(function->driver, BINDING_DRIVER_DEFAULT))
		snprintf(buf, size, "only if %s can", function->driver);
	else
		return snprintf(buf, size, "yes"), true;
	return false;
}

struct function_table {
	struct libscols_table *scols;
	struct libscols_column *columns[COLUMNS];
	bool json;
};

/* No text is no cell: "null" in JSON. */
static int cell_set(struct function_table *table, struct libscols_line *line,
		    enum column column, const char *text)
{
	if (!table->columns[column] || !text || !text[0])
		return 0;
	return scols_line_set_column_data(line, table->columns[column], text);
}

static int function_cells(struct function_table *table, struct libscols_line *line,
			  const struct function *function)
{
	char text[64];
	int err = 0;

	err |= cell_set(table, line, COLUMN_BDF, function->bdf);
	snprintf(text, sizeof(text), "%04x:%04x", function->vendor,
		 function->device);
	err |= cell_set(table, line, COLUMN_ID, text);
	if (table->json)
		snprintf(text, sizeof(text), "%06x", function->class);
	else
		snprintf(text, sizeof(text), "%04x %s", function->class >> 8,
			 class_name(function->class));
	err |= cell_set(table, line, COLUMN_CLASS, text);
	err |= cell_set(table, line, COLUMN_DRIVER,
			function->driver[0] || table->json ? function->driver
							   : "-");
	err |= cell_set(table, line, COLUMN_AT_BOOT, function->at_boot);
	err |= cell_set(table, line, COLUMN_SERVICE, function->service);
	err |= cell_set(table, line, COLUMN_GROUP, function->group);
	err |= cell_set(table, line, COLUMN_VFIO_FILE, function->vfio_file);
	return err;
}

static int bar_cells(struct function_table *table, struct libscols_line *line,
		     const struct function *function, unsigned int index)
{
	const struct function_bar *bar = &function->bars[index];
	bool lendable;
	char text[96];
	int err = 0;

	snprintf(text, sizeof(text), "%u", index);
	err |= cell_set(table, line, COLUMN_BAR, text);
	if (table->json)
		snprintf(text, sizeof(text), "%" PRIu64, bar->size);
	else
		size_words(bar->size, text, sizeof(text));
	err |= cell_set(table, line, COLUMN_SIZE, text);
	snprintf(text, sizeof(text), "%s%s", bar_kind_name(bar->kind),
		 bar->prefetchable && !table->json ? " prefetch" : "");
	err |= cell_set(table, line, COLUMN_KIND, text);
	err |= cell_set(table, line, COLUMN_PREFETCHABLE,
			bar->prefetchable ? "1" : "0");
	lendable = lend_answer(function, index, text, sizeof(text));
	err |= cell_set(table, line, COLUMN_LENDABLE, lendable ? "1" : "0");
	/* A program has its answer; "yes" is for people. */
	if (!lendable || !table->json)
		err |= cell_set(table, line, COLUMN_REASON, text);
	return err;
}

static int function_add(struct function_table *table, const struct function *function)
{
	struct libscols_line *line = NULL;
	int err = 0;

	for (unsigned int i = 0; i < BARLEASE_BARS; i++) {
		bool first = !line;

		if (function->bars[i].kind == BAR_NONE)
			continue;
		line = scols_table_new_line(table->scols, NULL);
		if (!line)
			return -ENOMEM;
		/* People read a function once, programs read every line. */
		if (first || table->json)
			err |= function_cells(table, line, function);
		err |= bar_cells(table, line, function, i);
	}
	if (!line) {
		line = scols_table_new_line(table->scols, NULL);
		if (!line)
			return -ENOMEM;
		err |= function_cells(table, line, function);
	}
	return err ? -ENOMEM : 0;
}

/* Whether people want to see a column at all. */
static bool is_wanted(const struct function_table *table, enum column column,
		      const struct function *functions, size_t count)
{
	/* Where it was asked. */
	if (column == COLUMN_SERVICE)
		return count && functions[0].service;
	if (column != COLUMN_AT_BOOT || table->json)
		return true;
	while (count--)
		if (functions[count].at_boot[0])
			return true;
	return false;
}

static int columns_add(struct function_table *table,
		       const struct function *functions, size_t count)
{
	for (int i = 0; i < COLUMNS; i++) {
		const struct column_format *format = &column_formats[i];
		const char *name = table->json ? format->key : format->title;

		if (!name || !is_wanted(table, (enum column)i, functions, count))
			continue;
		table->columns[i] = scols_table_new_column(table->scols, name,
							   0, format->flags);
		if (!table->columns[i])
			return -ENOMEM;
		scols_column_set_json_type(table->columns[i],
					   format->json_type);
	}
	return 0;
}

int function_table_print(const struct function *functions, size_t count,
			 struct tables *tables)
{
	struct function_table table = { .json = tables->json };
	struct table whole = { 0 };
	int err;

	table.scols = scols_new_table();
	if (!table.scols)
		return -ENOMEM;
	scols_table_enable_json(table.scols, tables->json);
	scols_table_set_name(table.scols, "bars");

	err = columns_add(&table, functions, count);
	for (size_t i = 0; i < count && !err; i++)
		err = function_add(&table, &functions[i]);
	whole.scols = table.scols;
	return tables_print(tables, &whole, NULL, err);
}
