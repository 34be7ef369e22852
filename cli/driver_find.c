// SPDX-License-Identifier: MIT
#include "binding.h"

bool driver_find(const struct machine *machine, const char *name)
{
	if (driver_exists(machine, name))
		return true;
	/* What it answers matters less than whether the driver is there. */
	driver_load(name);
	return driver_exists(machine, name);
}
