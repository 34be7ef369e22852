/* SPDX-License-Identifier: MIT */
/* The operators' end of barleased's socket for them. */
#ifndef SERVER_OPERATORS_H
#define SERVER_OPERATORS_H

#include <stdbool.h>

#include "control/packet.h"

/* Return: a socket, or -1. */
int operators_connect(const char *path);

/* LIST or WATCH. Return: whether it was sent. */
bool operators_ask(int sock, enum control_type type);

bool operators_recall(int sock, uint64_t lease, uint64_t grace);

/* Wait for a packet. Return: whether there was one, and a right one. */
bool operators_next(int sock, union control_packet *packet);

#endif /* SERVER_OPERATORS_H */
