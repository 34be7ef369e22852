/* SPDX-License-Identifier: MIT */
/* Code that C++ may have a copy of in each object, of which one is kept. */
#ifndef GUARDED_COPIES_HPP
#define GUARDED_COPIES_HPP

#include <barlease/guarded.h>

/* Inlined, they would have no copy. */
template <typename T>
__attribute__((noinline)) int copy_read(const volatile void *address, T *sum)
{
	uint32_t value = 0;
	int err = barlease_guarded_read32(address, &value);

	*sum += value;
	return err;
}

struct reader {
	__attribute__((noinline)) int read(const volatile void *address)
	{
		uint8_t value;

		return barlease_guarded_read8(address, &value);
	}
};

int other_read(const volatile void *address);

#endif /* GUARDED_COPIES_HPP */
