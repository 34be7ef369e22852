/* SPDX-License-Identifier: MIT */
#ifndef CLI_HOLDING_TABLES_H
#define CLI_HOLDING_TABLES_H

#include "barlease/lessee.h"
#include "operators.h"
#include "tables.h"

/* What serves leases on a device, in words; "" where it is not known. */
const char *service_words(unsigned int service);

/* Why a lease is over, in words. */
const char *end_words(unsigned int why);

/**
 * holding_tables_print() - print slices, leases and who waits
 * @holdings: as barleased has told
 * @bdf: only what is of this device; NULL: all
 * @tables: where they belong
 *
 * Return: 0 or -ENOMEM.
 */
int holding_tables_print(const struct holdings *holdings, const char *bdf,
			 struct tables *tables);

/* What a socket offers to this process. */
struct seen {
	char *socket;
	struct barlease_offer offer;
};

/**
 * seen_table_print() - print slices as lessees see them
 *
 * Return: 0 or -ENOMEM.
 */
int seen_table_print(const struct seen *seen, size_t count,
		     struct tables *tables);

#endif /* CLI_HOLDING_TABLES_H */
