/* SPDX-License-Identifier: MIT */
/* What a function and this process hold, to see that a failure left nothing. */
#ifndef KERNEL_TESTS_FOOTPRINT_H
#define KERNEL_TESTS_FOOTPRINT_H

struct footprint {
	const char *device;	/* name of an environment variable */
	int fds;
	int leases;		/* of the function; -1: debugfs does not say */
	int mappings;
	int importers;
	int dmabufs;		/* of the module */
	int references;		/* to the module */
	int power;		/* users that keep the function awake */
	int dma;		/* mappings of all devices, if it is known */
};

void footprint_take(struct footprint *footprint, const char *device);

/* Fails the test if anything is different now. */
void footprint_assert_same(const struct footprint *before);

#endif /* KERNEL_TESTS_FOOTPRINT_H */
