/* SPDX-License-Identifier: MIT */
/* The module with other parameters. */
#ifndef KERNEL_TESTS_RELOAD_H
#define KERNEL_TESTS_RELOAD_H

/*
 * Load it anew, with no more than @parameter (NULL: none). The core goes, too,
 * as it keeps some parameters in older kernels. No device is bound afterwards.
 */
void module_reload(const char *parameter);

/* As it was before, with all devices bound. */
void module_restore(void);

#endif /* KERNEL_TESTS_RELOAD_H */
