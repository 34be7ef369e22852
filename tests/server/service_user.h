/* SPDX-License-Identifier: MIT */
/* A user as the unit of barleased gives it one. */
#ifndef SERVER_SERVICE_USER_H
#define SERVER_SERVICE_USER_H

#include <stdbool.h>

/*
 * Have root become a user that nobody else is, whatever other tests run, with
 * more capabilities than barleased is to keep. Who is not root stays who he is.
 *
 * Return: whether that went well.
 */
bool service_user_become(void);

#endif /* SERVER_SERVICE_USER_H */
