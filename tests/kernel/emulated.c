// SPDX-License-Identifier: MIT
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "emulated.h"
#include "harness.h"

static bool is_emulated(void)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	bool found = false;
	char line[1024];

	ASSERT(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, "QEMU TCG CPU");
	fclose(file);
	return found;
}

void emulated_use_one_cpu(void)
{
	cpu_set_t cpus;

	if (!is_emulated())
		return;
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_SYS(sched_setaffinity(0, sizeof(cpus), &cpus));
}
