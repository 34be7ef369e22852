// SPDX-License-Identifier: MIT
#include <endian.h>
#include <string.h>

#include "mmio.h"

uint64_t mmio_read(const volatile void *address, unsigned int width)
{
	switch (width) {
	case 8:
		return *(const volatile uint8_t *)address;
	case 16:
		return le16toh(*(const volatile uint16_t *)address);
	case 32:
		return le32toh(*(const volatile uint32_t *)address);
	default:
		return le64toh(*(const volatile uint64_t *)address);
	}
}

void mmio_write(volatile void *address, unsigned int width, uint64_t value)
{
	switch (width) {
	case 8:
		*(volatile uint8_t *)address = (uint8_t)value;
		break;
	case 16:
		*(volatile uint16_t *)address = htole16((uint16_t)value);
		break;
	case 32:
		*(volatile uint32_t *)address = htole32((uint32_t)value);
		break;
	default:
		*(volatile uint64_t *)address = htole64(value);
	}
}

/* The widest access that the address and the rest allow, in bytes. */
static size_t access_size(uintptr_t address, size_t length)
{
	if (!(address % 8) && length >= 8)
		return 8;
	if (!(address % 4) && length >= 4)
		return 4;
	return 1;
}

void mmio_copy_from(void *to, const volatile void *from, size_t length)
{
	const volatile char *source = from;
	char *target = to;

	while (length) {
		size_t size = access_size((uintptr_t)source, length);
		/* Little-endian here, so that bytes stay in their order. */
		uint64_t value =
			htole64(mmio_read(source, (unsigned int)size * 8));

		memcpy(target, &value, size);
		source += size;
		target += size;
		length -= size;
	}
}

void mmio_copy_to(volatile void *to, const void *from, size_t length)
{
	volatile char *target = to;
	const char *source = from;

	while (length) {
		size_t size = access_size((uintptr_t)target, length);
		uint64_t value = 0;

		memcpy(&value, source, size);
		mmio_write(target, (unsigned int)size * 8, le64toh(value));
		source += size;
		target += size;
		length -= size;
	}
}
