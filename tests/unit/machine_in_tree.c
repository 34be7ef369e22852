// SPDX-License-Identifier: MIT
/* The command's machine, for tests: the folder that the environment names. */
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

/* Linked before the library that has the real one. */
extern struct machine machine_in_tree __asm__("this_machine");
struct machine machine_in_tree;

__attribute__((constructor)) static void machine_find(void)
{
	static char paths[7][128];
	const char *root = getenv("BARLEASE_TEST_ROOT");

	/* Never the real one by mistake. */
	if (!root)
		abort();
	snprintf(paths[0], sizeof(paths[0]), "%s/sys", root);
	snprintf(paths[1], sizeof(paths[1]), "%s/proc", root);
	snprintf(paths[2], sizeof(paths[2]), "%s/dev", root);
	snprintf(paths[3], sizeof(paths[3]), "%s/run", root);
	snprintf(paths[4], sizeof(paths[4]), "%s/lib/modules", root);
	snprintf(paths[5], sizeof(paths[5]), "%s/etc", root);
	snprintf(paths[6], sizeof(paths[6]), "%s/usr/bin/barlease", root);
	machine_in_tree.sysfs = paths[0];
	machine_in_tree.proc = paths[1];
	machine_in_tree.dev = paths[2];
	machine_in_tree.run = paths[3];
	machine_in_tree.modules = paths[4];
	machine_in_tree.etc = paths[5];
	machine_in_tree.command = paths[6];
}
