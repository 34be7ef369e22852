/* SPDX-License-Identifier: MIT */
/*
 * The public header, as the library's own files include it: what it declares
 * is visible outside, everything else is built hidden.
 */
#ifndef BARLEASE_PUBLIC_H
#define BARLEASE_PUBLIC_H

#pragma GCC visibility push(default)
#include "barlease.h"
#pragma GCC visibility pop

#endif /* BARLEASE_PUBLIC_H */
