/* SPDX-License-Identifier: MIT */
/*
 * Accesses to device memory: registers and buffers behind a mapped lease.
 *
 * Devices of PCI are little-endian, and so is what is stored and loaded here:
 * each call is one load or store of exactly its width, at an address that is
 * a multiple of it.
 *
 * Order, as far as the processor is concerned (a bridge may hold a write back
 * until something is read): barlease_read*() comes before every later access
 * to memory, so that what a device has announced in a register is seen behind
 * it; barlease_write*() comes after every earlier store, so that a doorbell
 * tells of what is there. The *_relaxed() ones promise neither, and only that
 * accesses to the same device stay in their order while its memory is mapped
 * non-cached. Stores to write-combining memory wait until barlease_wc_flush().
 *
 * An access to a lease that is gone raises SIGBUS: see barlease/guarded.h.
 */
#ifndef BARLEASE_MMIO_H
#define BARLEASE_MMIO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * x86-64 keeps loads in their order and stores in theirs, device memory
 * included (Intel SDM volume 3, section 10.2): what is left is the compiler.
 * Arm needs a barrier for the outer shareable domain, which devices are in (Arm
 * ARM, DDI 0487, section B2.3 and the description of DMB).
 */
#if defined(__x86_64__) || defined(__i386__)
#define BARLEASE_AFTER_READ_ ""
#define BARLEASE_BEFORE_WRITE_ ""
#define BARLEASE_FLUSH_ "sfence"
#elif defined(__aarch64__)
#define BARLEASE_AFTER_READ_ "dmb oshld"
#define BARLEASE_BEFORE_WRITE_ "dmb oshst"
#define BARLEASE_FLUSH_ "dsb oshst"
#else
#error "barlease/mmio.h: the order of accesses is not known for this processor"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "barlease/mmio.h is for little-endian processors"
#endif

static inline void barlease_after_read_(void)
{
	__asm__ volatile(BARLEASE_AFTER_READ_ ::: "memory");
}

static inline void barlease_before_write_(void)
{
	__asm__ volatile(BARLEASE_BEFORE_WRITE_ ::: "memory");
}

/**
 * barlease_wc_flush() - have what was stored to write-combining memory sent
 *
 * Everything that was stored before reaches the device before anything that is
 * stored afterwards, by whatever mapping.
 */
static inline void barlease_wc_flush(void)
{
	__asm__ volatile(BARLEASE_FLUSH_ ::: "memory");
}

/**
 * barlease_read8/16/32/64[_relaxed]() - one load
 * @address: aligned to the width
 *
 * Return: the value.
 *
 * barlease_write8/16/32/64[_relaxed]() - one store
 * @address: aligned to the width
 * @value: what to store
 */
#define BARLEASE_ACCESSORS_(width)                                       \
	static inline uint##width##_t barlease_read##width##_relaxed(    \
		const volatile void *address)                            \
	{                                                                \
		return *(const volatile uint##width##_t *)address;       \
	}                                                                \
	static inline uint##width##_t barlease_read##width(              \
		const volatile void *address)                            \
	{                                                                \
		uint##width##_t value =                                  \
			barlease_read##width##_relaxed(address);         \
		barlease_after_read_();                                  \
		return value;                                            \
	}                                                                \
	static inline void barlease_write##width##_relaxed(              \
		volatile void *address, uint##width##_t value)           \
	{                                                                \
		*(volatile uint##width##_t *)address = value;            \
	}                                                                \
	static inline void barlease_write##width(volatile void *address, \
						 uint##width##_t value)  \
	{                                                                \
		barlease_before_write_();                                \
		barlease_write##width##_relaxed(address, value);         \
	}

BARLEASE_ACCESSORS_(8)
BARLEASE_ACCESSORS_(16)
BARLEASE_ACCESSORS_(32)
BARLEASE_ACCESSORS_(64)

#undef BARLEASE_ACCESSORS_

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_MMIO_H */
