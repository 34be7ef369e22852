// SPDX-License-Identifier: MIT
/* What order.py looks at as the compiler has put it. */
#include <barlease/mmio.h>

#define ACCESSES(width)                                               \
	uint##width##_t read##width(const void *device)               \
	{                                                             \
		return barlease_read##width##_relaxed(device);        \
	}                                                             \
	void write##width(void *device, uint##width##_t value)        \
	{                                                             \
		barlease_write##width##_relaxed(device, value);       \
	}

ACCESSES(8)
ACCESSES(16)
ACCESSES(32)
ACCESSES(64)

/* A compiler that may would store to memory once, and anywhere. */
void doorbell(uint32_t *memory, uint32_t *device)
{
	*memory = 1;
	barlease_write32(device, 2);
	*memory = 3;
}

/* And here load from it once. */
uint32_t status(const uint32_t *memory, const uint32_t *device)
{
	uint32_t before = *memory;
	uint32_t now = barlease_read32(device);

	return before ^ now ^ *memory;
}

void flush(uint32_t *memory)
{
	*memory = 1;
	barlease_wc_flush();
	*memory = 3;
}
