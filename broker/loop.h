/* SPDX-License-Identifier: MIT */
#ifndef BROKER_LOOP_H
#define BROKER_LOOP_H

#include "lender/lender.h"

/**
 * loop_begin() - have signals wait for loop_run()
 *
 * Return: an fd for it, or -errno.
 */
int loop_begin(void);

/**
 * loop_run() - lend until SIGTERM or SIGINT; SIGHUP reads the policy anew
 * @lender: lender
 * @signals: of loop_begin(), which is closed
 * @metrics: file to be written again and again, see metrics_write(); or NULL
 *
 * Return: the signal that has ended it, or -errno.
 */
int loop_run(struct lender *lender, int signals, const char *metrics);

#endif /* BROKER_LOOP_H */
