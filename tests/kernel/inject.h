/* SPDX-License-Identifier: MIT */
/*
 * Making the kernel's allocations and copies fail, one at a time: the first
 * that an operation makes, then the second, until it makes no more.
 *
 *	struct inject inject;
 *
 *	inject_start(&inject, INJECT_MEMORY);
 *	while (inject_next(&inject)) {
 *		inject_arm(&inject);
 *		... one system call of this thread, or one access ...
 *		inject_disarm(&inject);
 *		... look at what came of it ...
 *	}
 *
 * The last round is one without a fault. Needs CONFIG_FAULT_INJECTION; tests
 * are skipped without.
 */
#ifndef KERNEL_TESTS_INJECT_H
#define KERNEL_TESTS_INJECT_H

#include <stdbool.h>

enum inject_kind {
	INJECT_MEMORY,	/* what is allocated, small or by pages */
	INJECT_COPY,	/* what is copied from and to user space */
};

struct inject {
	int fd;			/* /proc/self/fail-nth */
	unsigned int nth;	/* 0 before the first round */
	bool injected;		/* in this round */
	bool may_be_none;	/* the operation need not have any fault */
};

void inject_start(struct inject *inject, enum inject_kind kind);
/* Fails the test if the operation had no fault, as then nothing was tested. */
bool inject_next(struct inject *inject);

/* Only what happens below code of the driver fails. */
void inject_start_in_driver(struct inject *inject, enum inject_kind kind);

/*
 * The checkers of the kernel allocate, too, and some complain when it fails. A
 * part of kmemleak is spared; after this, in its stead, what happens below some
 * other function of the kernel is, if there is one. Before the start.
 */
void inject_spare_function(const char *name);

/* Both leave errno alone. */
void inject_arm(struct inject *inject);
void inject_disarm(struct inject *inject);

/*
 * From here on nothing can be allocated below code of the driver by this
 * process, until the end.
 */
void inject_all_begin(void);
void inject_all_end(void);

#endif /* KERNEL_TESTS_INJECT_H */
