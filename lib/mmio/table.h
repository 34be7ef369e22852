/* SPDX-License-Identifier: MIT */
/* The tables of guarded accesses of the objects of this process. */
#ifndef BARLEASE_MMIO_TABLE_H
#define BARLEASE_MMIO_TABLE_H

#include "public.h"

/**
 * barlease_guard_recovery() - where to go on after a fault
 * @access: address of the instruction that faulted
 *
 * May be called from a signal handler.
 *
 * Return: an address, or 0 when no guarded access is there.
 */
uintptr_t barlease_guard_recovery(uintptr_t access);

#endif /* BARLEASE_MMIO_TABLE_H */
