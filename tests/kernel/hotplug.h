/* SPDX-License-Identifier: MIT */
/*
 * The device that can be unplugged (HOTPLUG). The time limit of the test ends
 * each of these.
 */
#ifndef KERNEL_TESTS_HOTPLUG_H
#define KERNEL_TESTS_HOTPLUG_H

#include <stdbool.h>

/* Whether the function has this file in sysfs. */
bool hotplug_has_file(const char *bdf, const char *name);

void hotplug_wait_until_gone(const char *bdf);

/* Put one there, and give it to our driver. */
void hotplug_plug(const char *bdf);

#endif /* KERNEL_TESTS_HOTPLUG_H */
