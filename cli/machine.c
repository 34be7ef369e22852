// SPDX-License-Identifier: MIT
#include "machine.h"

const struct machine this_machine = {
	.sysfs = "/sys",
	.proc = "/proc",
	.dev = "/dev",
	.run = "/run",
	.modules = "/lib/modules",
	.etc = "/etc",
	.command = BARLEASE_COMMAND,
};
