// SPDX-License-Identifier: MIT
#include "tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int table_begin(const char *name, const struct table_column *columns,
		size_t count, bool json, struct table *table)
{
	*table = (struct table){ .scols = scols_new_table(), .count = count };
	if (!table->scols)
		return -ENOMEM;
	scols_table_enable_json(table->scols, json);
	scols_table_set_name(table->scols, name);
	for (size_t i = 0; i < count; i++) {
		const char *title = json ? columns[i].key : columns[i].title;

		if (!title)
			continue;
		table->columns[i] = scols_table_new_column(
			table->scols, title, 0, columns[i].flags);
		if (!table->columns[i]) {
			scols_unref_table(table->scols);
			return -ENOMEM;
		}
		scols_column_set_json_type(table->columns[i],
					   columns[i].json_type);
	}
	return 0;
}

int table_row(struct table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table->scols, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++)
		if (table->columns[i] && cells[i] && cells[i][0] &&
		    scols_line_set_column_data(line, table->columns[i],
					       cells[i]))
			return -ENOMEM;
	return 0;
}

static FILE *out_of(const struct tables *tables)
{
	return tables->out ? tables->out : stdout;
}

/* The array alone, without the object that the library puts around it. */
static int array_print(struct libscols_table *scols, FILE *out)
{
	char *text, *begin, *end;

	if (scols_print_table_to_string(scols, &text))
		return -ENOMEM;
	begin = strchr(text, '{');
	end = strrchr(text, '}');
	if (begin && end > begin) {
		*end = '\0';
		begin += strspn(begin, "{\n");
		while (end > begin && (end[-1] == '\n' || end[-1] == ' '))
			*--end = '\0';
		fputs(begin, out);
	}
	free(text);
	return 0;
}

int tables_print(struct tables *tables, struct table *table,
		 const char *heading, int err)
{
	size_t lines = scols_table_get_nlines(table->scols);
	FILE *out = out_of(tables);

	if (!err && tables->json) {
		fputs(tables->printed ? ",\n" : "{\n", out);
		err = array_print(table->scols, out);
		tables->printed++;
	} else if (!err && lines) {
		if (tables->printed)
			putc('\n', out);
		if (heading)
			fprintf(out, "%s\n", heading);
		/* What is not printed at once has no width of a terminal. */
		if (tables->out)
			scols_table_set_termforce(table->scols,
						  SCOLS_TERMFORCE_NEVER);
		scols_table_set_stream(table->scols, out);
		err = scols_print_table(table->scols) ? -ENOMEM : 0;
		tables->printed++;
	}
	scols_unref_table(table->scols);
	return err;
}

void tables_end(const struct tables *tables)
{
	if (tables->json)
		fputs(tables->printed ? "\n}\n" : "{\n}\n", out_of(tables));
}
