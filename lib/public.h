/* SPDX-License-Identifier: MIT */
/*
 * The public headers, as the library's own files include them: what they
 * declare is visible outside, everything else is built hidden.
 */
#ifndef BARLEASE_PUBLIC_H
#define BARLEASE_PUBLIC_H

#pragma GCC visibility push(default)
#include "barlease.h"
#include "barlease/guarded.h"
#include "barlease/protocol.h"
#include "barlease/server.h"
#pragma GCC visibility pop

#endif /* BARLEASE_PUBLIC_H */
