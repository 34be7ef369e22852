/* SPDX-License-Identifier: MIT */
#ifndef CLI_FUNCTION_TABLE_H
#define CLI_FUNCTION_TABLE_H

#include "function.h"
#include "tables.h"

/**
 * lend_answer() - whether a BAR can be lent, for a person
 * @function: whose
 * @bar: 0 to 5
 * @buf: where to put "yes" or the reason why not
 * @size: size of @buf
 *
 * Return: whether it can, as far as can be told without opening the device.
 */
bool lend_answer(const struct function *function, unsigned int bar, char *buf,
		 size_t size);

/**
 * function_table_print() - print functions and their BARs to stdout
 * @functions: what
 * @count: how many
 * @tables: where they belong
 *
 * Return: 0 or -errno.
 */
int function_table_print(const struct function *functions, size_t count,
			 struct tables *tables);

#endif /* CLI_FUNCTION_TABLE_H */
