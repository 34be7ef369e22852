// SPDX-License-Identifier: MIT
#include "hotplug.h"

#include <stdio.h>
#include <unistd.h>

#include "bind.h"
#include "harness.h"
#include "host.h"

bool hotplug_has_file(const char *bdf, const char *name)
{
	char path[100];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, name);
	return !access(path, F_OK);
}

void hotplug_wait_until_gone(const char *bdf)
{
	while (hotplug_has_file(bdf, "config"))
		sleep_ms(2);
}

/* Nobody who looks at the driver can tell a device that is still probed. */
void hotplug_plug(const char *bdf)
{
	host_do("plug");
	while (!hotplug_has_file(bdf, "config"))
		sleep_ms(10);
	while (device_bind(bdf) || !hotplug_has_file(bdf, "vfio-dev"))
		sleep_ms(10);
}
