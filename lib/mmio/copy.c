// SPDX-License-Identifier: MIT
#include <string.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "public.h"

#define LINE 64

/* The widest access that the address and the rest allow, in bytes. */
static size_t access_size(uintptr_t address, size_t length)
{
	if (!(address % 8) && length >= 8)
		return 8;
	if (!(address % 4) && length >= 4)
		return 4;
	return 1;
}

static int load(void *to, const volatile void *from, size_t size)
{
	uint64_t value;
	uint32_t word;
	uint8_t byte;
	int err;

	if (size == 8) {
		err = barlease_guarded_read64_relaxed(from, &value);
		if (!err)
			memcpy(to, &value, size);
	} else if (size == 4) {
		err = barlease_guarded_read32_relaxed(from, &word);
		if (!err)
			memcpy(to, &word, size);
	} else {
		err = barlease_guarded_read8_relaxed(from, &byte);
		if (!err)
			memcpy(to, &byte, size);
	}
	return err;
}

static int store(volatile void *to, const void *from, size_t size)
{
	uint64_t value;
	uint32_t word;
	uint8_t byte;

	if (size == 8) {
		memcpy(&value, from, size);
		return barlease_guarded_write64_relaxed(to, value);
	}
	if (size == 4) {
		memcpy(&word, from, size);
		return barlease_guarded_write32_relaxed(to, word);
	}
	memcpy(&byte, from, size);
	return barlease_guarded_write8_relaxed(to, byte);
}

int barlease_guarded_copy_from(void *to, const volatile void *from,
			       size_t length, size_t *done)
{
	const volatile char *source = from;
	char *target = to;
	size_t copied = 0;
	int err = 0;

	while (copied < length) {
		size_t size = access_size((uintptr_t)source + copied,
					  length - copied);

		err = load(target + copied, source + copied, size);
		if (err)
			break;
		copied += size;
	}
	barlease_after_read_();
	if (done)
		*done = copied;
	return err;
}

int barlease_guarded_copy_to(volatile void *to, const void *from, size_t length,
			     size_t *done)
{
	const char *source = from;
	volatile char *target = to;
	size_t copied = 0;
	int err = 0;

	barlease_before_write_();
	while (copied < length) {
		size_t size = access_size((uintptr_t)target + copied,
					  length - copied);

		err = store(target + copied, source + copied, size);
		if (err)
			break;
		copied += size;
	}
	if (done)
		*done = copied;
	return err;
}

/* One whole line, by stores that go to the combining buffer at once. */
#ifdef __x86_64__
static int store_line(volatile char *to, const char *from)
{
	__m128i value[4];

	memcpy(value, from, sizeof(value));
	for (int i = 0; i < 4; i++)
		__asm__ volatile goto(
			"1: movntdq %[value], %[to]\n\t" BARLEASE_ENTRY_
			:
			: [to] "m"(((volatile __m128i *)to)[i]),
			  [value] "x"(value[i])
			: "memory"
			: gone);
	return 0;
gone:
	return -ENXIO;
}
#else
static int store_line(volatile char *to, const char *from)
{
	uint64_t value[8];

	memcpy(value, from, sizeof(value));
	for (int i = 0; i < 8; i += 2)
		__asm__ volatile goto(
			"1: stp %[low], %[high], %[to]\n\t" BARLEASE_ENTRY_
			:
			: [to] "Ump"(((volatile __uint128_t *)to)[i / 2]),
			  [low] "r"(value[i]), [high] "r"(value[i + 1])
			: "memory"
			: gone);
	return 0;
gone:
	return -ENXIO;
}
#endif

int barlease_guarded_copy_to_wc(volatile void *to, const void *from,
				size_t length, size_t *done)
{
	size_t head = -(uintptr_t)to % LINE;
	volatile char *target = to;
	const char *source = from;
	size_t copied, rest;
	int err;

	if (head > length)
		head = length;
	err = barlease_guarded_copy_to(to, from, head, &copied);
	while (!err && length - copied >= LINE) {
		err = store_line(target + copied, source + copied);
		if (!err)
			copied += LINE;
	}
	if (!err) {
		err = barlease_guarded_copy_to(target + copied, source + copied,
					       length - copied, &rest);
		copied += rest;
	}
	barlease_wc_flush();
	if (done)
		*done = copied;
	return err;
}
