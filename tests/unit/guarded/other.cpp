// SPDX-License-Identifier: MIT
#include "copies.hpp"

int other_read(const volatile void *address)
{
	unsigned long sum = 0;
	int err = copy_read(address, &sum);

	return err ? err : reader().read(address);
}
