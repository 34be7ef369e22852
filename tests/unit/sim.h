/* SPDX-License-Identifier: MIT */
/* What tests of the simulated device have in common. */
#ifndef UNIT_SIM_H
#define UNIT_SIM_H

#include <barlease.h>

#include "support.h"

#define PAGE 4096u
#define SIM_BAR 2 /* of 64 pages; BAR 0 has 256 bytes, BAR 4 1 GiB */
#define SIM_PAGES 64u
#define SIM_SMALL_BAR 0
#define SIM_HUGE_BAR 4

/* Fixtures for cmocka: *state is the device. No fd is left by a test. */
int sim_setup(void **state);
int sim_teardown(void **state);

#define sim_test(function) \
	cmocka_unit_test_setup_teardown(function, sim_setup, sim_teardown)

/* Lend pages of SIM_BAR, which must succeed. */
int sim_lend(struct barlease_device *dev, uint64_t page, uint64_t pages,
	     enum barlease_access access);

/* Map all of a lease, which must succeed. */
volatile uint32_t *sim_map(int fd, int prot, struct barlease_map *map);

/* A word of SIM_BAR, through the device. */
uint32_t sim_read(struct barlease_device *dev, uint64_t offset);
void sim_write(struct barlease_device *dev, uint64_t offset, uint32_t value);

/* Whether a read of it is SIGBUS, tried in a process of its own. */
void assert_sigbus(volatile uint32_t *word);

#endif /* UNIT_SIM_H */
