// SPDX-License-Identifier: MIT
/*
 * A lease server of a simulated device, with a clock that the input moves and
 * lessees that do what the input says. Each execution has a server of its own.
 * What is checked after each step is in check.c, what is done in steps.c and
 * client.c; no fd and no byte is left at the end.
 */
#include "world.h"

#define STEPS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;

	world_begin(&world, data, size);
	for (int i = 0; i < STEPS_MAX && world.input.left; i++) {
		world_step(&world, input_byte(&world.input));
		world_check(&world);
	}
	world_end(&world);
	return 0;
}
