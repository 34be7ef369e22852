/* SPDX-License-Identifier: MIT */
/* What a test must not leave behind: kernel messages, references, DMABUFs. */
#ifndef KERNEL_TESTS_AFTERMATH_H
#define KERNEL_TESTS_AFTERMATH_H

#include <stdbool.h>
#include <stddef.h>

struct aftermath {
	int module_references;	/* -1: the module is not loaded */
	int dmabufs;		/* of the module; -1: cannot be told */
};

/* Open the kernel log at its end. Return 0 or -errno. */
int aftermath_start(void);

void aftermath_before(struct aftermath *before);

/**
 * aftermath_check() - compare with what was there before the test
 * @trouble: where to put what is wrong
 *
 * References that are given up late (by the release of a file in a work item)
 * have some seconds for it.
 *
 * Return: whether something is wrong.
 */
bool aftermath_check(const struct aftermath *before, char *trouble,
		     size_t size);

/* References to the module, -1 when it is not loaded. */
int module_references(void);

/* DMABUFs of the module that exist, -1 when debugfs does not say. */
int module_dmabufs(void);

#endif /* KERNEL_TESTS_AFTERMATH_H */
