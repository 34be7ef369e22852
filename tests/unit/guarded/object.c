// SPDX-License-Identifier: MIT
/* A shared object with a guarded access of its own. */
#include <barlease/guarded.h>

int object_read(const volatile void *address);

int object_read(const volatile void *address)
{
	uint32_t value;

	return barlease_guarded_read32(address, &value);
}
