/* SPDX-License-Identifier: MIT */
/* Accesses to device memory: each is one load or store of exactly its width. */
#ifndef CLI_MMIO_H
#define CLI_MMIO_H

#include <stddef.h>
#include <stdint.h>

/**
 * mmio_read() - one little-endian load
 * @address: aligned to the width
 * @width: 8, 16, 32 or 64 bits
 */
uint64_t mmio_read(const volatile void *address, unsigned int width);

/**
 * mmio_write() - one little-endian store
 * @address: aligned to the width
 * @width: 8, 16, 32 or 64 bits
 * @value: what to store; its upper bits are cut off
 */
void mmio_write(volatile void *address, unsigned int width, uint64_t value);

/**
 * mmio_copy_from() - copy bytes out of device memory
 * @to: where to
 * @from: device memory
 * @length: how many bytes, exactly these are read
 *
 * Uses accesses of 64 and 32 bits where @from is aligned, else of 8.
 */
void mmio_copy_from(void *to, const volatile void *from, size_t length);

/**
 * mmio_copy_to() - copy bytes into device memory
 *
 * Mirrors mmio_copy_from().
 */
void mmio_copy_to(volatile void *to, const void *from, size_t length);

#endif /* CLI_MMIO_H */
