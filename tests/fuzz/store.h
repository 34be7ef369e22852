/* SPDX-License-Identifier: MIT */
/* The fd store of a service manager: it has copies, and believes anything. */
#ifndef FUZZ_STORE_H
#define FUZZ_STORE_H

#include <stdbool.h>
#include <stddef.h>

#define STORE_MAX 96
#define STORE_NAME_SIZE 80

struct stored {
	char name[STORE_NAME_SIZE];
	int fd;
	bool unit; /* of a socket unit: it is handed over, and is no copy */
};

struct store {
	struct stored list[STORE_MAX];
	size_t count;
	unsigned int failing; /* so many are taken, and then no more; 0: all */
	bool asleep; /* whoever calls is dead */
};

extern struct store store;

/* Takes the fd in any case; -1 is none. */
void store_add(const char *name, int fd, bool unit);
/* How many are of its own, not of units. */
size_t store_count(void);
/* Whether two of them have the same name. */
bool store_doubts(void);
void store_end(void);

#endif /* FUZZ_STORE_H */
