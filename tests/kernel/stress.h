/* SPDX-License-Identifier: MIT */
/* What else goes on in the stress, see test_stress.c: processes to the end. */
#ifndef KERNEL_TESTS_STRESS_H
#define KERNEL_TESTS_STRESS_H

#include "race.h"

/* Pull the device out of the machine and put another one in. */
void stress_unplug(struct race *race);

/* Take the driver from the device and give it back. */
void stress_unbind(struct race *race);

/* Look at all that there is to see of leases, mappings and traces. */
void stress_look(struct race *race);

void stress_trace(bool on);

#endif /* KERNEL_TESTS_STRESS_H */
